// The story of exchanges for people: one line an event, each with its time, and no character of a stranger's that acts.
import { describe, expect, test } from 'vitest';
import { prettyLog } from '../../../agent/log/pretty.ts';
import type { LineSink } from '../../../agent/log/sink.ts';
import type { Trace, Tunnel } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { connection, epochMs, stillClock, testTrace } from '../../support/walk.ts';

describe('told', () => {
  test('an exchange by the edge, from its connection to its end', () => {
    const trace = testTrace({
      firstOctetAt: 1.5,
      stamps: {
        'client-accepted': 1,
        'request-received': 2,
        'request-relayed': 3,
        'response-received': 20,
        'response-sent': 21,
      },
      method: 'GET',
      url: 'http://o.example/',
      host: 'o.example',
      address: '192.0.2.1',
      route: { kind: 'edge', edge: 'home', colo: 'FRA', because: 'configured' },
      edge: {
        stages: {
          'edge-received': epochMs,
          'upstream-requested': epochMs,
          'upstream-responded': epochMs + 10,
          'edge-returned': epochMs + 10,
        },
        upstream: { kind: 'socket', because: 'method', connectMs: 1 },
        offsetMs: 0,
        errorMs: 1.5,
        roundTrip: { smoothedMs: 7, minimumMs: 6, latestMs: 6.5 },
      },
      response: { status: 200, reason: 'OK' },
      toClient: 42,
      retries: 1,
    });
    const { lines, observer } = logging();
    observer.connectionAccepted(connection, 2);
    observer.requestReceived(trace);
    observer.requestRelayed(trace);
    observer.responseReceived(trace);
    observer.finished(trace);
    observer.connectionClosed(connection, 22, 1);
    expect(lines).toEqual([
      '03:04:05.001000Z  (3)    connection accepted from 127.0.0.1:50000, 2 active',
      '03:04:05.002000Z  #7     request received   GET http://o.example/ (192.0.2.1)',
      '03:04:05.003000Z  #7     request forwarded  by edge home (FRA)',
      '03:04:05.020000Z  #7     response received',
      '03:04:05.021000Z  #7     response sent      200, 42 octets',
      '03:04:05.021000Z  #7     round trip 19.500 ms · by edge home (FRA) · origin 10.000 ms · own connection (the method), made in 1.000 ms · way to the edge and back 6.500 ms · edge clock ±1.500 ms · 1 retry',
      '03:04:05.022000Z  (3)    connection closed, 1 active',
    ]);
  });

  test('a hit in the cache, which is forwarded to nobody', () => {
    const trace = testTrace({
      firstOctetAt: 1,
      stamps: { 'request-received': 2, 'response-sent': 3 },
      response: { status: 200, reason: 'OK' },
      toClient: 42,
      cache: { agent: { hit: true, ttl: 59 } },
    });
    expect(finished(trace)).toEqual([
      '03:04:05.003000Z  #7     response sent      200, 42 octets',
      '03:04:05.003000Z  #7     round trip 2.000 ms · cache hit, fresh for 59 s',
    ]);
  });

  test('what rules have made of it', () => {
    const trace = testTrace({
      stamps: { 'request-relayed': 3, 'response-sent': 4 },
      route: { kind: 'direct', because: 'rule' },
      rewrittenUrl: 'http://other.example/',
      rules: ['map', 'far'],
      shape: { rule: 'far', preset: '4g' },
    });
    const { lines, observer } = logging();
    observer.requestRelayed(trace);
    observer.finished(trace);
    expect(lines[0]).toMatch(/request forwarded {2}directly \(a rule\) to http:\/\/other\.example\/$/);
    expect(lines.at(-1)).toMatch(/ · directly \(a rule\) · rules map, far · as over 4g$/);
  });

  test('a failure with its type, where it comes from, and what to do', () => {
    const error = new ProxyError('dns_error', 'No such name.', { advice: 'Check it.' });
    expect(finished(testTrace({ failure: { error, source: 'edge' } }))).toEqual([
      '03:04:05.030000Z  #7     failed             dns_error (edge): No such name. Check it.',
    ]);
  });

  test('a tunnel from its opening to its close', () => {
    const trace = openTunnel({ host: 'o.example', port: 443 }, 'o.example');
    const { lines, observer } = logging();
    observer.responseReceived(trace);
    observer.serverNamed(trace);
    Object.assign(trace, { fromClient: 5, toClient: 8 });
    (trace.tunnel as Tunnel).state = { kind: 'closed', at: 1_240.5, close: { by: 'client', how: 'reset' } };
    observer.finished(trace);
    expect(lines).toEqual([
      '03:04:05.020000Z  #7     tunnel open        o.example:443',
      '03:04:06.240500Z  #7     tunnel closed      5 octets up, 8 down · open for 1219.500 ms · reset by the client · directly (tunnel)',
    ]);
  });

  test('the server that a tunnel is for, when it is another than its host', () => {
    const { lines, observer } = logging();
    observer.serverNamed(openTunnel({ host: '192.0.2.1', port: 443 }, 'o.example'));
    expect(lines.map((line) => line.slice(18))).toEqual(['#7     TLS server name    o.example']);
  });

  test('a tunnel that never opened is told as what failed', () => {
    const error = new ProxyError('connection_refused', 'Nobody listens.');
    const lines = finished(testTrace({ failure: { error, source: 'agent' } }, 'tunnel'));
    expect(lines.map((line) => line.slice(25))).toEqual([
      'failed             connection_refused (agent): Nobody listens.',
    ]);
  });

  test('a SOCKS client that is refused is told with the reply that it got', () => {
    const error = new ProxyError('connection_refused', 'Nobody listens.');
    const response = { status: 502, reason: 'SOCKS5 reply 5' };
    const stamps = { 'response-sent': 21 };
    const parts = { method: 'SOCKS5', failure: { error, source: 'agent' as const }, response, stamps };
    expect(finished(testTrace(parts, 'tunnel'))[1]).toMatch(/response sent {6}SOCKS5 reply 5, 0 octets$/);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
  ])('the address of %s is not told twice', (host, address) => {
    const { lines, observer } = logging();
    observer.requestReceived(testTrace({ method: 'GET', url: `http://${host}/`, host, address }));
    expect(lines[0]).toMatch(/\/$/);
  });
});

test('G08: nothing from outside makes a line or steers a terminal', () => {
  const evil = 'x\r\nfake line\x1b[2J\x9b2J\u2028';
  const trace = testTrace({
    url: `http://o.example/${evil}`,
    rewrittenUrl: `http://o.example/${evil}`,
    rules: [evil],
    route: { kind: 'edge', edge: 'home', colo: evil, because: 'configured' },
    failure: { error: new ProxyError('dns_error', evil, { advice: evil }), source: 'edge' },
    response: { status: 200, reason: evil },
    stamps: { 'response-sent': 21 },
  });
  const { lines, observer } = logging();
  observer.requestReceived(trace);
  observer.requestRelayed(trace);
  observer.finished(trace);
  expect(lines.length).toBe(5);
  for (const line of lines) expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
});

test('colour is only where it is asked for', () => {
  const coloured = logging(true);
  coloured.observer.requestReceived(testTrace({ method: 'GET', url: 'http://o.example/' }));
  expect(coloured.lines[0]).toContain('\x1b[1mGET http://o.example/\x1b[22m');
});

function openTunnel(parts: Partial<Trace>, serverName: string): Trace {
  return testTrace(
    {
      stamps: { 'response-received': 20, 'response-sent': 21 },
      route: { kind: 'direct', because: 'connect' },
      tunnel: {
        tls: { serverName, alpn: [] },
        state: { kind: 'open', octets: () => ({ fromClient: 0, toClient: 0 }) },
      },
      ...parts,
    },
    'tunnel',
  );
}

function finished(trace: Trace): string[] {
  const { lines, observer } = logging();
  observer.finished(trace);
  return lines;
}

function logging(hasColour = false) {
  const lines: string[] = [];
  const sink: LineSink = {
    write: (line) => void lines.push(typeof line === 'string' ? line : line()),
    end: async () => undefined,
  };
  return { lines, observer: prettyLog(sink, stillClock(30), hasColour) };
}
