// How busy the processors were between two looks.
import { expect, test } from 'vitest';
import { busyShare } from '../../bench/machine.ts';

test('what was not idle is busy, over all processors', () => {
  const before = [look({ idle: 100 }), look({ idle: 500, user: 40 })];
  const after = [look({ idle: 200 }), look({ idle: 550, user: 60, sys: 20, irq: 10 })];
  expect(busyShare(before, after)).toBeCloseTo(0.25);
});

test('two looks at the same instant show nothing busy', () => {
  expect(busyShare([look({ idle: 1 })], [look({ idle: 1 })])).toBe(0);
});

function look(times: Partial<Record<'user' | 'nice' | 'sys' | 'idle' | 'irq', number>>) {
  return { times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0, ...times } };
}
