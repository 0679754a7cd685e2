// The two things that end a dial, and that neither does once it is over.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { boundsOf } from '../../../agent/upstream/bounds.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the deadline, as it was given', () => {
  const { signal } = boundsOf(5_000, undefined);
  vi.advanceTimersByTime(4_999);
  expect(signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(signal.reason).toMatchObject({ type: 'connection_timeout', message: expect.stringContaining('5000 ms') });
});

test('the client’s leaving, also before it began', () => {
  const client = new AbortController();
  const { signal } = boundsOf(5_000, client.signal);
  client.abort();
  expect(signal.reason).toMatchObject({ type: 'http_request_error', status: 499 });
  expect(boundsOf(5_000, client.signal).signal.reason).toMatchObject({ status: 499 });
});

test('nothing when it is over', () => {
  const client = new AbortController();
  const { signal, end } = boundsOf(5_000, client.signal);
  end();
  client.abort();
  vi.advanceTimersByTime(10_000);
  expect(signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});
