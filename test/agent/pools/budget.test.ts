// The budget of retries: a share of what came within ten seconds, and ten in any case.
import { expect, test } from 'vitest';
import { createBudget } from '../../../agent/pools/budget.ts';

function granted(budget: ReturnType<typeof createBudget>, now: number, attempts = 1_000): number {
  let count = 0;
  for (let i = 0; i < attempts; i++) if (budget.mayGoAgain(now)) count++;
  return count;
}

test('ten may always be sent again', () => {
  expect(granted(createBudget(20), 0)).toBe(10);
  expect(granted(createBudget(0), 0)).toBe(10);
});

test('of 1,000 requests a fifth may be', () => {
  const budget = createBudget(20);
  for (let i = 0; i < 1_000; i++) budget.asked(i);
  expect(granted(budget, 1_000)).toBe(200);
});

test('what was asked and sent again counts for ten seconds', () => {
  const budget = createBudget(50);
  for (let i = 0; i < 100; i++) budget.asked(500);
  expect(granted(budget, 600)).toBe(50);
  expect(granted(budget, 9_999)).toBe(0);
  expect(granted(budget, 10_000)).toBe(10);
});

test('a clock that begins anywhere, also below zero, makes no difference', () => {
  for (const start of [-123_456, 0.25, 987_654_321.5]) expect(granted(createBudget(20), start)).toBe(10);
});
