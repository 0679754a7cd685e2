// Whether a target is up, by what became of exchanges with it and of checks, judged without a clock and without I/O.
import type { Pool } from '../../schemas/pool.ts';

/** What is known of a target. Times are milliseconds of a monotonic clock. */
export interface Health {
  /** Exchanges that failed one after the other. */
  failuresInRow: number;
  /** Left out until then, after exchanges that failed; then one exchange shows whether it is back. */
  ejectedUntil: number | undefined;
  /** The exchange that shows it goes on. */
  isOnTrial: boolean;
  /** Whether checks say that it is well; so it is until they say otherwise. */
  isWell: boolean;
  /** Checks one after the other that said the opposite of `isWell`, or of its being left out. */
  checksAgainst: number;
  checksWell: number;
  /** Of the last exchange or check that failed: a fragment for people. */
  because: string | undefined;
}

export type Eject = Pool['eject'];
export type CheckLimits = Pick<NonNullable<Pool['check']>, 'healthyAfter' | 'unhealthyAfter'>;

/** Of a target of which nothing is known yet. */
export function newHealth(): Health {
  return {
    failuresInRow: 0,
    ejectedUntil: undefined,
    isOnTrial: false,
    isWell: true,
    checksAgainst: 0,
    checksWell: 0,
    because: undefined,
  };
}

/** `trial`: up for one exchange. `down`: for none. */
export function standing(health: Health, now: number): 'up' | 'trial' | 'down' {
  if (!health.isWell) return 'down';
  if (health.ejectedUntil === undefined) return 'up';
  return health.ejectedUntil > now || health.isOnTrial ? 'down' : 'trial';
}

/** An exchange was answered: whatever was held against the target is over. */
export function noteAnswer(health: Health): void {
  health.failuresInRow = 0;
  health.ejectedUntil = undefined;
}

/** An exchange failed. Beyond the bound, or on trial, the target is left out. */
export function noteFailure(health: Health, because: string, { afterFailures, forMs }: Eject, now: number): void {
  health.because = because;
  health.failuresInRow++;
  if (health.ejectedUntil === undefined && health.failuresInRow < afterFailures) return;
  health.ejectedUntil = now + forMs;
  health.checksWell = 0;
}

/** A check is over; `failure` says why it failed. Enough that went well bring back whatever was left out. */
export function noteCheck(health: Health, failure: string | undefined, limits: CheckLimits): void {
  if (failure !== undefined) {
    health.checksWell = 0;
    health.checksAgainst++;
    health.because = failure;
    if (health.checksAgainst >= limits.unhealthyAfter) health.isWell = false;
    return;
  }
  health.checksAgainst = 0;
  health.checksWell++;
  if (health.checksWell < limits.healthyAfter) return;
  health.isWell = true;
  noteAnswer(health);
}
