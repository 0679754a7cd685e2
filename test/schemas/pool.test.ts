// Pools and reverse routes as they are written: what is given, what is taken for granted, and what is refused.
import { expect, test } from 'vitest';
import { edgeReverse, pool, reverseRoute } from '../../schemas/pool.ts';

test('a pool needs its targets only', () => {
  expect(pool.parse({ targets: [{ url: 'http://10.0.0.1' }] })).toEqual({
    targets: [{ url: 'http://10.0.0.1', weight: 1 }],
    balance: 'round-robin',
    eject: { afterFailures: 3, forMs: 10_000 },
    retry: { maxTries: 3, budgetPercent: 20 },
    host: 'client',
  });
});

test.each([
  ['none', []],
  ['a path', [{ url: 'http://a/path' }]],
  ['userinfo', [{ url: 'http://u:p@a' }]],
  ['another scheme', [{ url: 'ftp://a' }]],
  ['a weight below zero', [{ url: 'http://a', weight: -1 }]],
  ['half a weight', [{ url: 'http://a', weight: 0.5 }]],
  ['the same twice', [{ url: 'http://a' }, { url: 'http://a' }]],
  ['the same in other words', [{ url: 'http://a' }, { url: 'HTTP://A:80/' }]],
  ['the same over TLS, in other words', [{ url: 'https://a:443' }, { url: 'https://a' }]],
])('targets are refused: %s', (_, targets) => {
  expect(pool.safeParse({ targets }).success).toBe(false);
});

test('targets at other ports or by other schemes are others', () => {
  const targets = [{ url: 'http://a' }, { url: 'http://a:81' }, { url: 'https://a' }, { url: 'http://[::1]:80' }];
  expect(pool.safeParse({ targets }).success).toBe(true);
});

test.each([
  ['app.localhost', true],
  ['*.app.test', true],
  ['*', true],
  ['127.0.0.1', true],
  ['[::1]', true],
  ['app.localhost:8080', false],
  ['http://app.localhost', false],
  ['a*.test', false],
  ['', false],
])('a reverse route for the host %j is taken: %s', (host, isTaken) => {
  expect(reverseRoute.safeParse({ host, pool: 'app' }).success).toBe(isTaken);
});

test('a path begins with a slash, and is not cut unless that is said', () => {
  expect(reverseRoute.parse({ host: '*', pool: 'app' })).toMatchObject({ path: '/', stripPath: false });
  expect(reverseRoute.safeParse({ host: '*', pool: 'app', path: 'api' }).success).toBe(false);
});

test.each([
  ['checks', { check: {} }],
  ['what needs a state that isolates do not share', { balance: 'round-robin' }],
  ['least outstanding', { balance: 'least-outstanding' }],
  ['a budget', { retry: {} }],
])('a worker has no %s', (_, settings) => {
  const app = { targets: [{ url: 'https://a.example' }] };
  expect(edgeReverse.safeParse({ pools: { app } }).success).toBe(true);
  expect(edgeReverse.safeParse({ pools: { app: { ...app, ...settings } } }).success).toBe(false);
});
