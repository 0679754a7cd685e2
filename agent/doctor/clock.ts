// Whether this machine's wall clock can be right at all. How far it is from an edge's clock, the check of that edge tells.
import { type Check, fail, pass } from './check.ts';

export interface ClockPorts {
  /** In milliseconds since 1970. */
  readonly wallTime: () => number;
  /** A day on which this version of edgehop was not yet made: ISO 8601. */
  readonly notBefore: string;
}

export function clockCheck({ wallTime, notBefore }: ClockPorts): Check {
  return {
    name: 'clock',
    deadlineMs: 1_000,
    run: () => {
      const now = wallTime();
      const earliest = Date.parse(notBefore);
      const day = new Date(now).toISOString().slice(0, 10);
      if (now < earliest)
        return [fail('clock', `it says ${day}, which is before this edgehop was made (${notBefore})`, action)];
      if (now > earliest + maxAgeMs)
        return [fail('clock', `it says ${day}, many years after this edgehop was made (${notBefore})`, action)];
      return [pass('clock', `it says ${day}, which can be`)];
    },
  };
}

/** Certificates, and with them edges, refuse a clock that is years off long before that. */
const maxAgeMs = 10 * 366 * 86_400_000;

const action =
  'Set it, best by the time service of the system: certificates are judged by it, and are refused where it is wrong';
