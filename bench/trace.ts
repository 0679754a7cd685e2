// A trace of requests as a household makes them: few things are asked for often, many seldom. The same seed, the same trace.

export interface Traced {
  /** Of the origin: what and how much of it. */
  readonly target: string;
  readonly language: string;
  readonly octets: number;
}

export interface TraceOptions {
  readonly requests: number;
  /** Different things that are asked for. */
  readonly objects: number;
  /** How much more often the first is asked for than the others: the exponent of Zipf's law. */
  readonly exponent: number;
  readonly seed: number;
}

const languages = ['en', 'fr', 'de'] as const;

/** Every tenth thing differs by language, every fifth is fresh for a second only and has to be validated. */
export function zipfTrace({ requests, objects, exponent, seed }: TraceOptions): Traced[] {
  const random = generator(seed);
  const sizes = Array.from({ length: objects }, () => Math.min(512 * 1024, Math.round(1024 * Math.exp(random() * 6))));
  const cumulated: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= objects; rank++) {
    sum += rank ** -exponent;
    cumulated.push(sum);
  }
  return Array.from({ length: requests }, () => {
    const point = random() * sum;
    const object = firstAbove(cumulated, point);
    const octets = sizes[object] as number;
    const fresh = object % 5 === 3 ? 1 : 3600;
    const vary = object % 10 === 7 ? '&vary' : '';
    return {
      target: `/${octets}/${object}?fresh=${fresh}${vary}`,
      language: languages[Math.floor(random() * languages.length)] ?? 'en',
      octets,
    };
  });
}

/** The place of the first value that is above the point. */
function firstAbove(ascending: readonly number[], point: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Numbers from 0 to 1 that look random: mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
