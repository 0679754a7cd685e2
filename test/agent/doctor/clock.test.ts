// A wall clock that can be right.
import { expect, test } from 'vitest';
import { clockCheck } from '../../../agent/doctor/clock.ts';
import { never, told } from '../../support/situation.ts';

test.each([
  ['2026-07-29T23:59:59Z', 'fail clock: it says 2026-07-29, which is before this edgehop was made (2026-07-30)'],
  ['1970-01-01T00:00:00Z', 'fail clock: it says 1970-01-01, which is before this edgehop was made (2026-07-30)'],
  ['2026-07-30T00:00:00Z', 'pass clock: it says 2026-07-30, which can be'],
  ['2036-07-30T00:00:00Z', 'pass clock: it says 2036-07-30, which can be'],
  ['2038-01-19T03:14:08Z', 'fail clock: it says 2038-01-19, many years after this edgehop was made (2026-07-30)'],
])('%s', async (now, expected) => {
  const check = clockCheck({ wallTime: () => Date.parse(now), notBefore: '2026-07-30' });
  expect(told(await check.run(never))).toBe(expected);
});
