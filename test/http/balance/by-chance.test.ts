// Weighted by chance: the number decides, and evenly spread numbers make the weights.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byChance } from '../../../http/balance/by-chance.ts';

const targets = (...weights: number[]) => weights.map((weight, i) => ({ name: `t${i}`, weight }));

test.each([
  [0, 't0'],
  [0.249, 't0'],
  [0.25, 't1'],
  [0.749, 't1'],
  [0.75, 't2'],
  [0.999_999, 't2'],
])('of weights 1, 2 and 1 the number %f chooses %s', (chance, name) => {
  expect(byChance(targets(1, 2, 1), chance).name).toBe(name);
});

test('targets of the reserve are alike among themselves', () => {
  expect(byChance(targets(0, 0), 0.4).name).toBe('t0');
  expect(byChance(targets(0, 0), 0.6).name).toBe('t1');
});

test('over 10,000 evenly spread numbers each is chosen within 2 % of its weight', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(weights, (given) => {
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const counts = given.map(() => 0);
      for (let i = 0; i < 10_000; i++) {
        const { name } = byChance(targets(...given), i / 10_000);
        counts[Number(name.slice(1))] = (counts[Number(name.slice(1))] ?? 0) + 1;
      }
      for (const [i, weight] of given.entries()) {
        expect(Math.abs((counts[i] ?? 0) / 10_000 - weight / total)).toBeLessThan(0.02);
      }
    }),
    { numRuns: 20 },
  );
});

test('there is nothing to choose from nothing', () => {
  expect(() => byChance([], 0)).toThrow(RangeError);
});
