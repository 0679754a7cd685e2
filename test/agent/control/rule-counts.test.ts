// How often each rule had a part in something, within a bound.
import { expect, test } from 'vitest';
import { countRules, maxCountedRules } from '../../../agent/control/rule-counts.ts';
import { testTrace } from '../../support/walk.ts';

test('every rule of a record counts once for it, and records without rules count too', () => {
  const { observer, finished, matches } = countRules();
  for (const rules of [['ads', 'slow'], ['ads'], undefined, []]) observer.finished(testTrace({ rules }));
  observer.finished(testTrace({ rules: ['slow'] }, 'tunnel'));
  expect([matches('ads'), matches('slow'), matches('other'), finished()]).toEqual([2, 2, 0, 5]);
});

test('rules come and go, and only so many are counted', () => {
  const { observer, matches } = countRules();
  for (let i = 0; i <= maxCountedRules; i++) observer.finished(testTrace({ rules: [`rule ${i}`] }));
  expect([matches('rule 0'), matches('rule 1'), matches(`rule ${maxCountedRules}`)]).toEqual([0, 1, 1]);
});
