// Reverse routes: the first that fits host and path, the path as the target knows it, and where its redirects lead to.
import { describe, expect, test } from 'vitest';
import { reverseLocation, reverseRouteOf, strippedPath } from '../../http/reverse-route.ts';

const route = (host: string, path = '/', stripPath = false) => ({ host, path, stripPath });

test.each([
  ['app.localhost', '/', 'app.localhost', '/x', true],
  ['APP.localhost', '/', 'app.localhost', '/', true],
  ['app.localhost', '/', 'x.app.localhost', '/', false],
  ['app.localhost', '/', 'app.localhost.evil.example', '/', false],
  ['*.localhost', '/', 'app.localhost', '/', true],
  ['*.localhost', '/', 'a.b.localhost', '/', true],
  ['*.localhost', '/', 'localhost', '/', false],
  ['*.localhost', '/', 'notlocalhost', '/', false],
  ['*.localhost', '/', '.localhost', '/', false],
  ['*', '/', 'evil.example', '/', true],
  ['127.0.0.1', '/', '127.0.0.1', '/', true],
  ['[::1]', '/', '[::1]', '/', true],
  ['a', '/api', 'a', '/api', true],
  ['a', '/api', 'a', '/api/x', true],
  ['a', '/api', 'a', '/api?x', true],
  ['a', '/api', 'a', '/apis', false],
  ['a', '/api', 'a', '/API', false],
  ['a', '/api', 'a', '/', false],
  ['a', '/api/', 'a', '/api/', true],
  ['a', '/api/', 'a', '/api', false],
])('a route for %s and %s: %s%s fits: %s', (host, path, askedHost, askedPath, fits) => {
  expect(reverseRouteOf([route(host, path)], askedHost, askedPath) !== undefined).toBe(fits);
});

test('the first that fits is taken', () => {
  const routes = [route('a', '/api'), route('a'), route('*')];
  expect(reverseRouteOf(routes, 'a', '/api/1')).toBe(routes[0]);
  expect(reverseRouteOf(routes, 'a', '/x')).toBe(routes[1]);
  expect(reverseRouteOf(routes, 'b', '/api/1')).toBe(routes[2]);
});

test.each([
  ['/api', true, '/api/x?y=1', '/x?y=1'],
  ['/api', true, '/api', '/'],
  ['/api', true, '/api?y', '/?y'],
  ['/api/', true, '/api/x', '/x'],
  ['/api', true, '/api//x', '//x'],
  ['/', true, '/x', '/x'],
  ['/api', false, '/api/x', '/api/x'],
  ['/api', true, '/other', '/other'],
  ['/', true, '*', '*'],
])('below %s, stripped %s, %s is asked as %s', (path, stripPath, asked, expected) => {
  expect(strippedPath(route('a', path, stripPath), asked)).toBe(expected);
});

describe('a Location of the target http://10.0.0.1:3000, asked as http://app.localhost:8080,', () => {
  const lead = (location: string, given = route('app.localhost')) =>
    reverseLocation(location, {
      targetOrigin: 'http://10.0.0.1:3000',
      clientOrigin: 'http://app.localhost:8080',
      route: given,
    });

  test.each([
    ['http://10.0.0.1:3000/login?a=b#c', 'http://app.localhost:8080/login?a=b#c'],
    ['HTTP://10.0.0.1:3000', 'http://app.localhost:8080/'],
    ['http://10.0.0.1:3001/login', 'http://10.0.0.1:3001/login'],
    ['https://10.0.0.1:3000/login', 'https://10.0.0.1:3000/login'],
    ['http://10.0.0.1:3000@evil.example/', 'http://10.0.0.1:3000@evil.example/'],
    ['http://user@10.0.0.1:3000/', 'http://user@10.0.0.1:3000/'],
    ['http://10.0.0.1:30001/', 'http://10.0.0.1:30001/'],
    ['https://accounts.example/login', 'https://accounts.example/login'],
    ['/login', '/login'],
    ['login', 'login'],
    ['//evil.example/', '//evil.example/'],
    ['http://', 'http://'],
  ])('%s, leads to %s', (location, expected) => {
    expect(lead(location)).toBe(expected);
  });

  test.each([
    ['http://10.0.0.1:3000/login', 'http://app.localhost:8080/shop/login'],
    ['/login', '/shop/login'],
    ['/shop/login', '/shop/login'],
    ['/shopping', '/shop/shopping'],
    ['//evil.example/', '//evil.example/'],
    ['/\\evil.example/', '/\\evil.example/'],
    ['login', 'login'],
  ])('%s, leads to %s where the path /shop was taken away', (location, expected) => {
    expect(lead(location, route('app.localhost', '/shop', true))).toBe(expected);
  });
});
