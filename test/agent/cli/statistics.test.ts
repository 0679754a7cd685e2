// Medians, percentiles, summaries and histograms, by table.
import { expect, test } from 'vitest';
import { histogram, median, percentile, summary } from '../../../agent/cli/statistics.ts';

test.each([
  { values: [7], middle: 7 },
  { values: [3, 1, 2], middle: 2 },
  { values: [10, 9, 100, 1], middle: 9.5 },
  { values: [2, 10, 9, 1, 100], middle: 9 },
])('the median of $values is $middle', ({ values, middle }) => {
  expect(median(values)).toBe(middle);
});

const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

test.each([
  { values: [7], share: 0.95, value: 7 },
  { values: [5, 1, 3], share: 0.5, value: 3 },
  { values: [4, 3, 2, 1], share: 0.5, value: 2 },
  { values: [4, 3, 2, 1], share: 0.51, value: 3 },
  { values: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], share: 0.95, value: 10 },
  { values: hundred, share: 0.95, value: 95 },
  { values: hundred, share: 0.01, value: 1 },
  { values: hundred, share: 1, value: 100 },
])('of $values the share $share does not exceed $value', ({ values, share, value }) => {
  expect(percentile(values, share)).toBe(value);
});

test('there is no median, percentile or summary of nothing', () => {
  expect(() => median([])).toThrow(/nothing/);
  expect(() => percentile([], 0.95)).toThrow(/nothing/);
  expect(() => summary([])).toThrow(/nothing/);
});

test('a summary has both ends, the middle and what only one in twenty exceeds, and leaves the values in their order', () => {
  const values = [5, 1, 3];
  expect(summary(values)).toEqual({ min: 1, median: 3, p95: 5, max: 5 });
  expect(values).toEqual([5, 1, 3]);
});

test.each([
  { values: [], buckets: [] },
  { values: [7], buckets: [[7, 7, 1]] },
  { values: [7, 7, 7], buckets: [[7, 7, 3]] },
  {
    values: [0, 4],
    buckets: [
      [0, 2, 1],
      [2, 4, 1],
    ],
  },
  {
    values: [0, 1, 2, 3, 12, 5, 6, 7],
    buckets: [
      [0, 3, 3],
      [3, 6, 2],
      [6, 9, 2],
      [9, 12, 1],
    ],
  },
])('the histogram of $values is $buckets', ({ values, buckets }) => {
  expect(histogram(values).map(({ from, to, count }) => [from, to, count])).toEqual(buckets);
});

test('a histogram loses no value, however odd the width', () => {
  const values = Array.from({ length: 1000 }, (_, i) => 0.1 + i / 7);
  const buckets = histogram(values);
  expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
  expect([buckets[0]?.from, buckets.at(-1)?.to]).toEqual([Math.min(...values), Math.max(...values)]);
});
