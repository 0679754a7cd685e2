// Least outstanding: the fewest exchanges for the weight, with the one that would come; chance among equals.
import { expect, test } from 'vitest';
import { leastOutstanding } from '../../../http/balance/least-outstanding.ts';

const target = (name: string, outstanding: number, weight = 1) => ({ name, outstanding, weight });

test.each([
  ['the one with the fewest', [target('a', 3), target('b', 1), target('c', 2)], 0, 'b'],
  ['the heavier one, though more goes on there', [target('a', 2, 1), target('b', 4, 4)], 0, 'b'],
  ['the heavier one of two that are idle', [target('a', 0, 1), target('b', 0, 2)], 0, 'b'],
  ['among equals by chance: the first', [target('a', 1), target('b', 1)], 0.4, 'a'],
  ['among equals by chance: the second', [target('a', 1), target('b', 1)], 0.6, 'b'],
  ['a reserve as if its weight were 1', [target('a', 1, 0), target('b', 0, 0)], 0, 'b'],
])('%s', (_, targets, chance, name) => {
  expect(leastOutstanding(targets, chance).name).toBe(name);
});

test('where exchanges never end, 10,000 of them lie within 2 % of the weights', () => {
  const targets = [target('a', 0, 1), target('b', 0, 2), target('c', 0, 5)];
  for (let i = 0; i < 10_000; i++) leastOutstanding(targets, i / 10_000).outstanding++;
  for (const { outstanding, weight } of targets) expect(Math.abs(outstanding / 10_000 - weight / 8)).toBeLessThan(0.02);
});
