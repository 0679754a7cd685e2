// Which targets this isolate leaves out for a while, since they failed. Numbers only: nothing of a request outlives it.

export interface Ejection {
  /** Failed exchanges, one after the other. */
  readonly afterFailures: number;
  readonly forMs: number;
}

export interface Ejections {
  /** Whether a target is asked. Times are in milliseconds since 1970. */
  isUp(target: string, now: number): boolean;
  /** When the first of these targets is asked again; `now` where one of them is already. */
  upAt(targets: readonly string[], now: number): number;
  succeeded(target: string): void;
  failed(target: string, ejection: Ejection, now: number): void;
}

/** As many entries as there are targets that fail. */
export function createEjections(): Ejections {
  const failing = new Map<string, { failures: number; until: number }>();
  const isUp = (target: string, now: number) => (failing.get(target)?.until ?? 0) <= now;
  return {
    isUp,
    upAt: (targets, now) => Math.max(now, Math.min(...targets.map((target) => failing.get(target)?.until ?? 0))),
    succeeded: (target) => void failing.delete(target),
    failed: (target, { afterFailures, forMs }, now) => {
      const failures = (failing.get(target)?.failures ?? 0) + 1;
      // One that has come back and fails at once goes again: the count starts anew only after a success.
      failing.set(target, { failures, until: failures >= afterFailures ? now + forMs : 0 });
    },
  };
}
