// The record read out of a trace: as the schema has it, with what happened and nothing else.
import { describe, expect, test } from 'vitest';
import type { Trace, Tunnel } from '../../../agent/proxy/ports.ts';
import { recordOf, roundTripMs, stageTimes } from '../../../agent/proxy/trace.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { epochMs, printedRecord, stillClock, testTrace } from '../../support/walk.ts';

const clock = stillClock();

const byEdge = testTrace({
  firstOctetAt: 1.9,
  stamps: {
    'client-accepted': 1,
    'request-received': 2,
    'request-relayed': 3.0002,
    'response-received': 20.25,
    'response-sent': 21.5002,
  },
  method: 'GET',
  url: 'http://o.example/',
  httpVersion: '1.1',
  host: 'o.example',
  port: 80,
  address: '192.0.2.1',
  addressKnownBy: 'agent-dns',
  route: { kind: 'edge', edge: 'home', colo: 'FRA', because: 'configured' },
  edge: {
    stages: {
      'edge-received': epochMs + 1005,
      'upstream-requested': epochMs + 1006,
      'upstream-responded': epochMs + 1016,
      'edge-returned': epochMs + 1017,
    },
    offsetMs: epochMs + 1000,
    errorMs: 1.50049,
    roundTrip: { smoothedMs: 5.2504, minimumMs: 5, latestMs: 5.25 },
  },
  response: { status: 200, reason: 'OK' },
  fromClient: 0,
  toClient: 42,
  retries: 1,
});

test('a record by the edge is complete, and edge stages stand on the agent’s clock', () => {
  expect(printedRecord(byEdge, clock)).toEqual({
    id: '1a2b-7',
    kind: 'exchange',
    stages: {
      'client-accepted': '2026-01-02T03:04:05.001000Z',
      'request-received': '2026-01-02T03:04:05.002000Z',
      'request-relayed': '2026-01-02T03:04:05.003000Z',
      'edge-received': '2026-01-02T03:04:05.005000Z',
      'upstream-requested': '2026-01-02T03:04:05.006000Z',
      'upstream-responded': '2026-01-02T03:04:05.016000Z',
      'edge-returned': '2026-01-02T03:04:05.017000Z',
      'response-received': '2026-01-02T03:04:05.020250Z',
      'response-sent': '2026-01-02T03:04:05.021500Z',
    },
    roundTripMs: 19.6,
    clockOffsetMs: 1000,
    clockErrorMs: 1.5,
    edgeRoundTripMs: { smoothed: 5.25, minimum: 5, latest: 5.25 },
    client: { address: '127.0.0.1', port: 50_000, connection: 3 },
    request: { method: 'GET', url: 'http://o.example/', httpVersion: '1.1' },
    response: { status: 200, reason: 'OK' },
    route: { kind: 'edge', edge: 'home', colo: 'FRA', because: 'configured' },
    destination: { host: 'o.example', port: 80, address: '192.0.2.1', knownBy: 'agent-dns' },
    octets: { fromClient: 0, toClient: 42 },
    retries: 1,
  });
});

test('what did not happen is absent, never zero', () => {
  const record = printedRecord(testTrace(), clock);
  expect(Object.keys(record).sort()).toEqual(['client', 'id', 'kind', 'octets', 'request', 'retries', 'stages']);
  expect(record.stages).toEqual({ 'client-accepted': '2026-01-02T03:04:05.001000Z' });
});

test("the edge's own connection to the origin stands in the record", () => {
  const upstream = { kind: 'socket', because: 'method', connectMs: 1, tls: true, address: '192.0.2.9' } as const;
  const trace = testTrace({ ...byEdge, edge: { ...byEdge.edge, upstream } as Trace['edge'] });
  expect(printedRecord(trace, clock).upstream).toEqual(upstream);
  expect(recordOf(byEdge, clock).upstream).toBeUndefined();
});

test('stages that the edge skipped are absent among those it passed', () => {
  const stages = { 'edge-received': epochMs + 5, 'edge-returned': epochMs + 6 };
  const times = stageTimes(testTrace({ edge: { stages, offsetMs: 0, errorMs: 1, roundTrip: undefined } }), clock);
  expect(Object.keys(JSON.parse(JSON.stringify(times)))).toEqual(['client-accepted', 'edge-received', 'edge-returned']);
});

test.each(['agent', 'edge'] as const)('a failure of the %s stands in the record without its cause', (source) => {
  const error = new ProxyError('dns_error', 'No such name.', { advice: 'Check it.', cause: new Error('secret') });
  const trace = testTrace({ host: 'o.example', port: 80, failure: { error, source } });
  const record = printedRecord(trace, clock);
  expect(record.error).toEqual({
    type: 'dns_error',
    status: 502,
    message: 'No such name.',
    advice: 'Check it.',
    source,
  });
  expect(record.destination).toEqual({ host: 'o.example', port: 80, knownBy: 'unknown' });
});

test('the round trip is from the first octet to the last, and never less than nothing', () => {
  expect(roundTripMs(testTrace())).toBeUndefined();
  expect(roundTripMs(testTrace({ firstOctetAt: 5, stamps: { 'response-sent': 4 } }))).toBe(0);
});

test('the record of a tunnel is one of a tunnel', () => {
  expect(printedRecord(testTrace({}, 'tunnel'), clock).kind).toBe('tunnel');
});

describe('an open tunnel', () => {
  const open: Tunnel = { tls: undefined, state: { kind: 'open', octets: () => ({ fromClient: 3, toClient: 4 }) } };

  test('shows its octets and its duration so far, and no close', () => {
    const trace = testTrace({ stamps: { 'response-sent': 21.5 }, tunnel: open }, 'tunnel');
    const record = printedRecord(trace, stillClock(1_021.75));
    expect([record.octets, record.tunnel]).toEqual([{ fromClient: 3, toClient: 4 }, { durationMs: 1_000.25 }]);
  });

  test.each([
    [
      { serverName: 'o.example', alpn: ['h2'] },
      { serverName: 'o.example', alpn: ['h2'] },
    ],
    [{ serverName: 'o.example', alpn: [] }, { serverName: 'o.example' }],
    [{ serverName: undefined, alpn: [] }, {}],
  ])('with TLS that says %j', (tls, expected) => {
    const trace = testTrace({ stamps: { 'response-sent': 1 }, tunnel: { ...open, tls } }, 'tunnel');
    expect(printedRecord(trace, clock).tunnel?.tls).toEqual(expected);
  });
});

test('a closed tunnel shows when, by whom and how, and stays so', () => {
  const state = { kind: 'closed', at: 31.5, close: { by: 'agent', how: 'idle' } } as const;
  const trace = testTrace(
    { stamps: { 'response-sent': 21.5 }, fromClient: 5, toClient: 6, tunnel: { tls: undefined, state } },
    'tunnel',
  );
  const record = printedRecord(trace, stillClock(99_999));
  expect([record.octets, record.tunnel]).toEqual([
    { fromClient: 5, toClient: 6 },
    { durationMs: 10, closedAt: '2026-01-02T03:04:05.031500Z', close: { by: 'agent', how: 'idle' } },
  ]);
});
