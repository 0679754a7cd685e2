// The newest records are found first, and the oldest are forgotten.
import { expect, test } from 'vitest';
import type { Recent } from '../../../agent/control/recent.ts';
import { rememberRecent } from '../../../agent/control/recent.ts';
import { testTrace } from '../../support/walk.ts';

test('the newest of several that match is found', () => {
  const recent = remembering(4, ['a', 'b', 'c']);
  expect(recent.find(() => true)?.id).toBe('c');
  expect(recent.find(({ id }) => id !== 'c')?.id).toBe('b');
});

test('nothing is found where nothing was, or nothing matches', () => {
  expect(rememberRecent(4).find(() => true)).toBeUndefined();
  expect(remembering(4, ['a']).find(({ id }) => id === 'b')).toBeUndefined();
});

test('as many are remembered as there is room for, and no more', () => {
  const recent = remembering(3, ['a', 'b', 'c', 'd']);
  const found = ['a', 'b', 'c', 'd'].map((wanted) => recent.find(({ id }) => id === wanted)?.id);
  expect(found).toEqual([undefined, 'b', 'c', 'd']);
  expect(remembering(1, ['a', 'b']).find(() => true)?.id).toBe('b');
});

test('the newest are listed, the latest first, as many as are wanted and there', () => {
  const recent = remembering(3, ['a', 'b', 'c', 'd']);
  expect(
    [0, 2, 3, 9].map((count) =>
      recent
        .newest(count)
        .map(({ id }) => id)
        .join(''),
    ),
  ).toEqual(['', 'dc', 'dcb', 'dcb']);
  expect(
    remembering(4, ['a'])
      .newest(9)
      .map(({ id }) => id),
  ).toEqual(['a']);
});

function remembering(maxRecords: number, ids: readonly string[]): Recent {
  const recent = rememberRecent(maxRecords);
  for (const id of ids) recent.observer.finished(testTrace({ id } as object));
  return recent;
}
