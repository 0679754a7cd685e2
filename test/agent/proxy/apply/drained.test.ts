// Content that nobody asked for is read so far as is fair, and never awaited where it cannot come.
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { drained, maxDrainedBytes } from '../../../../agent/proxy/apply/drained.ts';
import type { PlannedRequest } from '../../../../agent/proxy/ports.ts';
import { plannedRequest } from '../../../support/walk.ts';

test('content is read to its end', async () => {
  const content = Readable.from([Buffer.alloc(10), Buffer.alloc(20)]);
  await drained(withContent(content));
  expect(content.readableEnded).toBe(true);
});

test('of content without end no more is read than the bound', async () => {
  let pushed = 0;
  const content = new Readable({
    read() {
      pushed += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  await drained(withContent(content));
  expect(pushed).toBeLessThan(maxDrainedBytes + 4 * 65_536);
  expect(content.isPaused()).toBe(true);
});

test.each<[string, Partial<PlannedRequest>]>([
  ['without content', { content: undefined }],
  ['that is too long by its own words', { framing: { kind: 'length', octets: maxDrainedBytes + 1 } }],
  ['whose client waits for 100', { fields: [['Expect', '100-continue']] }],
  ['whose client has left', { content: Readable.from([]).destroy() }],
])('a request %s is not waited for', async (_, parts) => {
  const silent = new Readable({ read: () => undefined });
  await drained({ ...withContent(silent), ...parts });
  expect(silent.listenerCount('data')).toBe(0);
});

test('a client that leaves meanwhile ends it', async () => {
  const content = new Readable({ read: () => undefined });
  const done = drained(withContent(content));
  content.destroy();
  await done;
});

function withContent(content: Readable): PlannedRequest {
  return plannedRequest({ method: 'POST', framing: { kind: 'chunked' }, content });
}
