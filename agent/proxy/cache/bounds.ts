// What the cache phase needs from outside, and the bounds of what grows or waits in it.
import type { CacheStore, Clock, Forward, Observer, PlannedRequest, Trace } from '../ports.ts';
import type { Flights } from './flights.ts';

export interface CachePorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly store: CacheStore;
  /** Begins the record of an exchange that no client waits for, on behalf of this one's. */
  readonly begin: (trace: Trace) => Trace;
  /** 1 to 70 letters and digits that nobody can foresee. */
  readonly boundary: () => string;
  readonly bounds: CacheBounds;
  /** What other phases over the same store know too, such as those of the configuration before; its own where it is not given. */
  readonly shared?: SharedKnowledge | undefined;
  /** Whether an edge is to carry a request, which can transform its response. All are where it is not given. */
  readonly canTransform?: ((request: PlannedRequest) => boolean) | undefined;
}

export interface CacheBounds {
  /** How long a request waits for the head that an equal one has asked for; then it goes on by itself. */
  readonly maxCollapsedWaitMs: number;
  /** What may still come of a content that nobody waits for any more, so that it can be stored. */
  readonly maxUnwatchedOctets: number;
  readonly maxUnwatchedMs: number;
  /** Revalidations that no client waits for, all together. */
  readonly maxBackground: number;
  /** URLs whose answers could not be shared lately, so that nobody waits for them. */
  readonly maxUnshared: number;
  readonly unsharedMs: number;
}

export const cacheBounds: CacheBounds = {
  maxCollapsedWaitMs: 10_000,
  maxUnwatchedOctets: 1024 * 1024,
  maxUnwatchedMs: 30_000,
  maxBackground: 64,
  maxUnshared: 10_000,
  unsharedMs: 60_000,
};

/** What is known of the exchanges whose answers come into one store. */
export interface SharedKnowledge {
  readonly flights: Flights;
  readonly unshared: Unshared;
}

/** What the parts of this phase share. */
export interface CacheContext extends CachePorts, SharedKnowledge {
  readonly forward: Forward;
}

/** Remembers which URLs had answers that could not be shared. */
export interface Unshared {
  has(url: string): boolean;
  note(url: string): void;
  forget(url: string): void;
}

export function createUnshared(clock: Clock, { maxUnshared, unsharedMs }: CacheBounds): Unshared {
  const until = new Map<string, number>();
  return {
    has: (url) => {
      const end = until.get(url);
      if (end === undefined) return false;
      if (end > clock.now()) return true;
      until.delete(url);
      return false;
    },
    note: (url) => {
      if ((until.get(url) ?? 0) > clock.now() + unsharedMs / 2) return; // it was noted just now
      until.delete(url);
      until.set(url, clock.now() + unsharedMs);
      if (until.size > maxUnshared) until.delete(until.keys().next().value as string);
    },
    forget: (url) => void until.delete(url),
  };
}
