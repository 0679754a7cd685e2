// A target that fails is left out for a while, and comes back.
import { expect, test } from 'vitest';
import { createEjections } from '../../../worker/reverse/ejected.ts';

const ejection = { afterFailures: 2, forMs: 1_000 };

test('a target is left out after so many failures, one after the other, and for so long', () => {
  const ejections = createEjections();
  ejections.failed('a', ejection, 0);
  expect(ejections.isUp('a', 0)).toBe(true);
  ejections.failed('a', ejection, 10);
  expect(ejections.isUp('a', 1_009)).toBe(false);
  expect(ejections.isUp('a', 1_010)).toBe(true);
  expect(ejections.isUp('b', 10)).toBe(true);
});

test('one that fails when it has come back goes again at once', () => {
  const ejections = createEjections();
  for (const at of [0, 0]) ejections.failed('a', ejection, at);
  ejections.failed('a', ejection, 5_000);
  expect(ejections.isUp('a', 5_999)).toBe(false);
});

test('a success between failures counts anew', () => {
  const ejections = createEjections();
  ejections.failed('a', ejection, 0);
  ejections.succeeded('a');
  ejections.failed('a', ejection, 0);
  expect(ejections.isUp('a', 0)).toBe(true);
});

test('the first of several to come back says when to ask again', () => {
  const ejections = createEjections();
  for (const at of [0, 0]) ejections.failed('a', ejection, at);
  for (const at of [500, 500]) ejections.failed('b', ejection, at);
  expect(ejections.upAt(['a', 'b'], 600)).toBe(1_000);
  expect(ejections.upAt(['a', 'c'], 600)).toBe(600);
});
