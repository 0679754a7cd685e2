// The wire contract takes what version 1 says and nothing else.
import { expect, test } from 'vitest';
import { contentEnding, endRecord, requestEnvelope, responseEnvelope } from '../../schemas/relay.ts';

const request = {
  id: '1a2b-7',
  method: 'GET',
  url: 'http://o.example/',
  fields: [['Accept', '*/*']],
  content: false,
  upstream: 'fetch',
  headDeadlineMs: 1000,
};
const stages = { 'edge-received': 1, 'edge-returned': 2 };
const response = { kind: 'response', status: 200, reason: 'OK', fields: [], content: { kind: 'none' }, stages };
const failed = { kind: 'failed', error: { type: 'dns_error', status: 502, message: 'No such name.' }, stages };

const limits = {
  connectTimeoutMs: 10_000,
  idleTimeoutMs: 300_000,
  maxHeadBytes: 65_536,
  maxFields: 1_000,
  maxInterimResponses: 10,
};
const socket = { kind: 'socket', because: 'method', connectMs: 1, tls: true, address: '2001:db8::1' };

test('a request, a response and a failure are what they are', () => {
  expect(requestEnvelope.parse(request)).toEqual({ ...request, limits });
  const exact = { ...request, upstream: 'socket', limits: { ...limits, maxFields: 1 }, addresses: ['192.0.2.1'] };
  expect(requestEnvelope.parse(exact)).toEqual(exact);
  const cached = { ...request, cache: { mode: 'validate', generation: '7' } };
  expect(requestEnvelope.parse(cached)).toEqual({ ...cached, limits });
  expect(requestEnvelope.parse({ ...request, cache: { mode: 'use' } }).cache).toEqual({ mode: 'use', generation: '' });
  const outcome = { ...response, cache: { fwd: 'stale', fwdStatus: 304, ttl: 7 } };
  expect(responseEnvelope.parse(outcome)).toEqual(outcome);
  const hinted = { ...response, upstream: socket, interim: [{ status: 103, fields: [['Link', '</a>']] }] };
  expect(responseEnvelope.parse(hinted)).toEqual(hinted);
  expect(responseEnvelope.parse(response)).toEqual(response);
  expect(responseEnvelope.parse({ ...failed, reference: 'abc', colo: 'FRA' })).toEqual({
    ...failed,
    reference: 'abc',
    colo: 'FRA',
  });
});

test.each([
  ['an unknown key', { ...request, token: 'x' }],
  ['a missing key', { ...request, content: undefined }],
  ['a field with three parts', { ...request, fields: [['a', 'b', 'c']] }],
  ['fields as an object', { ...request, fields: { a: 'b' } }],
  ['no deadline', { ...request, headDeadlineMs: 0 }],
  ['a deadline of more than an hour', { ...request, headDeadlineMs: 3_600_001 }],
  ['another upstream', { ...request, upstream: 'ftp' }],
  ['an address that is no text', { ...request, addresses: [1] }],
  ['another cache mode', { ...request, cache: { mode: 'only', generation: '' } }],
  ['a generation without end', { ...request, cache: { mode: 'use', generation: 'x'.repeat(129) } }],
  ['an id without end', { ...request, id: 'x'.repeat(65) }],
])('a request envelope with %s is not taken', (_, envelope) => {
  expect(requestEnvelope.safeParse(envelope).success).toBe(false);
});

test.each([
  ['an unknown key', { ...response, error: failed.error }],
  ['an interim status', { ...response, status: 103 }],
  ['a status that is none', { ...response, status: 600 }],
  ['a final response ahead of it', { ...response, interim: [{ status: 200, fields: [] }] }],
  ['a 100 ahead of it', { ...response, interim: [{ status: 100, fields: [] }] }],
  ['a socket without its reason', { ...response, upstream: { kind: 'socket' } }],
  ['a cache outcome that is none', { ...response, cache: { fwd: 'because' } }],
  ['no stages', { ...response, stages: undefined }],
  ['an unknown stage', { ...response, stages: { ...stages, 'client-accepted': 0 } }],
  ['without the stage that every exchange has', { ...response, stages: { 'edge-received': 1 } }],
  ['the kind of another version', { ...response, kind: 'cached' }],
  ['a failure that has no error', { kind: 'failed', stages }],
])('a response envelope with %s is not taken', (_, envelope) => {
  expect(responseEnvelope.safeParse(envelope).success).toBe(false);
});

test.each([
  [{ kind: 'none' }, true],
  [{ kind: 'length', octets: 0 }, true],
  [{ kind: 'length', octets: -1 }, false],
  [{ kind: 'length', octets: 1.5 }, false],
  [{ kind: 'length' }, false],
  [{ kind: 'marked', nonce: Buffer.alloc(16).toString('base64url') }, true],
  [{ kind: 'marked', nonce: Buffer.alloc(15).toString('base64url') }, false],
  [{ kind: 'marked', nonce: '' }, false],
  [{ kind: 'marked', nonce: '!'.repeat(22) }, false],
  [{ kind: 'chunked' }, false],
])('content ends as %j: %s', (ending, isEnding) => {
  expect(contentEnding.safeParse(ending).success).toBe(isEnding);
});

test.each([
  { outcome: 'complete' },
  { outcome: 'complete', trailers: [['X-Sum', '1']] },
  { outcome: 'failed', error: failed.error },
])('%j is an end record', (record) => {
  expect(endRecord.parse(record)).toEqual(record);
});

test.each([
  {},
  { outcome: 'cut' },
  { outcome: 'complete', octets: 5 },
  { outcome: 'complete', trailers: {} },
  { outcome: 'failed' },
  null,
  'complete',
])('%j is no end record', (record) => {
  expect(endRecord.safeParse(record).success).toBe(false);
});
