// Which ends of an agent lead to another start.
import { expect, test } from 'vitest';
import { type AgentEnd, keepRunning } from '../../../../agent/machine/service/keep.ts';

async function kept(ends: readonly AgentEnd[], askedAfter = Number.POSITIVE_INFINITY) {
  const pauses: number[] = [];
  let starts = 0;
  const last = await keepRunning({
    start: async () => ends[starts++] ?? 0,
    pause: async (ms) => void pauses.push(ms),
    say: () => undefined,
    isAskedToEnd: () => starts >= askedAfter,
  });
  return { starts, pauses, last };
}

test.each([
  [[1, 'SIGKILL', 70, 0], 4, 0],
  [[0], 1, 0],
  [[78], 1, 78],
  [[2], 1, 2],
  [[1, 77], 2, 77],
])('an agent that ends with %j is started %i times', async (ends, starts, last) => {
  expect(await kept(ends)).toEqual({ starts, last, pauses: Array(starts - 1).fill(5_000) });
});

test('who is asked to end starts nothing any more', async () => {
  expect(await kept(['SIGTERM'], 1)).toMatchObject({ starts: 1, last: 'SIGTERM', pauses: [] });
});
