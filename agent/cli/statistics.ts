// What a series of measurements comes to: median, percentile, spread and histogram.

/** The middle value, or the mean of the two in the middle. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (below === undefined || above === undefined) throw new Error('there is no median of nothing');
  return (below + above) / 2;
}

/** The smallest value that this share (above 0, at most 1) of all values does not exceed. Throws when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const value = ascending(values)[Math.ceil(share * values.length) - 1];
  if (value === undefined) throw new Error('there is no percentile of nothing');
  return value;
}

/** In the unit of the values. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Throws when there is no value. */
export function summary(values: readonly number[]): Summary {
  const middle = median(values);
  return { min: Math.min(...values), median: middle, p95: percentile(values, 0.95), max: Math.max(...values) };
}

export interface Bucket {
  /** Values from here on; the next bucket's `from` is not in it any more. */
  readonly from: number;
  /** The last bucket holds it, the others do not. */
  readonly to: number;
  readonly count: number;
}

/** Equally wide buckets between the smallest and the largest value, as many as Sturges' rule gives; none for no values. */
export function histogram(values: readonly number[]): readonly Bucket[] {
  if (values.length === 0) return [];
  const [min, max] = [Math.min(...values), Math.max(...values)];
  if (min === max) return [{ from: min, to: max, count: values.length }];
  const buckets = Math.ceil(Math.log2(values.length)) + 1;
  const width = (max - min) / buckets;
  const counts = new Array<number>(buckets).fill(0);
  for (const value of values) {
    const at = Math.min(buckets - 1, Math.floor((value - min) / width));
    counts[at] = (counts[at] as number) + 1;
  }
  return counts.map((count, at) => ({
    from: min + at * width,
    to: at === buckets - 1 ? max : min + (at + 1) * width,
    count,
  }));
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}
