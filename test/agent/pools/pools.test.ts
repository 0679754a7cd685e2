// The pools of a configuration, and what the next configuration takes over from them.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPools } from '../../../agent/pools/pools.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { config } from '../../../schemas/config.ts';
import { stillClock } from '../../support/walk.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const check = { intervalMs: 1_000, unhealthyAfter: 1 };

function portsThatRefuse() {
  const sent: UpstreamRequest[] = [];
  const send = async (request: UpstreamRequest): Promise<UpstreamAnswer> => {
    sent.push(request);
    return { kind: 'failed', error: new ProxyError('connection_refused', 'no'), progress: 'unsent' };
  };
  return { sent, clock: stillClock(), chance: () => 0, client: { send, close: async () => undefined } };
}

const poolsOf = (pools: object) => config.parse({ pools }).pools;

test('a pool is found by its name, and there is none of another', () => {
  const pools = createPools(poolsOf({ app: { targets: [{ url: 'http://a' }] } }), portsThatRefuse());
  expect(pools.of('app')?.name).toBe('app');
  expect(pools.of('toString')).toBeUndefined();
  expect(pools.states()).toEqual([
    {
      name: 'app',
      balance: 'round-robin',
      targets: [
        { url: 'http://a', weight: 1, state: 'up', because: undefined, outstanding: 0, exchanges: 0, failures: 0 },
      ],
    },
  ]);
});

test('over a reload a target that checks have found ill stays so, and the checks of the old pools end', async () => {
  const ports = portsThatRefuse();
  const before = createPools(poolsOf({ app: { targets: [{ url: 'http://a' }], check } }), ports);
  await vi.advanceTimersByTimeAsync(10);
  expect(before.of('app')?.down()).toHaveLength(1);
  const targets = [{ url: 'http://a' }, { url: 'http://b' }];
  const after = createPools(poolsOf({ app: { targets, check } }), ports, before);
  before.close();
  expect(
    after
      .of('app')
      ?.down()
      .map(({ target }) => target),
  ).toEqual(['http://a']);
  const count = ports.sent.length;
  await vi.advanceTimersByTimeAsync(1_500);
  expect(ports.sent.slice(count).map(({ origin }) => origin)).toEqual(['http://a', 'http://b']);
  after.close();
});

test('without checks no target stays ill that nobody would find well again', async () => {
  const ports = portsThatRefuse();
  const before = createPools(poolsOf({ app: { targets: [{ url: 'http://a' }], check } }), ports);
  await vi.advanceTimersByTimeAsync(10);
  before.close();
  const after = createPools(poolsOf({ app: { targets: [{ url: 'http://a' }] } }), ports, before);
  expect(after.of('app')?.down()).toEqual([]);
});
