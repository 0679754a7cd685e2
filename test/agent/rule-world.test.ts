// The time as rules are told it.
import { expect, test } from 'vitest';
import { createRuleWorld, localTime } from '../../agent/rule-world.ts';

test('weekday and minute are those of the clock on the wall', () => {
  const noon = new Date(2026, 10, 21, 12, 34, 56).getTime(); // a Saturday, in the time zone of this machine
  expect(localTime(noon)).toEqual({ weekday: 6, minute: 12 * 60 + 34 });
  expect(localTime(new Date(2026, 10, 22, 0, 0).getTime())).toEqual({ weekday: 0, minute: 0 });
});

test('the world asks the clock each time, and the lists', () => {
  let now = new Date(2026, 10, 21, 23, 59).getTime();
  const clock = { now: () => now, wallTime: (instant: number) => instant };
  const world = createRuleWorld({ clock, isListed: (list, host) => list === 'a' && host === 'b' });
  expect(world.localTime()).toEqual({ weekday: 6, minute: 1439 });
  now += 60_000;
  expect(world.localTime()).toEqual({ weekday: 0, minute: 0 });
  expect([world.isListed('a', 'b'), world.isListed('a', 'c')]).toEqual([true, false]);
});
