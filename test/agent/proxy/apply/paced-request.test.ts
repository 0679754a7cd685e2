// Content of a request through a simulated network.
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { PacedRequest } from '../../../../agent/proxy/apply/paced-request.ts';
import { link } from '../../../../http/pacing.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { testTimers } from '../../../support/timers.ts';

test('octets come at the rate, as they were, and end', async () => {
  const { heard, timers, source, paced } = reading();
  source.push(Buffer.from('01234'));
  source.push(Buffer.from('56789'));
  source.push(null);
  await timers.pass(500);
  expect(heard.octets).toBe('01234');
  await timers.pass(500);
  await timers.pass(0);
  expect([heard.octets, heard.endings, timers.set]).toEqual(['0123456789', ['end'], 0]);
  expect(paced.errored).toBe(null);
});

test('a reader that pauses stops the source, which is not read into memory', async () => {
  const { timers, source, paced } = reading(1_000_000);
  paced.pause();
  let pushed = 0;
  for (let piece = 0; piece < 100; piece++) {
    if (source.readableLength < source.readableHighWaterMark) {
      source.push(Buffer.alloc(16_384));
      pushed++;
    }
    await timers.pass(100);
  }
  expect(pushed).toBeLessThan(12);
});

test('a source that fails is told with its error, at once', async () => {
  const { heard, timers, source } = reading();
  source.push(Buffer.from('0123456789'));
  await timers.pass(200);
  source.destroy(new ProxyError('http_request_error', 'The client left.'));
  await timers.pass(0);
  expect([heard.octets, heard.endings, timers.set]).toEqual(['01', ['http_request_error'], 0]);
});

test('a source that has failed before is told, too', async () => {
  const timers = testTimers();
  const source = new Readable({ read: () => undefined }).on('error', () => undefined);
  source.destroy(new ProxyError('http_request_error', 'The client left.'));
  const paced = new PacedRequest(source, { ...timers, link: link({ bytesPerSecond: 10 }) });
  await timers.pass(0);
  expect(paced.errored).toMatchObject({ type: 'http_request_error' });
});

test('one that is given up ends its source and leaves no timer', async () => {
  const { timers, source, paced } = reading();
  source.push(Buffer.from('0123456789'));
  await timers.pass(200);
  paced.destroy();
  await timers.pass(0);
  expect([source.destroyed, timers.set]).toEqual([true, 0]);
});

function reading(bytesPerSecond = 10) {
  const timers = testTimers();
  const heard = { octets: '', endings: [] as string[] };
  const source = new Readable({ read: () => undefined }).on('error', () => undefined);
  const paced = new PacedRequest(source, { ...timers, link: link({ bytesPerSecond }) });
  paced.on('data', (octets: Buffer) => {
    heard.octets += octets.toString('latin1');
  });
  paced.on('end', () => heard.endings.push('end'));
  paced.on('error', (error) => heard.endings.push(error instanceof ProxyError ? error.type : 'error'));
  return { heard, timers, source, paced };
}
