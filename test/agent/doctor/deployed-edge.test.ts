// A deployed edge, from its name to its store: the first that fails is told, and nothing behind it is asked.
import { expect, test } from 'vitest';
import { deployedEdgeCheck, type EdgePorts } from '../../../agent/doctor/deployed-edge.ts';
import type { HelloAnswer } from '../../../agent/doctor/edge-hello.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { never, told } from '../../support/situation.ts';

const now = Date.parse('2026-11-22T00:00:00Z');
const hello = {
  version: 1,
  limits: { maxHeadBytes: 1, maxEnvelopeBytes: 1 },
  colo: 'FRA',
  cacheStore: 'cache-api',
  tunnels: true,
  edgeTimeMs: now,
};
const certificate = { issuer: 'Some CA', notAfter: now + 40 * 86_400_000 };
const edge = { name: 'home', url: 'https://edge.example', token: 'x'.repeat(16) };

const working: EdgePorts = {
  wallTime: () => now,
  parentOf: () => undefined,
  lookup: async () => ({ kind: 'resolved', addresses: ['192.0.2.1', '2001:db8::1'] }),
  connect: async ({ tls }) => ({ kind: 'reached', certificate: tls ? certificate : undefined }),
  ask: async () => answered(200, hello),
};

function answered(status: number, json: unknown, roundTripMs = 20): HelloAnswer {
  return {
    answer: { kind: 'answered', status, json },
    askedAt: now - roundTripMs / 2,
    answeredAt: now + roundTripMs / 2,
  };
}

async function found(ports: Partial<EdgePorts> = {}, url = edge.url): Promise<string[]> {
  const check = deployedEdgeCheck({ ...edge, url }, { ...working, ...ports });
  return told(await check.run(never))
    .replaceAll(' edge home', '')
    .split('\n');
}

const reached = [
  'pass dns: edge.example is 192.0.2.1, 2001:db8::1',
  'pass tcp: it is reached at port 443',
  'pass tls: the certificate is trusted, issued by Some CA, valid until 2027-01-01 (40 days)',
];

test('one that works is told in every part', async () => {
  expect(await found()).toEqual([
    ...reached,
    'pass token: it is accepted',
    'pass version: 1, in FRA',
    "pass clock: this machine's clock is 0 ms behind the edge's, give or take 10 ms",
    'pass tunnels: it carries tunnels',
    'pass store: cache-api, of one data centre',
  ]);
});

test('one without tunnels and store is skipped there', async () => {
  const ask = async () => answered(200, { ...hello, tunnels: false, cacheStore: 'none' });
  expect((await found({ ask })).slice(-2)).toEqual([
    'skip tunnels: it carries none: tunnels (CONNECT, SOCKS5, WebSocket) go directly',
    'skip store: it stores nothing',
  ]);
});

test.each([
  ['a token that is not known', answered(401, {}), 'fail token: the edge does not know it'],
  ['an edge without a token', answered(503, {}), 'fail token: the edge has no token at all, or is down'],
  [
    'a token that has asked too often',
    answered(429, {}),
    'fail token: its bearer has asked more often than the edge allows',
  ],
  [
    'another version',
    answered(200, { ...hello, version: 2 }),
    'fail version: the edge is of version 2, and this edgehop of version 1',
  ],
  [
    'a login page',
    answered(200, undefined),
    'fail version: what answers there (status 200) is not an edgehop worker of version 1',
  ],
  [
    'silence',
    {
      ...answered(0, 0),
      answer: { kind: 'unavailable', because: 'The destination did not answer in time.' },
    } as HelloAnswer,
    'fail token: it does not answer: the destination did not answer in time',
  ],
])('%s', async (_, answer, expected) => {
  expect(await found({ ask: async () => answer })).toEqual([...reached, expected]);
});

test.each([
  [61_000, 20, 'fail'],
  [-61_000, 20, 'fail'],
  [59_000, 20, 'pass'],
  [61_000, 4_000, 'pass'],
  [-366 * 86_400_000, 20, 'fail'],
])('a clock that is %i ms off, measured within %i ms: %s', async (offsetMs, roundTripMs, outcome) => {
  const ask = async () => answered(200, { ...hello, edgeTimeMs: now + offsetMs }, roundTripMs);
  expect((await found({ ask })).find((line) => line.includes('clock'))).toMatch(new RegExp(`^${outcome} clock`));
});

const failed = (type: ConstructorParameters<typeof ProxyError>[0], message: string, cause?: Error) =>
  ({ kind: 'failed', error: new ProxyError(type, message, { cause }) }) as const;

test('a name that leads nowhere, a port that nobody opens, a certificate that nobody trusts end it', async () => {
  const lookup = async () => failed('dns_error', 'No name server answers.');
  expect(await found({ lookup })).toEqual(['fail dns: edge.example: no name server answers']);
  const connect = async () => failed('connection_refused', 'The destination refuses the connection.');
  expect(await found({ connect })).toEqual([reached[0], 'fail tcp: port 443: the destination refuses the connection']);
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
  const untrusted: EdgePorts['connect'] = async ({ tls }) =>
    tls
      ? failed('tls_certificate_error', "The destination's certificate is not trusted.", expired)
      : { kind: 'reached', certificate: undefined };
  expect(await found({ connect: untrusted })).toEqual([
    reached[0],
    reached[1],
    "fail tls: the destination's certificate is not trusted: certificate has expired",
  ]);
});

test('what a parent proxy looks up is not looked up here, and it is named', async () => {
  const parentOf = () => ({ name: 'http://proxy.example:3128', resolvesNames: true });
  const lookup = () => Promise.reject(new Error('it was looked up'));
  expect((await found({ parentOf, lookup })).slice(0, 2)).toEqual([
    'skip dns: the parent proxy http://proxy.example:3128 looks it up',
    'pass tcp: it is reached at port 443 through the parent proxy http://proxy.example:3128',
  ]);
});

test.each([
  ['http://127.0.0.1:8787', '8787'],
  ['http://[::1]:8787', '8787'],
])('%s on loopback needs neither name nor TLS', async (url, port) => {
  expect((await found({}, url)).slice(0, 3)).toEqual([
    'skip dns: its host is an address',
    `pass tcp: it is reached at port ${port}`,
    'skip tls: its URL is http',
  ]);
});

test('a URL that would show the token to others is a finding, not a crash', async () => {
  const ask = () =>
    Promise.reject(
      new ProxyError('proxy_configuration_error', 'The URL of an edge must be https, for it carries the token.'),
    );
  expect((await found({ ask }, 'http://edge.example')).at(-1)).toMatch(/^fail token: .*must be https/);
});
