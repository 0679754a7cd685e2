// The report of `edgehop get`: everything that was measured, and nothing from outside that acts on the terminal.
import { expect, test } from 'vitest';
import { reportInWords } from '../../../agent/cli/get-words.ts';
import type { EdgeTimes } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { type GetReport, getReport } from '../../../schemas/api.ts';
import { epochMs, printedRecord, stillClock, testTrace } from '../../support/walk.ts';

const trace = testTrace({
  stamps: {
    'client-accepted': 0,
    'request-received': 1,
    'request-relayed': 2,
    'response-received': 9,
    'response-sent': 10,
  },
  method: 'GET',
  url: 'http://o.example/',
  httpVersion: '1.1',
  host: 'o.example',
  port: 80,
  address: '192.0.2.1',
  addressKnownBy: 'agent-dns',
  route: { kind: 'edge', edge: 'home', because: 'configured' },
  edge: {
    stages: { 'edge-received': epochMs + 1004, 'edge-returned': epochMs + 1006 },
    offsetMs: epochMs + 1000,
    errorMs: 2,
    roundTrip: undefined,
  },
});

const report: GetReport = getReport.parse({
  machine: {
    hostname: 'desk',
    address: '192.0.2.9',
    mac: '02:00:00:00:00:01',
    card: 'eth0',
    physical: true,
    because: 'default-route',
  },
  request: {
    method: 'GET',
    url: 'http://o.example/',
    fields: [['Host', 'o.example']],
    sentAt: '2026-01-02T03:04:05.000000Z',
  },
  response: {
    status: 200,
    reason: 'OK',
    httpVersion: '1.1',
    fields: [['X', '1']],
    receivedAt: '2026-01-02T03:04:05.009000Z',
    endedAt: '2026-01-02T03:04:05.010000Z',
    octets: 6,
    text: 'hello\n',
  },
  roundTripMs: 10.5,
  exchange: printedRecord(trace, stillClock()),
});

test("the edge's own connection to the origin is told, with its time", () => {
  const upstream = { kind: 'socket', because: 'ip-literal', connectMs: 1, tls: true } as const;
  const exchange = printedRecord({ ...trace, edge: { ...trace.edge, upstream } as EdgeTimes }, stillClock());
  const lines = reportInWords(getReport.parse({ ...report, exchange }), undefined, false).split('\n');
  expect(lines).toContain('upstream    own connection (the host is an address), made in 1.000 ms with TLS');
});

test('what the caches did is told', () => {
  const cache = { agent: { fwd: 'uri-miss', fwdStatus: 200, stored: true }, edge: { hit: true, ttl: 5 } } as const;
  const exchange = printedRecord({ ...trace, cache }, stillClock());
  const lines = reportInWords({ ...report, exchange }, undefined, false).split('\n');
  expect(lines).toContain('cache       miss (nothing stored), stored');
  expect(lines).toContain("cache       edge's cache hit, fresh for 5 s");
});

test('what rules and pools have made of it is told, in one line each', () => {
  const ruled = testTrace({
    ...trace,
    rules: ['map', 'far\nroute       forged'],
    shape: { rule: 'far', preset: '4g' },
    rewrittenUrl: 'http://other.example/',
    pool: { name: 'app', target: 'http://10.0.0.1', tried: [] },
  });
  const text = reportInWords({ ...report, exchange: printedRecord(ruled, stillClock()) }, undefined, false);
  expect(text).toContain(
    [
      'by rule     map, far?route       forged',
      'network     as over 4g',
      'asked for   http://other.example/',
      'pool        app: http://10.0.0.1',
    ].join('\n'),
  );
});

test('every time, the route, the destination and this machine are told', () => {
  const lines = reportInWords(report, undefined, false).split('\n');
  for (const line of [
    'machine     desk, 192.0.2.9, MAC 02:00:00:00:00:01 (eth0, physical)',
    'request     GET http://o.example/',
    'sent at     2026-01-02T03:04:05.000000Z',
    '  Host: o.example',
    'response    HTTP/1.1 200 OK',
    'received at 2026-01-02T03:04:05.009000Z',
    'content     6 octets',
    'hello',
    "round trip  10.500 ms, from the request's first octet to the response's last",
    'route       by edge home, exchange 1a2b-7',
    'destination o.example:80 at 192.0.2.1 (known by agent-dns)',
    "  the edge's clock is 1000.000 ms ahead of this machine's, give or take 2.000 ms",
  ]) {
    expect(lines).toContain(line);
  }
});

test('stages stand in the order of their times, each with its distance from the first', () => {
  const lines = reportInWords(report, undefined, false).split('\n');
  const stages = lines.slice(lines.indexOf('stages') + 1, -1).map((line) => line.trim().split(/\s+/));
  expect(stages.map(([name]) => name)).toEqual([
    'client-accepted',
    'request-received',
    'request-relayed',
    'edge-received',
    'edge-returned',
    'response-received',
    'response-sent',
  ]);
  expect(stages.map(([, , , ms]) => ms)).toEqual(['0.000', '1.000', '2.000', '4.000', '6.000', '9.000', '10.000']);
});

test('without an agent there are no stages and no route', () => {
  const { exchange: _, ...direct } = report;
  const words = reportInWords(direct, undefined, false);
  expect(words).toContain('round trip  10.500 ms');
  expect(words).not.toMatch(/stages|route/);
});

test('content that was saved, or is no text, is told but not shown', () => {
  const { text: _, ...response } = report.response;
  expect(reportInWords({ ...report, response }, 'a.bin', false)).toContain('content     6 octets, saved in a.bin\n');
  expect(reportInWords({ ...report, response }, undefined, false)).toContain('content     6 octets, not shown');
});

test('G08: nothing from outside steers the terminal, and lines of content stay lines', () => {
  const evil = 'x\r\n\x1b[2J\x9b2J\x7f';
  const error = new ProxyError('dns_error', evil);
  const exchange = printedRecord(
    Object.assign(testTrace(), trace, { failure: { error, source: 'edge' } }),
    stillClock(),
  );
  const words = reportInWords(
    {
      ...report,
      request: { ...report.request, url: evil },
      response: { ...report.response, reason: evil, fields: [[evil, evil]], text: `a\r\n\tb${evil}` },
      exchange: { ...exchange, route: { kind: 'edge', edge: 'home', colo: evil, because: 'configured' } },
    },
    undefined,
    false,
  );
  expect(words).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  expect(words).toContain('\na\n\tbx\n');
});

test('colour is only where it is asked for', () => {
  expect(reportInWords(report, undefined, true)).toContain('\x1b[1mrequest\x1b[22m');
});
