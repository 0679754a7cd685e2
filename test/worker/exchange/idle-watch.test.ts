// When an origin counts as idle: after the whole of its time, and only while it is its turn.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from '../../../worker/exchange/idle-watch.ts';

const idleTimeoutMs = 1_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('who is waited for without a sign of life is idle after the whole time, and little later', async () => {
  const onIdle = vi.fn();
  const watch = watchIdle(idleTimeoutMs, onIdle);
  void watch.during('give', new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(idleTimeoutMs);
  expect(onIdle).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(idleTimeoutMs / 4);
  expect(onIdle).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(10 * idleTimeoutMs);
  expect(onIdle).toHaveBeenCalledOnce();
});

test('each sign of life begins the time anew', async () => {
  const onIdle = vi.fn();
  const watch = watchIdle(idleTimeoutMs, onIdle);
  void watch.during('give', new Promise(() => undefined)); // a response that does not come yet
  for (let i = 0; i < 20; i++) {
    const written = Promise.withResolvers<string>();
    const work = watch.during('take', written.promise);
    await vi.advanceTimersByTimeAsync(idleTimeoutMs * 0.9);
    written.resolve('written');
    expect(await work).toBe('written');
  }
  expect(onIdle).not.toHaveBeenCalled();
  watch.stop();
});

test('time in which nobody is waited for does not count', async () => {
  const onIdle = vi.fn();
  const watch = watchIdle(idleTimeoutMs, onIdle);
  await watch.during('give', Promise.resolve());
  await vi.advanceTimersByTimeAsync(100 * idleTimeoutMs);
  void watch.during('give', new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(idleTimeoutMs * 0.9);
  expect(onIdle).not.toHaveBeenCalled();
  watch.stop();
  await vi.advanceTimersByTimeAsync(100 * idleTimeoutMs);
  expect(onIdle).not.toHaveBeenCalled();
});

test.each([
  [['give'], 'give'],
  [['take'], 'take'],
  [['take', 'give'], 'take'],
] as const)('of an origin that is to %s it is said that it was to %s', async (turns, expected) => {
  const onIdle = vi.fn();
  const watch = watchIdle(idleTimeoutMs, onIdle);
  for (const turn of turns) void watch.during(turn, new Promise(() => undefined));
  await watch.during('take', Promise.resolve()); // has been taken
  await vi.advanceTimersByTimeAsync(2 * idleTimeoutMs);
  expect(onIdle.mock.calls).toEqual([[expected]]);
});

test('work that fails fails as it is, and is a sign of life', async () => {
  const watch = watchIdle(idleTimeoutMs, () => undefined);
  await expect(watch.during('give', Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  watch.stop();
});
