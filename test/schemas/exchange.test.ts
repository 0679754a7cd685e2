// The record of an exchange takes what the agent reads out of a trace, and nothing else.
import { expect, test } from 'vitest';
import { recordOf } from '../../agent/proxy/trace.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { errorTypes } from '../../schemas/error.ts';
import { exchangeRecord, route, routeReasons } from '../../schemas/exchange.ts';
import { epochMs, printedRecord, stillClock, testTrace } from '../support/walk.ts';

const clock = stillClock();

test.each(errorTypes)('a record that failed with %s is valid, and survives JSON', (type) => {
  const failure = { error: new ProxyError(type, 'It failed.', { advice: 'Try again.' }), source: 'edge' } as const;
  const record = recordOf(testTrace({ failure, host: 'o.example', port: 80 }), clock);
  expect(exchangeRecord.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
});

test.each(routeReasons)('a route because of %s is valid in a record', (because) => {
  const stages = { 'edge-received': epochMs + 1, 'edge-returned': epochMs + 2 };
  const edge = { stages, offsetMs: epochMs, errorMs: 1, roundTrip: undefined };
  for (const taken of [{ kind: 'direct', because } as const, { kind: 'edge', edge: 'home', because } as const]) {
    expect(route.parse(taken)).toEqual(taken);
    expect(printedRecord(testTrace({ route: taken, edge }), clock).route).toEqual(taken);
  }
});

const record = printedRecord(testTrace(), clock);

test('the record that the following ones spoil is taken', () => {
  expect(exchangeRecord.safeParse(record).success).toBe(true);
});

test.each([
  ['an unknown key', { ...record, cookies: [] }],
  ['a negative number of octets', { ...record, octets: { fromClient: -1, toClient: 0 } }],
  ['a negative round trip', { ...record, roundTripMs: -1 }],
  ['a time that is none', { ...record, stages: { 'response-sent': '2026' } }],
  ['a kind that is none', { ...record, kind: 'request' }],
  ['an address that nobody knows of', { ...record, destination: { host: 'o.example', port: 80 } }],
  ['a tunnel without a duration', { ...record, tunnel: {} }],
  [
    'a tunnel that the client closed for idling',
    { ...record, tunnel: { durationMs: 1, close: { by: 'client', how: 'idle' } } },
  ],
  ['a tunnel that the agent ended', { ...record, tunnel: { durationMs: 1, close: { by: 'agent', how: 'end' } } }],
  ['an error from nowhere', { ...record, error: { type: 'dns_error', status: 502, message: '' } }],
])('a record with %s is not taken', (_, wrong) => {
  expect(exchangeRecord.safeParse(wrong).success).toBe(false);
});
