// What a check of `edgehop doctor` is, and the three things that it can find.
import type { Finding } from '../../schemas/doctor.ts';

export interface Check {
  /** Of its finding where it has none by itself: it was not done in time, or broke. */
  readonly name: string;
  readonly deadlineMs: number;
  /** What to do where it was not done in time. */
  readonly whenLate?: string;
  /** Changes nothing. `signal` aborts at the deadline, or when the person at the terminal has had enough. */
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]> | readonly Finding[];
}

export function pass(name: string, because: string): Finding {
  return { name, outcome: 'pass', because };
}

export function fail(name: string, because: string, action: string): Finding {
  return { name, outcome: 'fail', because, action };
}

/** There was nothing to ask, or nobody can tell. */
export function skip(name: string, because: string, action?: string): Finding {
  return { name, outcome: 'skip', because, ...(action !== undefined && { action }) };
}
