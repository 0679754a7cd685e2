// What unsafe requests have made unusable lately: an answer that was asked for before such a request is not stored after it.

export interface Invalidations {
  /** An unsafe request has been answered. `now`: milliseconds since 1970. */
  note(key: string, now: number): void;
  /** Whether what was asked for at this time may be older than that. */
  isOutdated(key: string, requestTime: number): boolean;
}

/** How many keys are remembered; the oldest are forgotten. */
const maxInvalidations = 1_000;

export function createInvalidations(): Invalidations {
  const times = new Map<string, number>();
  return {
    note: (key, now) => {
      times.delete(key);
      times.set(key, now);
      if (times.size > maxInvalidations) times.delete(times.keys().next().value as string);
    },
    isOutdated: (key, requestTime) => requestTime <= (times.get(key) ?? Number.NEGATIVE_INFINITY),
  };
}

/** Those that the isolate knows of. */
export const invalidations = createInvalidations();
