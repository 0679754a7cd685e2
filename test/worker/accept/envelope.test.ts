// What is taken for a request envelope, and that everything else is 400 with its reason.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, envelopeFor, exchangeFields, startEmbeddedEdge, type TestEdge, testToken } from '../../support/edge.ts';
import { message, startOrigin } from '../../support/origin.ts';

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEmbeddedEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

const authorization = `Bearer ${testToken}`;
const good = envelopeFor('http://origin.example/');
const { id: _, ...withoutId } = good;
const base64url = (text: string | Buffer) => Buffer.from(text).toString('base64url');

const detailOf = async (fields: Record<string, string>) => {
  const reply = await call(`${edge.direct}/v1/exchange`, { method: 'POST', fields: { authorization, ...fields } });
  expect(reply.status).toBe(400);
  expect(reply.field('content-type')).toBe('application/problem+json');
  return JSON.parse(reply.content.toString()).detail as string;
};

test.each([
  ['none', {}, 'The request has no envelope.'],
  ['one that begins at 1', { 'edgehop-envelope-1': base64url('{}') }, 'The request has no envelope.'],
  ['an empty one', { 'edgehop-envelope-0': '' }, 'The envelope is malformed: not base64url.'],
  ['base64 of the other alphabet', { 'edgehop-envelope-0': 'ab+/' }, 'The envelope is malformed: not base64url.'],
  ['base64 with padding', { 'edgehop-envelope-0': 'e30=' }, 'The envelope is malformed: not base64url.'],
  ['white space', { 'edgehop-envelope-0': 'e3 0' }, 'The envelope is malformed: not base64url.'],
  [
    'an impossible length of base64',
    { 'edgehop-envelope-0': 'e30ab' },
    /^The envelope is not of version 1: envelope: /,
  ],
  ['no JSON', { 'edgehop-envelope-0': base64url('{') }, /^The envelope is not of version 1: envelope: /],
  [
    'JSON that is not UTF-8',
    { 'edgehop-envelope-0': base64url(Buffer.from(JSON.stringify({ ...good, id: '\xff' }), 'latin1')) },
    /^The envelope is not of version 1: envelope: /,
  ],
  [
    '97 KiB',
    exchangeFields({ ...good, fields: [['x', 'x'.repeat(74_000)]] }),
    'The envelope is malformed: over 98304 octets.',
  ],
] as const)('%s is refused', async (_, fields, detail) => {
  const told = await detailOf({ ...fields });
  if (typeof detail === 'string') expect(told).toBe(detail);
  else expect(told).toMatch(detail);
});

test.each([
  ['an array', [], 'envelope'],
  ['null', null, 'envelope'],
  ['a missing part', withoutId, 'id'],
  ['a part of a later version', { ...good, later: {} }, 'envelope'],
  ['a plan of a later version', { ...good, plan: { later: {} } }, 'plan'],
  ['a long id', { ...good, id: 'x'.repeat(65) }, 'id'],
  ['a method that is no text', { ...good, method: 1 }, 'method'],
  ['fields that are no list', { ...good, fields: {} }, 'fields'],
  ['a field that is no pair', { ...good, fields: [['Accept']] }, 'fields.0'],
  ['a field of three', { ...good, fields: [['Accept', 'a', 'b']] }, 'fields.0'],
  ['a field that is an object', { ...good, fields: [{ 0: 'Accept', 1: 'a', length: 2 }] }, 'fields.0'],
  ['a field name that is no text', { ...good, fields: [[1, 'a']] }, 'fields.0.0'],
  [
    'a field value that is no text',
    {
      ...good,
      fields: [
        ['Accept', 'a'],
        ['Accept', null],
      ],
    },
    'fields.1.1',
  ],
  ['content that is no truth value', { ...good, content: 'yes' }, 'content'],
  ['an unknown upstream', { ...good, upstream: 'ftp' }, 'upstream'],
  ['a limit that nobody knows', { ...good, limits: { maxOctets: 1 } }, 'limits'],
  ['a limit of 0', { ...good, limits: { connectTimeoutMs: 0 } }, 'limits.connectTimeoutMs'],
  ['a head limit beyond what an envelope holds', { ...good, limits: { maxHeadBytes: 65_537 } }, 'limits.maxHeadBytes'],
  ['more addresses than are tried', { ...good, addresses: Array(33).fill('192.0.2.1') }, 'addresses'],
  ['an address without end', { ...good, addresses: ['1'.repeat(46)] }, 'addresses.0'],
  ['a deadline of 0', { ...good, headDeadlineMs: 0 }, 'headDeadlineMs'],
  ['half a millisecond', { ...good, headDeadlineMs: 0.5 }, 'headDeadlineMs'],
  ['a deadline over an hour', { ...good, headDeadlineMs: 3_600_001 }, 'headDeadlineMs'],
])('%s is refused, and where it is wrong is told', async (_, envelope, where) => {
  expect(await detailOf(exchangeFields(envelope))).toMatch(
    new RegExp(`^The envelope is not of version 1: ${where.replaceAll('.', '\\.')}: `),
  );
});

test('a GET is no exchange, even with an envelope', async () => {
  const reply = await call(`${edge.direct}/v1/exchange`, { fields: exchangeFields(good) });
  expect(reply.status).toBe(404);
});

test('an envelope of the greatest size is taken', async () => {
  await using origin = await startOrigin((_, socket) => {
    socket.write(message(['HTTP/1.1 204 No Content']));
  });
  const size = (length: number) => envelopeFor(origin.url, { fields: [['X-Long', 'x'.repeat(length)]] });
  const spare = 73_728 - JSON.stringify(size(0)).length; // 96 KiB of base64url
  const fields = exchangeFields(size(spare));
  expect(fields['edgehop-envelope-11']).toHaveLength(8192);
  expect(fields['edgehop-envelope-12']).toBeUndefined();
  const reply = await call(`${edge.direct}/v1/exchange`, { method: 'POST', fields });
  expect(reply.status).toBe(200);
  expect(origin.requests[0]?.values('x-long')[0]).toHaveLength(spare);
});
