// Chance from a seed: repeatable, even, and without ties between neighbours.
import { expect, test } from 'vitest';
import { chance } from '../../http/chance.ts';

const many = 10_000;

test('the same seed and counts give the same numbers', () => {
  expect(drawn(7, [1], 5)).toEqual(drawn(7, [1], 5));
});

test.each([
  ['another seed', 8, [1]],
  ['a seed that differs beyond 32 bits', 7 + 2 ** 32, [1]],
  ['another count', 7, [2]],
  ['one count more', 7, [1, 1]],
] as const)('%s gives other numbers', (_what, seed, counts) => {
  expect(drawn(seed, counts, 3)).not.toEqual(drawn(7, [1], 3));
});

test('numbers are even from 0 up to 1, along a run and over the first of many runs', () => {
  const firsts = Array.from({ length: many }, (_, count) => chance(1, count)());
  for (const numbers of [drawn(1, [1], many), firsts]) {
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    const tenths = Array.from({ length: 10 }, (_, tenth) => numbers.filter((n) => Math.floor(n * 10) === tenth).length);
    for (const count of tenths) expect(Math.abs(count - many / 10)).toBeLessThan(150); // five standard deviations
  }
});

test('what is drawn for one count says nothing of the next', () => {
  const firsts = Array.from({ length: many }, (_, count) => chance(42, count)());
  const mean = firsts.reduce((sum, n) => sum + n, 0) / many;
  const covariance = firsts.slice(1).reduce((sum, n, at) => sum + (n - mean) * ((firsts[at] ?? 0) - mean), 0) / many;
  expect(Math.abs(covariance * 12)).toBeLessThan(0.05);
});

function drawn(seed: number, counts: readonly number[], length: number): number[] {
  const next = chance(seed, ...counts);
  return Array.from({ length }, () => next());
}
