// Every condition on a request: what fulfils it, and what does not.
import { describe, expect, test } from 'vitest';
import { unseenInTunnels } from '../../../http/plan/matchers.ts';
import type { RuleRequest } from '../../../http/plan/plan.ts';
import { ruleConditions } from '../../../schemas/rule.ts';
import { exchangeOf, planOf, tunnelOf, worldOf } from '../../support/rules.ts';

const then = { block: 'drop' } as const;

function holds(
  when: object,
  request: RuleRequest = exchangeOf('http://www.example.com/a/b?x=1'),
  world = worldOf(),
): boolean {
  return planOf([{ when, then }], request, world) !== undefined;
}

test('a rule without conditions holds always', () => {
  expect(holds({})).toBe(true);
});

describe('host', () => {
  test.each([
    ['example.com', 'http://example.com/', true],
    ['example.com', 'http://EXAMPLE.com./', true],
    ['EXAMPLE.com', 'http://example.com/', true],
    ['example.com.', 'http://example.com/', true],
    ['example.com', 'http://www.example.com/', false],
    ['*.example.com', 'http://www.example.com/', true],
    ['*.example.com', 'http://a.b.example.com/', true],
    ['*.example.com', 'http://example.com/', false],
    ['*.example.com', 'http://badexample.com/', false],
    ['*', 'http://anything.example/', true],
    ['bücher.example', 'http://xn--bcher-kva.example/', true],
    ['*.BÜCHER.example', 'http://www.xn--bcher-kva.example/', true],
    ['192.0.2.1', 'http://192.0.2.1/', true],
    ['[2001:DB8:0::1]', 'http://[2001:db8::1]:8080/', true],
    ['[2001:db8::1]', 'http://[2001:db8::2]/', false],
  ])('%s for %s: %s', (host, url, expected) => {
    expect(holds({ host }, exchangeOf(url))).toBe(expected);
    expect(holds({ host: ['elsewhere.example', host] }, exchangeOf(url))).toBe(expected);
  });
});

describe('domain', () => {
  test.each([
    ['example.co.uk', 'http://example.co.uk/', true],
    ['example.co.uk', 'http://a.b.example.co.uk/', true],
    ['Example.co.uk', 'http://example.co.uk/', true],
    ['example.co.uk', 'http://badexample.co.uk/', false],
    ['example.co.uk', 'http://co.uk/', false],
  ])('%s for %s: %s', (domain, url, expected) => {
    expect(holds({ domain }, exchangeOf(url))).toBe(expected);
  });
});

test('list: one of those named has the host', () => {
  const world = worldOf({ ads: ['ads.example'], others: [] });
  expect(holds({ list: 'ads' }, exchangeOf('http://ads.example/'), world)).toBe(true);
  expect(holds({ list: ['others', 'ads'] }, exchangeOf('http://ads.example/'), world)).toBe(true);
  expect(holds({ list: 'others' }, exchangeOf('http://ads.example/'), world)).toBe(false);
});

describe('port, scheme and method', () => {
  test.each([
    [{ port: 80 }, 'http://a.example/', true],
    [{ port: 443 }, 'https://a.example/', true],
    [{ port: [1, 8080] }, 'http://a.example:8080/', true],
    [{ port: 80 }, 'http://a.example:8080/', false],
    [{ scheme: 'http' }, 'http://a.example/', true],
    [{ scheme: 'http' }, 'https://a.example/', false],
    [{ method: 'GET' }, 'http://a.example/', true],
    [{ method: ['POST', 'PUT'] }, 'http://a.example/', false],
    [{ method: 'get' }, 'http://a.example/', false],
  ])('%j for %s: %s', (when, url, expected) => {
    expect(holds(when, exchangeOf(url))).toBe(expected);
  });
});

describe('url', () => {
  test.each([
    ['http://a.example/x', 'http://a.example/x', true],
    ['http://A.Example/x', 'http://a.example/x', true],
    ['http://a.example/x', 'http://a.example/X', false],
    ['http://a.example', 'http://a.example/', true],
    ['http://a.example', 'http://a.example/x', false],
    ['http://a.example/', 'http://a.example./', true],
    ['http://a.example:80/*', 'http://a.example/x', true],
    ['https://a.example:443/*', 'https://a.example/x', true],
    ['http://a.example:8080/*', 'http://a.example/x', false],
    ['http://a.example:*/*', 'http://a.example:8080/x', true],
    ['*://a.example/*', 'https://a.example/x?y', true],
    ['http://a.example/*', 'https://a.example/x', false],
    ['http://a.example/x', 'http://a.example/x?y=1', false],
    ['http://a.example/x?*', 'http://a.example/x?y=1', true],
    ['http://a.example?y=1', 'http://a.example/?y=1', true],
    ['*://*.example/*', 'http://a.example/', true],
    ['https://*.corp.example/*', 'https://elsewhere.example/?.corp.example/', false],
    ['https://*.corp.example/*', 'https://elsewhere.example/x.corp.example/', false],
    ['*.js', 'http://a.example/x.js', true],
    ['*.js', 'http://a.example/x.js?y', false],
    ['*', 'http://a.example/', true],
    ['https://*', 'https://a.example/x', true],
    ['https://*', 'http://a.example/x', false],
    ['http://a.example/ä b', 'http://a.example/%C3%A4%20b', true],
    ["http://a.example/'?'", "http://a.example/'?%27", true],
    ['http://bücher.example/*', 'http://xn--bcher-kva.example/x', true],
    ['http://*.bücher.example/*', 'http://www.xn--bcher-kva.example/x', true],
    ['http://[2001:db8:0::1]/*', 'http://[2001:db8::1]/x', true],
  ])('%s for %s: %s', (url, asked, expected) => {
    expect(holds({ url }, exchangeOf(asked))).toBe(expected);
  });
});

describe('path', () => {
  test.each([
    ['/a/b', 'http://a.example/a/b', true],
    ['/a/b', 'http://a.example/a/b?c', true],
    ['/a/*', 'http://a.example/a/b/c', true],
    ['/a', 'http://a.example/a/b', false],
    ['*.png', 'http://a.example/x/y.png?z', true],
    ['/ä', 'http://a.example/%C3%A4', true],
    ['/a', 'http://a.example/%61', false],
  ])('%s for %s: %s', (path, url, expected) => {
    expect(holds({ path }, exchangeOf(url))).toBe(expected);
  });
});

describe('query', () => {
  test.each([
    [{ x: '1' }, '?x=1', true],
    [{ x: '1' }, '?x=2', false],
    [{ x: '1' }, '?x=2&x=1', true],
    [{ x: '1' }, '?X=1', false],
    [{ x: 'a*' }, '?x=abc', true],
    [{ 'ä b': 'c&d' }, '?%C3%A4+b=c%26d', true],
    [{ x: true }, '?x', true],
    [{ x: true }, '?y', false],
    [{ x: false }, '?y', true],
    [{ x: false }, '?x=', false],
    [{ x: false }, '', true],
    [{ x: '1', y: '2' }, '?x=1', false],
    [{ x: '1', y: '2' }, '?y=2&x=1', true],
  ])('%j for %j: %s', (query, text, expected) => {
    expect(holds({ query }, exchangeOf(`http://a.example/${text}`))).toBe(expected);
  });
});

describe('fields', () => {
  const fields = [
    ['User-Agent', 'curl/8.5'],
    ['Accept', 'text/html'],
    ['accept', 'text/plain'],
    ['Cookie', 'a=1'],
    ['cookie', 'b=2'],
  ] as const;
  test.each([
    [{ 'user-agent': 'curl/*' }, true],
    [{ 'USER-AGENT': 'curl/*' }, true],
    [{ 'user-agent': 'Curl/*' }, false],
    [{ accept: 'text/plain' }, true],
    [{ accept: 'text/html, text/plain' }, true],
    [{ accept: 'text/plain, text/html' }, false],
    [{ cookie: 'a=1; b=2' }, true],
    [{ cookie: true }, true],
    [{ cookie: false }, false],
    [{ authorization: false }, true],
    [{ authorization: true }, false],
    [{ authorization: '*' }, false],
    [{ accept: 'text/html', authorization: true }, false],
  ])('%j: %s', (wanted, expected) => {
    expect(holds({ fields: wanted }, exchangeOf('http://a.example/', { fields }))).toBe(expected);
  });
});

describe('client', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.0/8', '127.1.2.3', true],
    ['10.0.0.0/8', '127.0.0.1', false],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['fd00::/8', 'fd12::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '::1', true],
    ['::1', '127.0.0.1', false],
  ])('%s for %s: %s', (client, address, expected) => {
    expect(holds({ client }, exchangeOf('http://a.example/', { client: address }))).toBe(expected);
    expect(holds({ client }, tunnelOf('a.example', 443, address))).toBe(expected);
  });
});

describe('time and weekday', () => {
  test.each([
    ['09:00-17:30', 9 * 60, true],
    ['09:00-17:30', 17 * 60 + 29, true],
    ['09:00-17:30', 17 * 60 + 30, false],
    ['09:00-17:30', 9 * 60 - 1, false],
    ['22:00-06:00', 23 * 60, true],
    ['22:00-06:00', 5 * 60 + 59, true],
    ['22:00-06:00', 6 * 60, false],
    ['18:00-24:00', 24 * 60 - 1, true],
    ['00:00-24:00', 0, true],
    ['12:00-12:00', 3, true],
  ])('%s at minute %i: %s', (time, minute, expected) => {
    expect(holds({ time }, exchangeOf('http://a.example/'), worldOf({}, minute))).toBe(expected);
  });

  test.each([
    ['sat', 6, true],
    [['mon', 'sun'], 0, true],
    ['mon', 0, false],
  ])('%j on weekday %i: %s', (weekday, day, expected) => {
    expect(holds({ weekday }, exchangeOf('http://a.example/'), worldOf({}, 0, day))).toBe(expected);
  });
});

describe('several conditions', () => {
  test.each([
    [{ host: 'a.example', method: 'GET' }, true],
    [{ host: 'a.example', method: 'POST' }, false],
    [{ host: 'a.example', not: { path: '/x' } }, true],
    [{ host: 'a.example', not: { path: '/' } }, false],
    [{ host: 'a.example', not: { path: '/', method: 'POST' } }, true],
    [{ host: 'a.example', not: { path: '/', method: 'GET' } }, false],
    [{ host: 'a.example', not: { host: 'a.example' } }, false],
  ])('%j: %s', (when, expected) => {
    expect(holds(when, exchangeOf('http://a.example/'))).toBe(expected);
  });
});

describe('a tunnel', () => {
  test.each([
    [{ host: '*.example' }, true],
    [{ domain: 'a.example' }, true],
    [{ port: 443 }, true],
    [{ list: 'ads' }, true],
    [{ weekday: 'sat', time: '11:00-13:00' }, true],
    [{ not: { host: 'b.example' } }, true],
    [{}, true],
    [{ scheme: 'https' }, false],
    [{ method: 'CONNECT' }, false],
    [{ url: '*' }, false],
    [{ path: '*' }, false],
    [{ query: { x: false } }, false],
    [{ fields: { x: false } }, false],
    [{ not: { path: '/x' } }, false],
    [{ host: 'a.example', not: { fields: { cookie: true } } }, false],
    [{ response: { status: 404 } }, false],
  ])('fulfils %j: %s', (when, expected) => {
    expect(holds(when, tunnelOf('a.example'), worldOf({ ads: ['a.example'] }))).toBe(expected);
    expect(unseenInTunnels(ruleConditions.parse(when)) === undefined).toBe(expected);
  });
});
