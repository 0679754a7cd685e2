// The agent's clock: a monotonic one for durations and stages, and its mapping to wall-clock time.
import { performance } from 'node:perf_hooks';

/** A monotonic time in milliseconds, with microseconds. Its zero means nothing. */
export type Instant = number;

export interface Clock {
  now(): Instant;
  /** The wall-clock time of an instant, in milliseconds since 1970, with microseconds. */
  wallTime(instant: Instant): number;
}

/** How far the system's wall clock may have been stepped or slewed before the mapping follows it. */
const maxAnchorErrorMs = 2;
const anchorIntervalMs = 1000;

/** A clock of this machine. One mapping holds for a second at least, so that the stages of an exchange are consistent. */
export function machineClock(): Clock {
  let anchor = performance.timeOrigin;
  let checkedAt = Number.NEGATIVE_INFINITY;
  return {
    now: () => performance.now(),
    wallTime: (instant) => {
      const now = performance.now();
      if (now - checkedAt > anchorIntervalMs) {
        checkedAt = now;
        const systemAnchor = Date.now() + 0.5 - now; // whole milliseconds, rounded down
        if (Math.abs(systemAnchor - anchor) > maxAnchorErrorMs) anchor = systemAnchor;
      }
      return anchor + instant;
    },
  };
}

/** ISO 8601 with microseconds, in UTC. `wallTime` is in milliseconds since 1970. */
export function isoMicroseconds(wallTime: number): string {
  const microseconds = Math.round(wallTime * 1000);
  const second = Math.floor(microseconds / 1_000_000);
  return `${isoSecond(second)}.${String(1_000_000 + microseconds - second * 1_000_000).slice(1)}Z`;
}

/** The last second's text: the stages of a record, and of many records, lie within one. */
let latest = { second: 0, text: '1970-01-01T00:00:00' };

function isoSecond(second: number): string {
  if (second !== latest.second) latest = { second, text: new Date(second * 1000).toISOString().slice(0, 19) };
  return latest.text;
}
