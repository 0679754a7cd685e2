// Chooses a target by chance, each as often as its weight says.
import { shareOf, type Target } from './candidates.ts';

/** One of the targets. `chance` is at least 0 and less than 1, evenly spread. Throws where there are no targets. */
export function byChance<T extends Target>(targets: readonly T[], chance: number): T {
  let left = chance * targets.reduce((sum, target) => sum + shareOf(target), 0);
  for (const target of targets) {
    left -= shareOf(target);
    if (left < 0) return target;
  }
  const last = targets.at(-1); // where numbers are rounded
  if (last === undefined) throw new RangeError('there is no target to choose from');
  return last;
}
