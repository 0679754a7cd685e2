// Chance that can be repeated: the same seed gives the same numbers.
import { mixed } from './mixed.ts';

/** Gives the next number, from 0 up to 1 but not 1 itself. */
export type Chance = () => number;

/**
 * Numbers for the n-th of something. Neighbouring seeds and counts have nothing in common. Not for secrets: a counter in
 * steps of the golden ratio, each mixed (SplitMix, Steele et al. 2014, with 32 bits).
 */
export function chance(seed: number, ...counts: readonly number[]): Chance {
  let state = counts.reduce((mixedSoFar, count) => mixed(mixedSoFar ^ mixed(count + step)), wide(seed));
  return () => {
    state = (state + step) | 0;
    return mixed(state) / 2 ** 32;
  };
}

const step = 0x9e3779b9;

/** All of a seed, which may have more than 32 bits. */
function wide(seed: number): number {
  return mixed(mixed(seed | 0) + Math.floor(seed / 2 ** 32));
}
