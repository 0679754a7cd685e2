// What was asked for before an unsafe request was answered is not stored after it.
import { expect, test } from 'vitest';
import { createInvalidations } from '../../../worker/cache/invalidated.ts';

test('what was asked for before, or in the same millisecond, is outdated; what is asked for later is not', () => {
  const invalidations = createInvalidations();
  invalidations.note('a', 7);
  expect([6, 7, 8].map((time) => invalidations.isOutdated('a', time))).toEqual([true, true, false]);
  expect(invalidations.isOutdated('b', 0)).toBe(false);
});

test('E16: they do not pile up, and the oldest is forgotten first', () => {
  const invalidations = createInvalidations();
  for (let n = 0; n <= 1_000; n++) invalidations.note(`${n}`, 7);
  expect(['0', '1', '1000'].map((key) => invalidations.isOutdated(key, 7))).toEqual([false, true, true]);
});
