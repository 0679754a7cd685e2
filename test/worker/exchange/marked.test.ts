// The mark behind content: a nonce, and a record that is never larger than the agent takes.
import { expect, test } from 'vitest';
import { endRecord, maxEndRecordBytes, nonceBytes } from '../../../schemas/relay.ts';
import { createMark } from '../../../worker/exchange/marked.ts';

function recordIn(ending: Uint8Array, nonce: string): unknown {
  const octets = Buffer.from(ending);
  expect(octets.subarray(0, nonceBytes).toString('base64url')).toBe(nonce);
  expect(octets.length - nonceBytes).toBeLessThanOrEqual(maxEndRecordBytes);
  return endRecord.parse(JSON.parse(octets.subarray(nonceBytes).toString()));
}

const trailersOf = (octets: number) => [['X', 'x'.repeat(octets)]] as const;
const around = JSON.stringify({ outcome: 'complete', trailers: trailersOf(0) }).length;

test.each([
  ['nothing', { outcome: 'complete' }],
  ['trailers', { outcome: 'complete', trailers: [['X-Sum', '\xe9']] }],
  ['trailers that just fit', { outcome: 'complete', trailers: trailersOf(maxEndRecordBytes - around) }],
  ['an error', { outcome: 'failed', error: { type: 'http_protocol_error', status: 502, message: 'No.' } }],
] as const)('an ending with %s holds it', (_, record) => {
  const mark = createMark();
  expect(recordIn(mark.ending(record), mark.nonce)).toEqual(record);
});

test('an ending leaves trailers out that do not fit', () => {
  const mark = createMark();
  const trailers = trailersOf(maxEndRecordBytes - around + 1);
  expect(recordIn(mark.ending({ outcome: 'complete', trailers }), mark.nonce)).toEqual({ outcome: 'complete' });
});

test('no two marks are the same', () => {
  expect(createMark().nonce).not.toBe(createMark().nonce);
});

test('no nonce begins as text does, so that the end of an event is never taken for the beginning of one', () => {
  for (let time = 0; time < 1_000; time++) {
    const first = Buffer.from(createMark().nonce, 'base64url').subarray(0, 1);
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(first)).toThrow();
  }
});
