// Chooses the target at which the fewest exchanges go on for its weight.
import { byChance } from './by-chance.ts';
import { shareOf, type Target } from './candidates.ts';

/**
 * The target that would be the least busy with one exchange more. Among equals chance decides (at least 0, less than 1),
 * by weight, so that the first of the list is not always asked first. Throws where there are no targets.
 */
export function leastOutstanding<T extends Target & { readonly outstanding: number }>(
  targets: readonly T[],
  chance: number,
): T {
  const load = (target: T) => (target.outstanding + 1) / shareOf(target);
  const least = Math.min(...targets.map(load));
  return byChance(
    targets.filter((target) => load(target) === least),
    chance,
  );
}
