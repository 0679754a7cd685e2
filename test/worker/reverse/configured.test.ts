// A wrong variable is told with its reason, and its targets are judged like any destination.
import { expect, test } from 'vitest';
import { configuredReverse } from '../../../worker/reverse/configured.ts';

const publicOnly = { policy: { allowPrivate: false, exceptions: [] }, fetchesAddresses: false };
const embedded = { policy: { allowPrivate: true, exceptions: [] }, fetchesAddresses: true };

const withTarget = (url: string, more: object = {}) =>
  JSON.stringify({ pools: { app: { targets: [{ url }], ...more } }, routes: [{ host: 'www.example', pool: 'app' }] });

test.each([
  ['no variable', undefined],
  ['an empty one', ' '],
  ['one without routes', '{}'],
  ['a pool that nobody leads to', '{"pools":{"app":{"targets":[{"url":"https://app.example"}]}}}'],
])('there are no routes: %s', (_, text) => {
  expect(configuredReverse(text, publicOnly)).toEqual({ kind: 'none' });
});

test('what is not said is filled in', () => {
  const configured = configuredReverse(withTarget('https://app.example'), publicOnly);
  expect(configured).toMatchObject({
    kind: 'routes',
    routes: [{ host: 'www.example', path: '/', pool: 'app', stripPath: false }],
    pools: { app: { balance: 'weighted', maxTries: 3, targets: [{ url: 'https://app.example', weight: 1 }] } },
  });
});

test.each([
  ['no JSON', '{"pools":', /is not JSON/],
  ['an unknown key', '{"pool":{}}', /Unrecognized key: "pool"/],
  [
    'a pool that does not exist',
    '{"routes":[{"host":"a.example","pool":"b"}]}',
    /routes\.0\.pool: there is no pool "b"/,
  ],
  [
    'a route below /v1',
    '{"routes":[{"host":"*","path":"/V1/x","pool":"b"}]}',
    /routes\.0\.path: \/v1 is the worker’s own/,
  ],
  [
    'what isolates cannot keep',
    withTarget('https://a.example', { balance: 'least-outstanding' }),
    /isolates share no state/,
  ],
  ['checks, which need a background', withTarget('https://a.example', { check: {} }), /Unrecognized key: "check"/],
  ['a target with a path', withTarget('https://a.example/x'), /no path and no userinfo/],
  [
    'a private address',
    withTarget('http://10.0.0.1'),
    /http:\/\/10\.0\.0\.1 cannot be asked: the platform fetches from names only/,
  ],
  ['a name of this machine', withTarget('http://localhost:8080'), /the machine itself/],
  ['a private name', withTarget('http://db.internal'), /private networks/],
  ['a port of another protocol', withTarget('http://mail.example:25'), /port 25/],
])('C01, wrong: %s', (_, text, because) => {
  expect(configuredReverse(text, publicOnly)).toEqual({ kind: 'wrong', because: expect.stringMatching(because) });
});

test('an embedded edge takes the addresses that its policy allows', () => {
  expect(configuredReverse(withTarget('http://127.0.0.1:9000'), embedded).kind).toBe('routes');
  const strict = { ...embedded, policy: publicOnly.policy };
  expect(configuredReverse(withTarget('http://127.0.0.1:9000'), strict)).toMatchObject({ kind: 'wrong' });
});
