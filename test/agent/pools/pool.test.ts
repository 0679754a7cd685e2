// A pool: what is chosen, what goes on where, who is left out, and what stays over a reload.
import { expect, test } from 'vitest';
import { createPool } from '../../../agent/pools/pool.ts';
import type { TakenTarget } from '../../../agent/proxy/ports.ts';
import { pool as poolSchema } from '../../../schemas/pool.ts';
import { stillClock } from '../../support/walk.ts';

const key = { client: '127.0.0.1', url: 'http://app.localhost/' };
const [a, b, c] = ['http://10.0.0.1', 'http://10.0.0.2:8080', 'https://app.example'] as const;

function poolOf(settings: object = {}, clock = stillClock(), previous?: ReturnType<typeof createPool>) {
  const targets = [{ url: `${a}/` }, { url: b }, { url: 'https://APP.example:443/' }];
  return createPool('app', poolSchema.parse({ targets, ...settings }), { clock, chance: () => 0 }, previous);
}

function failTimes(pool: ReturnType<typeof createPool>, target: string, times: number): void {
  const others = [a, b, c].filter((each) => each !== target);
  for (let i = 0; i < times; i++) {
    const taken = pool.take(key, others) as TakenTarget;
    taken.failed('it refuses the connection');
    taken.release();
  }
}

test('targets are taken in turn, by their origins', () => {
  const pool = poolOf();
  expect([1, 2, 3, 4].map(() => pool.take(key, [])?.origin)).toEqual([a, b, c, a]);
});

test('those that were tried are not taken again, and none is left in the end', () => {
  const pool = poolOf();
  expect(pool.take(key, [a, c])?.origin).toBe(b);
  expect(pool.hasOther([a, c])).toBe(true);
  expect(pool.hasOther([a, b, c])).toBe(false);
  expect(pool.take(key, [a, b, c])).toBeUndefined();
});

test('least outstanding: an exchange counts until it is released, once', () => {
  const pool = poolOf({ balance: 'least-outstanding' });
  const first = pool.take(key, []);
  expect(first?.origin).toBe(a);
  expect(pool.take(key, [])?.origin).toBe(b);
  expect(pool.take(key, [])?.origin).toBe(c);
  first?.release();
  first?.release();
  expect(pool.take(key, [])?.origin).toBe(a);
  expect(pool.state().targets.map(({ outstanding }) => outstanding)).toEqual([1, 1, 1]);
});

test.each(['hash-client', 'hash-url'] as const)(
  '%s: the same target for the same key, another when that is tried',
  (balance) => {
    const pool = poolOf({ balance });
    const origin = pool.take(key, [])?.origin ?? '';
    for (let i = 0; i < 5; i++) expect(pool.take(key, [])?.origin).toBe(origin);
    expect(pool.take(key, [origin])?.origin).not.toBe(origin);
    const other = balance === 'hash-client' ? { ...key, url: 'http://other/' } : { ...key, client: '10.9.8.7' };
    expect(pool.take(other, [])?.origin).toBe(origin);
  },
);

test('a target that fails is left out, named, and tried by one exchange after its time', () => {
  const clock = stillClock();
  const pool = poolOf({}, clock);
  failTimes(pool, a, 3);
  expect(pool.down()).toEqual([{ target: a, because: 'it refuses the connection' }]);
  expect(Array.from({ length: 6 }, () => pool.take(key, [])?.origin)).not.toContain(a);
  clock.at = 10_000;
  expect(pool.state().targets[0]).toMatchObject({ state: 'trial', exchanges: 3, failures: 3 });
  const trial = pool.take(key, [b, c]);
  expect(trial?.origin).toBe(a);
  expect(pool.take(key, [b, c])).toBeUndefined();
  trial?.answered();
  trial?.release();
  expect(pool.state().targets[0]).toMatchObject({ state: 'up', because: undefined });
});

test('a trial of which nothing is known in the end is followed by another', () => {
  const clock = stillClock();
  const pool = poolOf({}, clock);
  failTimes(pool, a, 3);
  clock.at = 10_000;
  pool.take(key, [b, c])?.release();
  expect(pool.state().targets[0]?.state).toBe('trial');
});

test('when all are left out, one exchange at a time tries each of them at once: the first that is back serves', () => {
  const pool = poolOf();
  for (const each of [a, b, c]) failTimes(pool, each, 3);
  expect(pool.state().targets.map(({ state }) => state)).toEqual(['down', 'down', 'down']);
  const taken = [1, 2, 3].map(() => pool.take(key, []));
  expect(taken.map((each) => each?.origin).sort()).toEqual([a, b, c].sort());
  expect(pool.take(key, [])).toBeUndefined();
  taken[1]?.answered();
  for (const each of taken) each?.release();
  expect(pool.state().targets.filter(({ state }) => state === 'up')).toHaveLength(1);
});

test('what checks have found ill is not asked, even when nobody else is left', () => {
  const pool = poolOf();
  for (const { health } of pool.targets) Object.assign(health, { isWell: false, because: 'a check failed' });
  expect(pool.take(key, [])).toBeUndefined();
  expect(pool.down()).toHaveLength(3);
});

test('targets that stay keep their state over a reload; those that are new begin anew', () => {
  const clock = stillClock();
  const before = poolOf({}, clock);
  failTimes(before, b, 3);
  const open = before.take(key, [b, c]);
  const targets = [{ url: a }, { url: b, weight: 3 }, { url: 'http://10.0.0.9' }];
  const after = poolOf({ targets, balance: 'least-outstanding' }, clock, before);
  expect(after.state().targets).toMatchObject([
    { url: a, state: 'up', outstanding: 1 },
    { url: b, state: 'down', weight: 3, failures: 3 },
    { url: 'http://10.0.0.9', state: 'up', exchanges: 0 },
  ]);
  open?.release();
  expect(after.state().targets[0]?.outstanding).toBe(0);
});
