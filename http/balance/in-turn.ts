// Chooses targets in turn, each as often as its weight says, and as evenly in time as that goes: smooth weighted round-robin.
import { shareOf, type Target } from './candidates.ts';

export interface InTurn<T> {
  readonly target: T;
  /** How far each target is from its turn, by its name: for the next choice. */
  readonly turns: ReadonlyMap<string, number>;
}

/**
 * The target whose turn it is. Each comes nearer to its turn by its weight; the nearest is taken and goes back by the
 * weight of all. Targets that are left out keep their place. Throws where there are no targets.
 */
export function inTurn<T extends Target>(targets: readonly T[], turns: ReadonlyMap<string, number>): InTurn<T> {
  const next = new Map(turns);
  let total = 0;
  let chosen: T | undefined;
  let nearest = Number.NEGATIVE_INFINITY;
  for (const target of targets) {
    const share = shareOf(target);
    const turn = (turns.get(target.name) ?? 0) + share;
    total += share;
    next.set(target.name, turn);
    if (turn <= nearest) continue;
    nearest = turn;
    chosen = target;
  }
  if (chosen === undefined) throw new RangeError('there is no target to choose from');
  next.set(chosen.name, nearest - total);
  return { target: chosen, turns: next };
}
