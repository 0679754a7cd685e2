// What is added to a forwarded response: durations that one clock saw, and the hop that was asked.
import { expect, test } from 'vitest';
import { annotations } from '../../../../agent/proxy/finish/annotations.ts';
import type { Trace } from '../../../../agent/proxy/ports.ts';
import { testTrace } from '../../../support/walk.ts';

const stamps = { 'request-received': 10, 'request-relayed': 11.5, 'response-received': 40 };

test('by the direct route the origin’s time is the agent’s to tell', () => {
  const trace = testTrace({ stamps, host: 'o.example', route: { kind: 'direct', because: 'no-edge' } });
  expect(annotated(trace)).toEqual({
    'Server-Timing': 'edgehop;desc="1a2b-7";dur=30, agent;dur=1.5, origin;dur=28.5',
    'Proxy-Status': 'edgehop;next-hop="o.example";received-status=404',
  });
});

test('by the edge the origin’s time is the edge’s, whatever its clock shows', () => {
  const stages = { 'edge-received': 1, 'upstream-requested': 9_002, 'upstream-responded': 9_022, 'edge-returned': 3 };
  const trace = testTrace({
    stamps,
    address: '192.0.2.1',
    route: { kind: 'edge', edge: 'home', because: 'configured' },
    edge: { stages, offsetMs: 1e6, errorMs: 1, roundTrip: undefined },
  });
  expect(annotated(trace)).toEqual({
    'Server-Timing': 'edgehop;desc="1a2b-7";dur=30, agent;dur=1.5, edge;dur=28.5, origin;dur=20',
    'Proxy-Status': 'edgehop;next-hop="home";received-status=404',
  });
});

test('of the edge’s own connection the time is told', () => {
  const stages = { 'edge-received': 1, 'upstream-requested': 2, 'upstream-responded': 9, 'edge-returned': 9 };
  const upstream = { kind: 'socket', because: 'method', connectMs: 1, tls: true } as const;
  const edge = { stages, upstream, offsetMs: 0, errorMs: 1, roundTrip: undefined };
  expect(annotated(testTrace({ stamps, edge }))['Server-Timing']).toMatch(/, origin;dur=7, connect;dur=1$/);
});

test('RFC 9209 2.1.1: an address that is known stands before a name', () => {
  const trace = testTrace({ stamps, host: 'o.example', address: '192.0.2.1' });
  expect(annotated(trace)['Proxy-Status']).toContain('next-hop="192.0.2.1"');
});

test('RFC 9209 2.1.1: of a pool the target that was asked is the next hop', () => {
  const pool = { name: 'app', target: 'http://10.0.0.1:3000', tried: [] };
  const trace = testTrace({ stamps, host: 'app.localhost', address: '10.0.0.1', pool });
  expect(annotated(trace)['Proxy-Status']).toBe('edgehop;next-hop="10.0.0.1:3000";received-status=404');
});

test('an edge that asked no origin has no time of one', () => {
  const edge = { stages: { 'edge-received': 1, 'edge-returned': 2 }, offsetMs: 0, errorMs: 1, roundTrip: undefined };
  expect(annotated(testTrace({ stamps, edge }))['Server-Timing']).not.toContain('origin');
});

test('RFC 9211: each cache’s member, the one nearest to the origin first', () => {
  const cache = { agent: { fwd: 'uri-miss', fwdStatus: 404, stored: true }, edge: { hit: true, ttl: 5 } } as const;
  const fields = annotations(testTrace({ stamps, cache }), 404).filter(([name]) => name === 'Cache-Status');
  expect(fields).toEqual([
    ['Cache-Status', 'edgehop-edge;hit;ttl=5'],
    ['Cache-Status', 'edgehop;fwd=uri-miss;fwd-status=404;stored'],
  ]);
});

test('a hit has no next hop, and no durations between stages that did not happen', () => {
  const cache = { agent: { hit: true, ttl: 5 } } as const;
  expect(annotated(testTrace({ stamps: { 'request-received': 10 }, cache }))).toEqual({
    'Server-Timing': 'edgehop;desc="1a2b-7"',
    'Cache-Status': 'edgehop;hit;ttl=5',
  });
});

test.each([
  [{ fwd: 'stale', fwdStatus: 503, ttl: -1 }, ';received-status=503'],
  [{ fwd: 'stale', ttl: -1 }, ''],
] as const)('where %j answers, the next hop’s own status is told', (agent, received) => {
  const trace = testTrace({ stamps, host: 'o.example', cache: { agent } });
  expect(annotated(trace)['Proxy-Status']).toBe(`edgehop;next-hop="o.example"${received}`);
});

function annotated(trace: Trace): Record<string, string> {
  return Object.fromEntries(annotations(trace, 404));
}
