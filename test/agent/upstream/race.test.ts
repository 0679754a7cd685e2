// Happy Eyeballs without a network: which attempt begins when, who wins, and what is said when none does. RFC 8305.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { maxAttempts, type Raced, race } from '../../../agent/upstream/race.ts';
import { attemptDelayMs } from '../../../http/happy-eyeballs.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

describe('a race', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('of one address is that attempt', async () => {
    const { begun, connects, raced } = racing(['a']);
    connects('a');
    expect(await raced).toMatchObject({ kind: 'connected', address: 'a' });
    expect(begun()).toEqual(['a']);
  });

  test('begins the next attempt when the delay is over, and not before', async () => {
    const { begun } = racing(['a', 'b', 'c']);
    await vi.advanceTimersByTimeAsync(attemptDelayMs - 1);
    expect(begun()).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun()).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(attemptDelayMs);
    expect(begun()).toEqual(['a', 'b', 'c']);
  });

  test('begins the next at once when one has failed', async () => {
    const { begun, fails } = racing(['a', 'b', 'c']);
    fails('a', 'ECONNREFUSED');
    expect(begun()).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(attemptDelayMs - 1);
    expect(begun()).toEqual(['a', 'b']);
  });

  test('is still open to the first when the others run: a slow link is not given up', async () => {
    const { begun, connects, raced, destroyed } = racing(['a', 'b', 'c']);
    await vi.advanceTimersByTimeAsync(10 * attemptDelayMs);
    connects('a');
    expect(await raced).toMatchObject({ kind: 'connected', address: 'a' });
    expect([begun(), destroyed()]).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ]);
  });

  test('that is won begins no further attempt, and a late error of anyone is nobody’s', async () => {
    const { begun, connects, fails, raced } = racing(['a', 'b', 'c']);
    await vi.advanceTimersByTimeAsync(attemptDelayMs);
    connects('b');
    expect(await raced).toMatchObject({ address: 'b' });
    fails('a', 'ECONNRESET');
    fails('b', 'ECONNRESET');
    await vi.advanceTimersByTimeAsync(10 * attemptDelayMs);
    expect(begun()).toEqual(['a', 'b']);
  });

  test.each<readonly [codes: readonly string[], type: string]>([
    [['ECONNREFUSED'], 'connection_refused'],
    [['ENETUNREACH', 'ECONNREFUSED'], 'connection_refused'],
    [['ECONNREFUSED', 'ENETUNREACH'], 'connection_refused'],
    [['ENETUNREACH', 'ETIMEDOUT'], 'connection_timeout'],
    [['EHOSTUNREACH', 'ENETUNREACH'], 'destination_ip_unroutable'],
    [['ECONNREFUSED', 'EMFILE'], 'connection_limit_reached'],
    [['EWHATEVER', 'ENETUNREACH'], 'destination_ip_unroutable'],
  ])('in which all fail with %j has the error %s, which says how many were tried', async (codes, type) => {
    const addresses = codes.map((_, i) => `192.0.2.${i}`);
    const { fails, raced } = racing(addresses);
    for (const [i, code] of codes.entries()) fails(addresses[i] as string, code);
    const result = await raced;
    if (result.kind === 'connected') throw new Error('connected');
    expect(result.error.type).toBe(type);
    expect(result.error.message.includes(`${codes.length} of its addresses were tried`)).toBe(codes.length > 1);
    expect(result.error.cause).toHaveProperty('code');
  });

  test('ends at the deadline, with the most telling error until then', async () => {
    const { fails, gives, raced, destroyed } = racing(['a', 'b', 'c']);
    fails('a', 'ENETUNREACH');
    gives(new ProxyError('connection_timeout', 'Too long.'));
    const result = await raced;
    expect(result).toMatchObject({ kind: 'failed', error: { type: 'connection_timeout' } });
    expect(destroyed()).toEqual(['b']);
    expect((result as Extract<Raced, { kind: 'failed' }>).error.message).toBe(
      'Too long. 2 of its addresses were tried.',
    );
  });

  test('ends when the client leaves, whatever failed before', async () => {
    const { fails, gives, raced, destroyed, begun } = racing(['a', 'b', 'c']);
    fails('a', 'ECONNREFUSED');
    gives(new ProxyError('http_request_error', 'Left.', { status: 499 }));
    expect(await raced).toMatchObject({ kind: 'failed', error: { type: 'http_request_error', status: 499 } });
    await vi.advanceTimersByTimeAsync(10 * attemptDelayMs);
    expect([begun(), destroyed()]).toEqual([['a', 'b'], ['b']]);
  });

  test('does not begin when it has ended before', async () => {
    const { begun, raced } = racing(['a'], AbortSignal.abort(new ProxyError('connection_timeout', 'Too late.')));
    expect(await raced).toMatchObject({ kind: 'failed', error: { message: 'Too late.' } });
    expect(begun()).toEqual([]);
  });

  test('of no address fails', async () => {
    expect(await racing([]).raced).toMatchObject({ kind: 'failed', error: { type: 'dns_error' } });
  });

  test('tries a bounded number of addresses', async () => {
    const addresses = Array.from({ length: maxAttempts + 1 }, (_, i) => `192.0.2.${i}`);
    const { begun, fails, raced } = racing(addresses);
    for (const address of addresses.slice(0, maxAttempts)) fails(address, 'ECONNREFUSED');
    expect(await raced).toMatchObject({ kind: 'failed' });
    expect(begun().length).toBe(maxAttempts);
  });
});

/** A race whose attempts do what the test says. */
function racing(addresses: readonly string[], signal?: AbortSignal) {
  const sockets = new Map<string, EventEmitter & { wasDestroyed?: true }>();
  const controller = new AbortController();
  const open = (address: string) => {
    const socket: EventEmitter & { wasDestroyed?: true } = new EventEmitter();
    Object.assign(socket, { destroy: () => Object.assign(socket, { wasDestroyed: true }) });
    sockets.set(address, socket);
    return socket as unknown as Socket;
  };
  return {
    raced: race(addresses, open, signal ?? controller.signal),
    begun: () => [...sockets.keys()],
    destroyed: () => [...sockets].filter(([, { wasDestroyed }]) => wasDestroyed === true).map(([address]) => address),
    connects: (address: string) => void sockets.get(address)?.emit('connect'),
    fails: (address: string, code: string) =>
      void sockets.get(address)?.emit('error', Object.assign(new Error(code), { code })),
    gives: (reason: ProxyError) => controller.abort(reason),
  };
}
