// Happy Eyeballs on sockets that are made of nothing: which attempt begins when, who wins, and that losers are closed. RFC 8305.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attemptDelayMs } from '../../../http/happy-eyeballs.ts';
import { race } from '../../../worker/dial/race.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

type PlatformSocket = Awaited<ReturnType<typeof race>['won']>['socket'];

function racing(hosts: readonly string[], throwing: readonly string[] = []) {
  const opened = new Map<string, PromiseWithResolvers<unknown>>();
  const closed: string[] = [];
  const attempts = race(hosts, (host) => {
    if (throwing.includes(host)) throw new TypeError(`${host} is no host`);
    const opening = Promise.withResolvers<unknown>();
    opened.set(host, opening);
    const close = async () => void closed.push(host);
    return { opened: opening.promise, closed: new Promise(() => undefined), close } as unknown as PlatformSocket;
  });
  attempts.won.catch(() => undefined);
  return {
    ...attempts,
    closed,
    begun: () => [...opened.keys()],
    accepts: (host: string) => opened.get(host)?.resolve({}),
    refuses: (host: string) => opened.get(host)?.reject(new Error(`${host} refuses`)),
  };
}

test('one host is that attempt', async () => {
  const { begun, accepts, won, closed } = racing(['a']);
  accepts('a');
  expect((await won).host).toBe('a');
  expect([begun(), closed]).toEqual([['a'], []]);
});

test('the next attempt begins when the delay is over, and not before', async () => {
  const { begun, end } = racing(['a', 'b', 'c']);
  await vi.advanceTimersByTimeAsync(attemptDelayMs - 1);
  expect(begun()).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(1);
  expect(begun()).toEqual(['a', 'b']);
  end();
});

test('the next attempt begins at once when one is refused', async () => {
  const { begun, refuses, end } = racing(['a', 'b', 'c']);
  refuses('a');
  await vi.advanceTimersByTimeAsync(0);
  expect(begun()).toEqual(['a', 'b']);
  end();
});

test('an attempt that is slow stays in the race, and the others are closed when it wins', async () => {
  const { accepts, won, closed } = racing(['a', 'b', 'c']);
  await vi.advanceTimersByTimeAsync(2 * attemptDelayMs);
  accepts('a');
  expect((await won).host).toBe('a');
  expect(closed).toEqual(['b', 'c']);
});

test('one that accepts when the race is over is closed', async () => {
  const { accepts, won, closed } = racing(['a', 'b']);
  await vi.advanceTimersByTimeAsync(attemptDelayMs);
  accepts('b');
  accepts('a');
  expect((await won).host).toBe('b');
  expect(closed).toEqual(['a']);
});

test('when all have failed the first failure is told', async () => {
  const { begun, refuses, won } = racing(['a', 'b']);
  refuses('a');
  await vi.advanceTimersByTimeAsync(0);
  refuses('b');
  await expect(won).rejects.toThrow('a refuses');
  expect(begun()).toEqual(['a', 'b']);
});

test('hosts that the platform does not take are passed over', async () => {
  const { accepts, won } = racing(['a~b', 'c'], ['a~b']);
  accepts('c');
  expect((await won).host).toBe('c');
  await expect(racing(['a~b'], ['a~b']).won).rejects.toThrow(TypeError);
});

test('a race that is ended closes every attempt and begins no more', async () => {
  const { begun, refuses, end, closed } = racing(['a', 'b', 'c']);
  await vi.advanceTimersByTimeAsync(attemptDelayMs);
  end();
  refuses('a');
  await vi.advanceTimersByTimeAsync(10 * attemptDelayMs);
  expect(closed).toEqual(['a', 'b']);
  expect(begun()).toEqual(['a', 'b']);
});
