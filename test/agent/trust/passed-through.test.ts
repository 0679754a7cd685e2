// Hosts that are passed through: after two alerts, for a while, until somebody undoes it.
import { expect, test } from 'vitest';
import { createPassedThrough } from '../../../agent/trust/passed-through.ts';
import { stillClock } from '../../support/walk.ts';

test('the second alert passes a host through, unless a client has taken our certificate in between', () => {
  const passed = createPassedThrough(stillClock(), 1000);
  expect([passed.rejected('a.test'), passed.has('a.test')]).toEqual([false, false]);
  passed.taken('a.test');
  expect(passed.rejected('a.test')).toBe(false);
  expect(passed.rejected('b.test')).toBe(false);
  expect([passed.rejected('a.test'), passed.has('a.test'), passed.has('b.test')]).toEqual([true, true, false]);
});

test('for passThroughMs, and from then on it takes two alerts again', () => {
  const clock = stillClock();
  const passed = createPassedThrough(clock, 1000);
  passed.add('a.test', 'client-certificate-asked');
  clock.at += 999;
  expect(passed.list()).toEqual([
    { host: 'a.test', because: 'client-certificate-asked', until: clock.wallTime(clock.at + 1) },
  ]);
  clock.at += 1;
  expect([passed.has('a.test'), passed.list()]).toEqual([false, []]);
  expect(passed.rejected('a.test')).toBe(false);
});

test('one host, or all, are intercepted again', () => {
  const passed = createPassedThrough(stillClock(), 1000);
  for (const host of ['a.test', 'b.test', 'c.test']) passed.add(host, 'client-rejects-certificate');
  expect([passed.forget('a.test'), passed.forget('other.test')]).toEqual([1, 0]);
  expect([passed.has('a.test'), passed.has('b.test')]).toEqual([false, true]);
  expect([passed.forget(), passed.list()]).toEqual([2, []]);
});
