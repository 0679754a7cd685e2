// What is going on is found while it does, newest first, and not a moment longer.
import { expect, test } from 'vitest';
import { followOpen } from '../../../agent/control/open.ts';
import type { Trace } from '../../../agent/proxy/ports.ts';
import { testTrace } from '../../support/walk.ts';

test('an exchange is open from its judged head to its finished record', () => {
  const open = followOpen(8);
  const [one, other] = [traceOf('a'), traceOf('b')];
  expect([open.count, open.newest(8)]).toEqual([0, []]);
  open.observer.requestReceived(one);
  open.observer.requestReceived(other);
  expect([open.count, idsOf(open.newest(8)), idsOf(open.newest(1))]).toEqual([2, ['b', 'a'], ['b']]);
  expect(open.find(({ id }) => id === 'a')).toBe(one);
  expect(open.find(() => true)).toBe(other);
  open.observer.finished(one);
  expect([open.count, idsOf(open.newest(8))]).toEqual([1, ['b']]);
  expect(open.find(({ id }) => id === 'a')).toBeUndefined();
});

test('none are listed where none are asked for', () => {
  const open = followOpen(8);
  open.observer.requestReceived(traceOf('a'));
  expect(open.newest(0)).toEqual([]);
});

test('what is finished without having been judged was never open', () => {
  const open = followOpen(8);
  open.observer.finished(traceOf('a'));
  expect(open.count).toBe(0);
});

test('as many are followed as there is room for: the oldest are forgotten', () => {
  const open = followOpen(2);
  for (const id of ['a', 'b', 'c']) open.observer.requestReceived(traceOf(id));
  expect([open.count, idsOf(open.newest(8))]).toEqual([2, ['c', 'b']]);
});

function traceOf(id: string): Trace {
  return testTrace({ id } as object);
}

function idsOf(traces: readonly Trace[]): string[] {
  return traces.map(({ id }) => id);
}
