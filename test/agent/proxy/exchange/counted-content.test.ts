// Announced content is complete with its last octet, neither before nor after.
import { expect, test } from 'vitest';
import { counted, discard } from '../../../../agent/proxy/exchange/counted-content.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { contentOf, receivedOf } from '../../../support/walk.ts';

test.each([
  ['exactly as announced', ['ab', 'c'], 3, { octets: 'abc', endings: ['end'] }],
  ['nothing, as announced', [], 0, { octets: '', endings: ['end'] }],
  ['B05: too little', ['ab'], 3, { octets: 'ab', endings: ['http_response_incomplete'] }],
  ['too much in one piece', ['ab', 'cd'], 3, { octets: 'ab', endings: ['http_response_body_size'] }],
  ['too much after its end', ['abc', 'd'], 3, { octets: 'abc', endings: ['http_response_body_size'] }],
  ['of no announced length', ['ab'], undefined, { octets: 'ab', endings: ['end'] }],
] as const)('content that is %s', (_, pieces, announced, received) => {
  expect(receivedOf(counted(contentOf(pieces), announced))).toEqual(received);
});

test('content that is too long is cut off at its source', () => {
  const source = contentOf(['abcd'], 'open');
  receivedOf(counted(source, 3));
  expect(source.wasCancelled).toBe(true);
});

test('a failure on the way is told as it is, once', () => {
  const error = new ProxyError('connection_read_timeout', 'Too slow.');
  expect(receivedOf(counted(contentOf(['ab'], error), 3)).endings).toEqual(['connection_read_timeout']);
});

test('backpressure and cancellation reach the source', () => {
  const source = contentOf(['ab'], 'open');
  const content = counted(source, 3);
  const answers: boolean[] = [];
  const asksToWait = { write: () => false, end: () => undefined, fail: () => undefined };
  counted({ ...source, flow: (sink) => void answers.push(sink.write(Buffer.from('ab'))) }, 3).flow(asksToWait);
  expect(answers).toEqual([false]);
  content.resume();
  content.cancel();
  expect([source.resumed, source.wasCancelled]).toEqual([1, true]);
});

test('B08: content that must be empty is let end, and cut if it is not', () => {
  const [empty, full] = [contentOf([]), contentOf(['x'], 'open')];
  discard(empty);
  discard(full);
  expect([empty.wasCancelled, full.wasCancelled]).toEqual([false, true]);
});
