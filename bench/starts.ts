// Times starts of edgehop: from the spawn until the control port says ready.
import { startEdgehop } from './edgehop.ts';
import { type Spread, spread } from './statistics.ts';
import type { StartPorts, TargetName } from './target.ts';

export interface StartTimes {
  readonly target: TargetName;
  /** One of each start, in order. */
  readonly readyAfterMs: readonly number[];
  readonly spread: Spread;
}

export const startsEach = 5;

/** Starts and ends each of our two targets several times, in turn. */
export async function measureStarts(names: readonly TargetName[], ports: StartPorts): Promise<readonly StartTimes[]> {
  const ours = (['edgehop-edge', 'edgehop-direct'] as const).filter((name) => names.includes(name));
  const times = ours.map((target) => ({ target, readyAfterMs: [] as number[] }));
  for (let start = 0; start < startsEach; start++) {
    for (const { target, readyAfterMs } of times) {
      await using edgehop = await startEdgehop(target, ports);
      readyAfterMs.push(edgehop.readyAfterMs);
    }
  }
  return times.map((one) => ({ ...one, spread: spread(one.readyAfterMs) }));
}
