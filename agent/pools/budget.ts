// How many requests may be sent again: a share of those that came lately, so that retries never double the load of what fails.

/** Counts requests and those sent again over the last ten seconds. Times are milliseconds of a monotonic clock. */
export interface Budget {
  asked(now: number): void;
  /** Whether one more may be sent again; if so, it is counted. */
  mayGoAgain(now: number): boolean;
}

const bucketMs = 1_000;
const buckets = 10;

/** So many always may: few requests have no share to speak of. */
const alwaysAllowed = 10;

interface Bucket {
  second: number;
  asked: number;
  again: number;
}

/** A budget of `percent` of the requests. */
export function createBudget(percent: number): Budget {
  const counts = Array.from({ length: buckets }, (): Bucket => ({ second: Number.NaN, asked: 0, again: 0 }));
  const bucketAt = (now: number): Bucket => {
    const second = Math.floor(now / bucketMs);
    const bucket = counts[((second % buckets) + buckets) % buckets] as Bucket;
    if (bucket.second !== second) Object.assign(bucket, { second, asked: 0, again: 0 });
    return bucket;
  };
  const sum = (now: number, what: 'asked' | 'again') => {
    const oldest = Math.floor(now / bucketMs) - buckets;
    return counts.reduce((total, bucket) => (bucket.second > oldest ? total + bucket[what] : total), 0);
  };
  return {
    asked: (now) => {
      bucketAt(now).asked++;
    },
    mayGoAgain: (now) => {
      if (sum(now, 'again') >= Math.max(alwaysAllowed, (sum(now, 'asked') * percent) / 100)) return false;
      bucketAt(now).again++;
      return true;
    },
  };
}
