// The control port answers this machine's own, and what it knows of exchanges only to who has the token.
import { describe, expect, test } from 'vitest';
import { createControlApp } from '../../../agent/control/control.ts';
import { followOpen } from '../../../agent/control/open.ts';
import { rememberRecent } from '../../../agent/control/recent.ts';
import { countRules } from '../../../agent/control/rule-counts.ts';
import { recordOf } from '../../../agent/proxy/trace.ts';
import { createPassedThrough } from '../../../agent/trust/passed-through.ts';
import {
  type ConfigurationState,
  configurationState,
  openExchanges,
  type Readiness,
  recentExchanges,
} from '../../../schemas/api.ts';
import { stillClock, testTrace } from '../../support/walk.ts';

const clock = stillClock();
const token = 'the token';
const purged: string[] = [];
const recent = rememberRecent(8);
const trace = testTrace({ method: 'GET', url: 'http://o.example/' });
recent.observer.finished(trace);
const open = followOpen(8);
const going = testTrace({ id: '1a2b-10', method: 'CONNECT', url: 'o.example:443' } as object, 'tunnel');
open.observer.requestReceived(going);

describe('who is answered', () => {
  test.each([
    ['127.0.0.1:8081', undefined, 200],
    ['localhost:8081', undefined, 200],
    ['LOCALHOST', undefined, 200],
    ['[::1]:8081', undefined, 200],
    ['127.0.0.1:8081', 'http://127.0.0.1:8081', 200],
    ['evil.example:8081', undefined, 403],
    ['localhost.evil.example', undefined, 403],
    ['127.0.0.1.evil.example', undefined, 403],
    ['127.0.0.1:8081@evil.example', undefined, 403],
    ['0.0.0.0:8081', undefined, 403],
    ['localtest.me:8081', undefined, 403],
    ['', undefined, 403],
    [undefined, undefined, 403],
    ['127.0.0.1:8081', 'http://evil.example', 403],
    ['127.0.0.1:8081', 'https://localhost.evil.example', 403],
    ['127.0.0.1:8081', 'null', 403],
    ['127.0.0.1:8081', '', 403],
  ])('G03, G04, G06: Host %j with Origin %j is answered %i', async (host, origin, status) => {
    for (const path of ['/ready', '/proxy.pac', '/v1/exchanges/1a2b-7', '/v1/exchanges/open']) {
      const answer = await asked(path, {
        ...(host !== undefined && { host }),
        ...(origin !== undefined && { origin }),
        authorization: `Bearer ${token}`,
      });
      expect(answer.status, path).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test.each([
    undefined,
    'Bearer',
    'Bearer ',
    'Bearer the toke',
    'Bearer the tokenx',
    'Bearer THE TOKEN',
    `Basic ${token}`,
    token,
  ])('%j is not the token', async (authorization) => {
    const paths = [
      '/v1/exchanges/open',
      '/v1/exchanges/recent',
      '/v1/exchanges/1a2b-7',
      '/v1/exchanges?client=127.0.0.1@50000',
      '/v1/cache',
      '/v1/cache/entries',
      '/v1/rules',
      '/v1/nothing',
    ];
    for (const path of paths) {
      const answer = await asked(path, { host: 'localhost', ...(authorization !== undefined && { authorization }) });
      expect(answer.status).toBe(401);
      expect(await answer.text()).not.toContain(token);
    }
  });

  test.each([
    { host: 'localhost' },
    { host: 'localhost', authorization: 'Bearer the toke' },
    { host: 'evil.example', authorization: `Bearer ${token}` },
    { host: 'localhost', origin: 'http://evil.example', authorization: `Bearer ${token}` },
  ])('E14, G04: with %j nothing is purged', async (headers) => {
    const answer = await asked('/v1/cache/purge', headers as Record<string, string>, undefined, 'POST');
    expect([401, 403]).toContain(answer.status);
    expect(purged).toEqual([]);
  });
});

describe('what is answered', () => {
  test('which configuration is in force, and why it is not what the file says', async () => {
    const answer = await asked('/v1/config', { host: 'localhost', authorization: `Bearer ${token}` });
    expect(configurationState.parse(await answer.json())).toEqual(configuration);
    expect((await asked('/v1/config', { host: 'localhost' })).status).toBe(401);
  });

  test.each([
    [{ ready: true, agent: 'listening', edge: 'ready', configuration: 'last-good' }, 200],
    [{ ready: false, agent: 'draining', edge: 'ready', configuration: 'current' }, 503],
  ] as const)('/ready says %j with %i, without a token', async (readiness, status) => {
    const answer = await asked('/ready', { host: 'localhost' }, readiness);
    expect([answer.status, await answer.json()]).toEqual([status, readiness]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('G10: the PAC file, as it is, without a token, to be kept by nobody and run by no page', async () => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await asked('/proxy.pac', { host: '127.0.0.1:8081' }, undefined, method);
      expect([answer.status, await answer.text()]).toEqual([200, method === 'GET' ? 'the file' : '']);
      expect(Object.fromEntries(answer.headers)).toMatchObject({ 'content-type': 'x/pac', 'x-said': 'once' });
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await asked('/proxy.pac', { host: 'localhost' }, undefined, 'POST')).status).toBe(401);
  });

  test.each([
    ['/v1/exchanges/1a2b-7', 200],
    ['/v1/exchanges/1a2b-8', 404],
    ['/v1/exchanges?client=127.0.0.1@50000', 200],
    ['/v1/exchanges?client=127.0.0.1%4050000', 200],
    ['/v1/exchanges?client=127.0.0.1@50001', 404],
    ['/v1/exchanges?client=127.0.0.2@50000', 404],
    ['/v1/exchanges?client=', 404],
    ['/v1/exchanges', 404],
    ['/', 404],
  ])('%s is answered %i', async (path, status) => {
    const answer = await asked(path, { host: 'localhost', authorization: `Bearer ${token}` });
    expect(answer.status).toBe(status);
    if (status === 200) expect(await answer.json()).toEqual(recordOf(trace, clock));
  });

  test('what is open is found by its id, and listed', async () => {
    const headers = { host: 'localhost', authorization: `Bearer ${token}` };
    expect(await (await asked('/v1/exchanges/1a2b-10', headers)).json()).toEqual(recordOf(going, clock));
    const answer = await asked('/v1/exchanges/open', headers);
    expect(openExchanges.parse(await answer.json())).toEqual({ count: 1, exchanges: [recordOf(going, clock)] });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['0', 200],
    ['1', 200],
    ['1000', 200],
    ['1001', 400],
    ['-1', 400],
    ['1e3', 400],
    ['', 400],
    ['x', 400],
  ])('the list of what is open with the limit %j is answered %i', async (limit, status) => {
    const headers = { host: 'localhost', authorization: `Bearer ${token}` };
    const answer = await asked(`/v1/exchanges/open?limit=${limit}`, headers);
    expect(answer.status).toBe(status);
    if (status !== 200) return;
    const { count, exchanges } = openExchanges.parse(await answer.json());
    expect([count, exchanges.length]).toEqual([1, Math.min(1, Number(limit))]);
  });

  test('what ended last is listed, and a limit that is none is refused', async () => {
    const headers = { host: 'localhost', authorization: `Bearer ${token}` };
    const answer = await asked('/v1/exchanges/recent?limit=1', headers);
    expect(recentExchanges.parse(await answer.json())).toEqual({ exchanges: [recordOf(trace, clock)] });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect((await asked('/v1/exchanges/recent?limit=1001', headers)).status).toBe(400);
  });

  test('an IPv6 client is found by its address and port', async () => {
    const ipv6 = testTrace({
      id: '1a2b-9',
      connection: { number: 4, address: '::1', port: 50_000, acceptedAt: 1 },
    } as object);
    recent.observer.finished(ipv6);
    const answer = await asked('/v1/exchanges?client=::1@50000', { host: '[::1]', authorization: `Bearer ${token}` });
    expect(await answer.json()).toMatchObject({ id: '1a2b-9' });
  });
});

const configuration: ConfigurationState = {
  path: '/home/me/edgehop.jsonc',
  loadedAt: '2026-01-02T03:04:05.000000Z',
  problem: 'This is not JSON.',
  later: ['listen.port'],
};

function asked(
  path: string,
  headers: Readonly<Record<string, string>>,
  readiness: Readiness = { ready: true, agent: 'listening', edge: 'none', configuration: 'current' },
  method = 'GET',
): Promise<Response> {
  const counts = () => ({ requests: 0, byAgent: 0, byEdge: 0, collapsed: 0 });
  const byRule = () => undefined;
  const cache = {
    store: undefined,
    counts,
    byRule,
    generations: { of: () => '', purge: () => void purged.push(path) },
  };
  const app = createControlApp({
    clock,
    recent,
    open,
    readiness: () => readiness,
    configuration: () => configuration,
    pac: () => ({
      status: 200,
      fields: [
        ['Content-Type', 'x/pac'],
        ['X-Said', 'once'],
      ],
      octets: Buffer.from('the file'),
    }),
    cache,
    rules: {
      rules: () => [],
      counted: countRules(),
      lists: () => [],
      pools: () => [],
      transforms: () => ({ transformed: 0, octetsBefore: 0, octetsAfter: 0 }),
      clients: () => ({ denied: 0, tooManyConnections: 0, tooManyRequests: 0, wrongCredentials: 0 }),
    },
    intercept: {
      section: () => ({ hosts: [], except: [] }),
      passedThrough: createPassedThrough(stillClock(), 1000),
    },
    token,
  });
  return Promise.resolve(app.request(path, { method, headers }));
}
