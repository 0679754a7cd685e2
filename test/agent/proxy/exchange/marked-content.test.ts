// Marked content: whatever the pieces, it comes out octet for octet, its end record never does, and without that it fails.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unmarked } from '../../../../agent/proxy/exchange/marked-content.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { maxEndRecordBytes } from '../../../../schemas/relay.ts';
import { contentOf, receivedOf } from '../../../support/walk.ts';

const nonce = Buffer.from('aabaabaaabaabaac', 'latin1');
const record = Buffer.from('{"outcome":"complete"}');

/** Contents that look like the nonce, for a search that forgets what it has seen is wrong there. */
const contents = fc
  .array(fc.oneof(fc.constantFrom('aab', 'aabaabaaabaabaa', 'aa', 'b'), fc.string({ unit: 'binary-ascii' })))
  .map((parts) => Buffer.from(parts.join(''), 'latin1'))
  .filter((content) => !Buffer.concat([content, nonce]).subarray(0, -1).includes(nonce));

const cuts = fc.array(fc.nat(200), { maxLength: 30 });

test('content comes out octet for octet, whatever the pieces in which it came', () => {
  fc.assert(
    fc.property(contents, cuts, (content, lengths) => {
      const pieces = cut(Buffer.concat([content, nonce, record]), lengths);
      expect(receivedOf(unmarked(contentOf(pieces), nonce))).toEqual({
        octets: content.toString('latin1'),
        endings: ['end'],
      });
    }),
    { numRuns: 500 },
  );
});

test('content that is cut anywhere fails, and nothing but content has come out', () => {
  fc.assert(
    fc.property(contents, cuts, fc.nat(), (content, lengths, at) => {
      const whole = Buffer.concat([content, nonce, record]);
      const pieces = cut(whole.subarray(0, at % whole.length), lengths);
      const received = receivedOf(unmarked(contentOf(pieces), nonce));
      expect(received.endings).toEqual(['http_response_incomplete']);
      expect(content.toString('latin1').startsWith(received.octets)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('no more is held back than may be the beginning of the nonce', () => {
  const received = receivedOf(unmarked(contentOf(['xyz', 'aabaabaaabaabaa', 'aab'], 'open'), nonce));
  // The 15 octets that were held turn out to be no beginning; the last three may be one again.
  expect(received.octets).toBe('xyzaabaabaaabaabaa');
  expect(receivedOf(unmarked(contentOf(['event: 1\n\n'], 'open'), nonce)).octets).toBe('event: 1\n\n');
});

test.each([
  ['of another version', '{"outcome":"complete","octets":7}'],
  ['with trailers that are none', '{"outcome":"complete","trailers":[["X"]]}'],
  ['that is no JSON', 'complete'],
  ['that is followed by more', '{"outcome":"complete"}x'],
  ['that is empty', ''],
])('content with an end record %s fails', (_, text) => {
  const pieces = [Buffer.from('content'), Buffer.concat([nonce, Buffer.from(text)])];
  expect(receivedOf(unmarked(contentOf(pieces), nonce))).toEqual({
    octets: 'content',
    endings: ['http_response_incomplete'],
  });
});

test('trailers come out of the end record, but not what no field may be', () => {
  const trailers = [
    ['X-Sum', '\xe9'],
    ['X-A', 'a\r\nX-B: b'],
    ['X C', ''],
    ['X-Sum', '2'],
  ];
  const text = JSON.stringify({ outcome: 'complete', trailers });
  const content = unmarked(contentOf([nonce, Buffer.from(text)]), nonce);
  const ended: unknown[] = [];
  content.flow({
    write: () => true,
    end: (fields) => void ended.push(fields),
    fail: (error) => void ended.push(error),
  });
  expect(ended).toEqual([
    [
      ['X-Sum', '\xe9'],
      ['X-Sum', '2'],
    ],
  ]);
});

test('what the edge says of content that failed is told', () => {
  const error = { type: 'connection_read_timeout', status: 504, message: 'Too slow.' };
  const text = JSON.stringify({ outcome: 'failed', error });
  expect(receivedOf(unmarked(contentOf(['ab', nonce, Buffer.from(text)]), nonce))).toEqual({
    octets: 'ab',
    endings: ['connection_read_timeout'],
  });
});

test('an end record without end fails at once and is cut off at its source', () => {
  const source = contentOf([nonce, Buffer.alloc(maxEndRecordBytes), 'x', 'y'], 'open');
  expect(receivedOf(unmarked(source, nonce))).toEqual({ octets: '', endings: ['http_response_incomplete'] });
  expect(source.wasCancelled).toBe(true);
});

test('a failure on the way is told as it is', () => {
  const error = new ProxyError('connection_read_timeout', 'Too slow.');
  expect(receivedOf(unmarked(contentOf(['ab'], error), nonce)).endings).toEqual(['connection_read_timeout']);
});

/** Cuts octets into pieces of these lengths; what is left is the last piece. */
function cut(octets: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (const length of lengths) {
    pieces.push(octets.subarray(start, start + length));
    start += length;
  }
  return [...pieces, octets.subarray(start)];
}

test('who waits for the record hears it before the end, with how many octets there were; of a failure nothing', () => {
  const heard: unknown[] = [];
  const told = JSON.stringify({ outcome: 'complete', octetsBefore: 9 });
  const content = contentOf(['xy', 'z', Buffer.concat([nonce, Buffer.from(told)])]);
  receivedOf(unmarked(content, nonce, (octets, { octetsBefore }) => heard.push([octets, octetsBefore])));
  expect(heard).toEqual([[3, 9]]);
  receivedOf(unmarked(contentOf(['xyz']), nonce, () => heard.push('more')));
  expect(heard).toHaveLength(1);
});
