// Names are looked up once for some seconds, failures are not remembered, and nobody waits for ever.
import { afterEach, expect, test, vi } from 'vitest';
import { createResolver } from '../../../../agent/proxy/admit/resolver.ts';
import { config } from '../../../../schemas/config.ts';
import { stillClock } from '../../../support/walk.ts';

const { limits } = config.parse({});

afterEach(() => {
  vi.useRealTimers();
});

test('an answer is used again for dnsMemoryMs, five seconds, also while it is still awaited', async () => {
  const { look, asked } = lookingUp();
  const clock = stillClock();
  const resolve = createResolver(look, clock, limits);
  const answers = await Promise.all([resolve('a.example'), resolve('a.example'), resolve('b.example')]);
  expect(answers[0]).toEqual({ kind: 'resolved', addresses: ['192.0.2.1', '2001:db8::1'] });
  clock.at = 4_999;
  await resolve('a.example');
  expect(asked).toEqual(['a.example', 'b.example']);
  clock.at = 5_000;
  await resolve('a.example');
  expect(asked).toEqual(['a.example', 'b.example', 'a.example']);
});

test('what failed is asked again', async () => {
  const failures = [notFound('ENOTFOUND')];
  const { look, asked } = lookingUp(failures);
  const resolve = createResolver(look, stillClock(), limits);
  expect((await resolve('a.example')).kind).toBe('failed');
  expect((await resolve('a.example')).kind).toBe('resolved');
  expect(asked.length).toBe(2);
});

test.each([
  ['ENOTFOUND', 'dns_error', /spelling/],
  ['EAI_AGAIN', 'dns_error', /network/],
])('%s is a %s with advice', async (code, type, advice) => {
  const cause = notFound(code);
  const resolution = await createResolver(lookingUp([cause]).look, stillClock(), limits)('a.example');
  expect(resolution).toMatchObject({ kind: 'failed', error: { type, cause, advice: expect.stringMatching(advice) } });
  expect((resolution as { error: Error }).error.message).not.toContain('a.example');
});

test('a name without an address is a dns_error, never an empty answer', async () => {
  const resolution = await createResolver(async () => [], stillClock(), limits)('a.example');
  expect(resolution).toMatchObject({ kind: 'failed', error: { type: 'dns_error' } });
});

test('a name server that is silent for dnsTimeoutMs, ten seconds, is a dns_timeout, and is asked again', async () => {
  vi.useFakeTimers();
  let asked = 0;
  const resolve = createResolver(
    () => {
      asked++;
      return new Promise(() => undefined);
    },
    stillClock(),
    limits,
  );
  const resolution = resolve('a.example');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await resolution).toMatchObject({ kind: 'failed', error: { type: 'dns_timeout', status: 504 } });
  void resolve('a.example');
  expect(asked).toBe(2);
});

test('an answer leaves no timer behind', async () => {
  vi.useFakeTimers();
  await createResolver(lookingUp().look, stillClock(), limits)('a.example');
  expect(vi.getTimerCount()).toBe(0);
});

test('maxRememberedNames, a thousand, are remembered, and the oldest is forgotten for one more', async () => {
  const { look, asked } = lookingUp();
  const resolve = createResolver(look, stillClock(), limits);
  for (let i = 0; i <= 1_000; i++) await resolve(`${i}.example`);
  await resolve('1.example');
  expect(asked.length).toBe(1_001);
  await resolve('0.example');
  expect(asked.length).toBe(1_002);
});

function lookingUp(failures: Error[] = []) {
  const asked: string[] = [];
  const look = async (host: string) => {
    asked.push(host);
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return ['192.0.2.1', '2001:db8::1'];
  };
  return { look, asked };
}

function notFound(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} a.example`), { code });
}
