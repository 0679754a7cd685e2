// What the attempts of `edgehop ping` by one route come to.
import { type PingPhase, type PingRoute, pingPhases } from '../../schemas/api.ts';
import type { Attempt } from './ping-attempt.ts';
import { summary } from './statistics.ts';

/** Attempts that failed count as failures only; the times are of those that came through. */
export function pingRouteOf(
  route: PingRoute['route'],
  name: string,
  attempts: readonly Attempt[],
  lookupMs: number | undefined,
): PingRoute {
  const measured = attempts.filter((each) => each.kind === 'measured');
  const addresses = [...new Set(measured.flatMap(({ address }) => address ?? []))];
  const statuses = counted(measured.flatMap(({ status }) => status ?? []));
  return {
    route,
    name,
    ...(addresses.length > 0 && { addresses }),
    ...(lookupMs !== undefined && { lookupMs: microseconds(lookupMs) }),
    attempts: attempts.length,
    failures: failuresOf(attempts),
    ...(statuses.size > 0 && { statuses: Object.fromEntries(statuses) }),
    phases: Object.fromEntries(
      pingPhases.flatMap((phase) => {
        const samples = measured.flatMap(({ times }) => times[phase] ?? []).map(microseconds);
        return samples.length === 0 ? [] : [[phase, { ...rounded(samples), samples }]];
      }),
    ),
  };
}

/** Each kind of failure once, in the order in which they first came. */
function failuresOf(attempts: readonly Attempt[]): PingRoute['failures'] {
  const failures: { phase: PingPhase; because: string; count: number }[] = [];
  for (const each of attempts) {
    if (each.kind !== 'failed') continue;
    const known = failures.find(({ phase, because }) => phase === each.phase && because === each.because);
    if (known === undefined) failures.push({ phase: each.phase, because: each.because, count: 1 });
    else known.count++;
  }
  return failures;
}

function counted<Value>(values: readonly Value[]): ReadonlyMap<Value, number> {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function rounded(samples: readonly number[]): { min: number; median: number; p95: number; max: number } {
  const { min, median, p95, max } = summary(samples);
  return { min, median: microseconds(median), p95, max };
}

/** Milliseconds to the microsecond, which is what the clock has. */
function microseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
