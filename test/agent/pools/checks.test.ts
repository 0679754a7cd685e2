// Active checks: each target by itself, the next one after the end of the last, and none once they are ended.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checkTargets } from '../../../agent/pools/checks.ts';
import { createPool } from '../../../agent/pools/pool.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { pool as poolSchema } from '../../../schemas/pool.ts';
import { contentOf, stillClock } from '../../support/walk.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const check = { path: '/health?x', intervalMs: 1_000, timeoutMs: 300, healthyAfter: 2, unhealthyAfter: 2 };

/** A pool whose checks answer as `answers` says, by origin; `silence` is no answer until it is given up. */
function checked(answers: Record<string, number | 'silence' | 'refused'>) {
  const settings = poolSchema.parse({ targets: Object.keys(answers).map((url) => ({ url })), check });
  const pool = createPool('app', settings, { clock: stillClock(), chance: () => 0 });
  const sent: UpstreamRequest[] = [];
  const contents: ReturnType<typeof contentOf>[] = [];
  const send = (request: UpstreamRequest) =>
    new Promise<UpstreamAnswer>((resolve) => {
      sent.push(request);
      const failed = (error: ProxyError) => resolve({ kind: 'failed', error, progress: 'unanswered' });
      request.onLeave(() => failed(new ProxyError('http_request_error', 'given up')));
      const status = answers[request.origin];
      if (status === 'refused') failed(new ProxyError('connection_refused', 'no'));
      if (typeof status !== 'number') return;
      const content = contentOf(['much'], 'open');
      contents.push(content);
      resolve({ kind: 'response', status, reason: '', fields: [], octets: undefined, content, address: undefined });
    });
  const end = checkTargets(pool, check, { send, close: async () => undefined });
  return { pool, sent, contents, end, answers, states: () => pool.state().targets.map(({ state }) => state) };
}

test('each target is asked at once and after each interval, and is not asked for its content', async () => {
  const { sent, contents, end } = checked({ 'http://a:81': 200, 'https://b': 399 });
  await vi.advanceTimersByTimeAsync(2_500);
  expect(sent.map(({ origin }) => origin)).toEqual([1, 2, 3].flatMap(() => ['http://a:81', 'https://b']));
  expect(sent[0]).toMatchObject({ method: 'GET', path: '/health?x' });
  expect(sent[0]?.fields[0]).toEqual(['Host', 'a:81']);
  expect(sent[1]?.fields[0]).toEqual(['Host', 'b']);
  expect(contents.every(({ wasCancelled }) => wasCancelled)).toBe(true);
  end();
});

test.each([
  [400, 'a check was answered with 400'],
  [503, 'a check was answered with 503'],
  ['refused', 'a check failed: connection_refused'],
  ['silence', 'a check was not answered within 300 ms'],
] as const)('a target that answers %s is down after two checks, and says so', async (answer, because) => {
  const { end, states, pool } = checked({ 'http://a': answer, 'http://b': 204 });
  await vi.advanceTimersByTimeAsync(400);
  expect(states()).toEqual(['up', 'up']);
  await vi.advanceTimersByTimeAsync(1_300);
  expect(states()).toEqual(['down', 'up']);
  expect(pool.down()).toEqual([{ target: 'http://a', because }]);
  end();
});

test('one that is well again comes back after two checks', async () => {
  const { end, states, answers } = checked({ 'http://a': 500 });
  await vi.advanceTimersByTimeAsync(1_500);
  expect(states()).toEqual(['down']);
  answers['http://a'] = 200;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(states()).toEqual(['down']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(states()).toEqual(['up']);
  end();
});

test('checks of a silent target do not pile up: one goes on at a time', async () => {
  const { sent, end } = checked({ 'http://a': 'silence' });
  await vi.advanceTimersByTimeAsync(2 * (1_000 + 300));
  expect(sent).toHaveLength(3);
  end();
});

test('once ended nothing is asked and nothing is noted', async () => {
  const { sent, end, states } = checked({ 'http://a': 'refused', 'http://b': 'silence' });
  await vi.advanceTimersByTimeAsync(10);
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(2);
  expect(states()).toEqual(['up', 'up']);
  expect(vi.getTimerCount()).toBe(0);
});
