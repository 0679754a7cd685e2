// Spreads, and ratios and differences taken round by round.
import { median } from '../agent/cli/statistics.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The median, with least and most. */
export function shown({ median, min, max }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
}

/** Each value over the other of the same round. What drifts over minutes cancels out. */
export function ratios(values: readonly number[], others: readonly number[]): Spread {
  return byRound(values, others, (value, other) => value / other);
}

/** Each value less the other of the same round. */
export function differences(values: readonly number[], others: readonly number[]): Spread {
  return byRound(values, others, (value, other) => value - other);
}

function byRound(
  values: readonly number[],
  others: readonly number[],
  combine: (value: number, other: number) => number,
): Spread {
  if (values.length !== others.length) throw new Error(`${values.length} rounds against ${others.length}`);
  return spread(values.map((value, round) => combine(value, others[round] as number)));
}
