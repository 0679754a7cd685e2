// Spreads, and what is taken round by round.
import { expect, test } from 'vitest';
import { differences, ratios, spread } from '../../bench/statistics.ts';

test('a spread has the median and both ends, and leaves the values in their order', () => {
  const values = [5, 1, 3];
  expect(spread(values)).toEqual({ median: 3, min: 1, max: 5 });
  expect(values).toEqual([5, 1, 3]);
});

test('a ratio is taken within each round, so that a slow round does not count', () => {
  expect(ratios([100, 10, 50], [200, 20, 100])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
});

test('a difference is taken within each round, and may be negative', () => {
  expect(differences([5, 3, 9], [1, 4, 1])).toEqual({ median: 4, min: -1, max: 8 });
});

test('unequal numbers of rounds cannot be compared', () => {
  expect(() => ratios([1, 2], [1])).toThrow('2 rounds against 1');
});
