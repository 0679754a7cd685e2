// Token buckets, one for each client, in bounded memory however many clients there are.
import type { Clock, Instant } from '../clock.ts';

export interface Buckets {
  /** Takes one token of a client; false where it has none left. */
  take(client: string): boolean;
  /** Puts back what was taken. */
  giveBack(client: string): void;
  readonly size: number;
}

export interface BucketBounds {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens that a bucket holds when it is full. */
  readonly reserve: number;
  /** Clients that are followed at once; those that asked longest ago are forgotten for more. */
  readonly maxClients: number;
}

interface Bucket {
  level: number;
  at: Instant;
}

/**
 * A full bucket says no more than none. So there are two generations: who asks is of the younger one, and the elder is
 * given up when all of its buckets are full again, or for want of room.
 */
export function createBuckets({ perSecond, reserve, maxClients }: BucketBounds, clock: Clock): Buckets {
  const fillMs = (reserve / perSecond) * 1000;
  const maxOfGeneration = Math.ceil(maxClients / 2);
  let [younger, elder] = [new Map<string, Bucket>(), new Map<string, Bucket>()];
  let beganAt = clock.now();
  const beginGeneration = (now: Instant) => {
    [younger, elder] = [new Map(), younger];
    beganAt = now;
  };
  const bucketOf = (client: string, now: Instant): Bucket => {
    const known = younger.get(client);
    if (known !== undefined) return known;
    const bucket = elder.get(client) ?? { level: reserve, at: now };
    elder.delete(client);
    if (younger.size >= maxOfGeneration || now - beganAt >= fillMs) beginGeneration(now);
    younger.set(client, bucket);
    return bucket;
  };
  return {
    take: (client) => {
      const now = clock.now();
      const bucket = bucketOf(client, now);
      bucket.level = Math.min(reserve, bucket.level + ((now - bucket.at) / 1000) * perSecond);
      bucket.at = now;
      if (bucket.level < 1) return false;
      bucket.level--;
      return true;
    },
    giveBack: (client) => {
      const known = younger.get(client) ?? elder.get(client);
      if (known !== undefined) known.level = Math.min(reserve, known.level + 1);
    },
    get size() {
      return younger.size + elder.size;
    },
  };
}
