// What rules keep out of the log: never told, told only where it failed, and then with its whole story.
import { expect, test } from 'vitest';
import { heeding } from '../../../agent/log/heeding.ts';
import type { Trace } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { connection, listening, testTrace } from '../../support/walk.ts';

const story = ['request received', 'request relayed', 'response received', 'finished'];
const failure = { error: new ProxyError('connection_refused', 'No.'), source: 'agent' } as const;
const status = (code: number): Partial<Trace> => ({ response: { status: code, reason: '' } });

test.each<[string, Trace['log'], Trace['log'], Partial<Trace>, string[]]>([
  ['the usual is told as it happens', 'usual', 'usual', status(200), story],
  ['off is never told', 'off', 'off', { failure }, []],
  ['errors are told where it failed', 'errors', 'errors', { failure }, story],
  ['errors are told where a server failed', 'errors', 'errors', status(500), story],
  ['errors are not told where nothing failed', 'errors', 'errors', status(499), []],
  ['what turns out to be usual is told afterwards', 'errors', 'usual', status(200), story],
  ['what turns out to be off is not told', 'errors', 'off', { failure }, []],
])('%s', (_, before, after, parts, expected) => {
  const { observer, told } = listening();
  const heeds = heeding(observer);
  const trace = testTrace({ log: before });
  Object.assign(trace.stamps, { 'request-relayed': 3, 'response-received': 4 });
  heeds.requestReceived(trace);
  heeds.requestRelayed(trace);
  heeds.responseReceived(trace);
  const early = [...told];
  Object.assign(trace, { log: after, ...parts });
  heeds.finished(trace);
  expect(told).toEqual(expected);
  expect(early).toEqual(before === 'usual' ? story.slice(0, -1) : []);
});

test('of what never happened nothing is told afterwards', () => {
  const { observer, told } = listening();
  const heeds = heeding(observer);
  const trace = testTrace({ log: 'errors' });
  heeds.requestReceived(trace);
  trace.failure = failure;
  heeds.finished(trace);
  expect(told).toEqual(['request received', 'finished']);
});

test.each<[Trace['log'], string[]]>([
  ['usual', ['request relayed', 'finished']],
  ['off', []],
])('what nobody asked for, such as a validation in the background, is heeded too: %s', (log, expected) => {
  const { observer, told } = listening();
  const heeds = heeding(observer);
  const trace = testTrace({ log });
  heeds.requestRelayed(trace);
  heeds.finished(trace);
  expect(told).toEqual(expected);
});

test('the name of a TLS server belongs to the story', () => {
  const { observer, told } = listening();
  const heeds = heeding(observer);
  const trace = testTrace({ log: 'errors', failure }, 'tunnel');
  heeds.requestReceived(trace);
  trace.tunnel = {
    tls: { serverName: 'o.example', alpn: [] },
    state: { kind: 'closed', at: 9, close: { by: 'client', how: 'end' } },
  };
  heeds.serverNamed(trace);
  expect(told).toEqual([]);
  heeds.finished(trace);
  expect(told).toEqual(['request received', 'server named', 'finished']);
});

test('connections are nobody’s secret', () => {
  const { observer, told } = listening();
  const heeds = heeding(observer);
  heeds.connectionAccepted(connection, 1);
  heeds.connectionClosed(connection, 2, 0);
  expect(told).toEqual(['connection accepted', 'connection closed']);
});
