// Smooth weighted round-robin: exactly the weights in each round, and never the same target longer than it must.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inTurn } from '../../../http/balance/in-turn.ts';

type Named = { readonly name: string; readonly weight: number };

function choices(targets: readonly Named[], count: number): string[] {
  let turns: ReadonlyMap<string, number> = new Map();
  return Array.from({ length: count }, () => {
    const choice = inTurn(targets, turns);
    turns = choice.turns;
    return choice.target.name;
  });
}

test('equal weights take their turns in order', () => {
  const three = ['a', 'b', 'c'].map((name) => ({ name, weight: 1 }));
  expect(choices(three, 6)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});

test('a heavy target comes in between, not in a row', () => {
  const targets = [
    { name: 'a', weight: 5 },
    { name: 'b', weight: 1 },
    { name: 'c', weight: 1 },
  ];
  expect(choices(targets, 7)).toEqual(['a', 'a', 'b', 'a', 'c', 'a', 'a']);
});

test('10,000 choices are within 2 % of the weights, whatever they are', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(weights, (given) => {
      const targets = given.map((weight, i) => ({ name: `t${i}`, weight }));
      const total = given.reduce((sum, weight) => sum + weight, 0);
      const counts = new Map<string, number>();
      for (const name of choices(targets, 10_000)) counts.set(name, (counts.get(name) ?? 0) + 1);
      for (const { name, weight } of targets) {
        expect(Math.abs((counts.get(name) ?? 0) / 10_000 - weight / total)).toBeLessThan(0.02);
      }
    }),
    { numRuns: 20 },
  );
});

test('a target that was left out for some time gets no more than its share afterwards', () => {
  const a = { name: 'a', weight: 1 };
  const b = { name: 'b', weight: 1 };
  let turns: ReadonlyMap<string, number> = new Map();
  for (let i = 0; i < 100; i++) turns = inTurn([a], turns).turns;
  const names: string[] = [];
  for (let i = 0; i < 10; i++) {
    const choice = inTurn([a, b], turns);
    turns = choice.turns;
    names.push(choice.target.name);
  }
  expect(names.filter((name) => name === 'b')).toHaveLength(5);
});

test('what it is given stays as it is', () => {
  const turns = new Map([['a', 3]]);
  inTurn([{ name: 'a', weight: 1 }], turns);
  expect([...turns]).toEqual([['a', 3]]);
});
