// Estimates how far the edge's clock is from the agent's, with its error, from each exchange's own four timestamps.

/**
 * What the window says at `nowMs` of the agent's clock. `offsetMs` is the edge's clock less the agent's; the true
 * offset is within `errorMs` of it as long as the clocks drift no faster than `maxDriftRate` and are not stepped.
 */
export function clockOffset(window: OffsetWindow, nowMs: number): ClockOffset {
  const best = window.candidates.find((candidate) => !isTooOld(candidate, nowMs));
  if (best === undefined) return { kind: 'unknown' };
  const { lowMs, highMs } = boundsAt(best, nowMs);
  return { kind: 'known', offsetMs: (lowMs + highMs) / 2, errorMs: (highMs - lowMs) / 2 };
}

export type ClockOffset = { kind: 'known'; offsetMs: number; errorMs: number } | { kind: 'unknown' };

/**
 * Adds an exchange to the window, in place: this is called for every exchange, so it copies nothing and costs a few
 * comparisons.
 *
 * The edge's readings may be older than the truth (whole milliseconds, and frozen between I/O) but never newer, and the
 * first is not older than the request's arrival less one granule. The request arrived no sooner than it was sent, and
 * the response left no later than it came: so the offset lies in [t3 - t4, t2 + granule - t1].
 */
export function addSample(window: OffsetWindow, sample: ExchangeTimes, nowMs: number): void {
  const { candidates } = window;
  const candidate = candidateOf(sample);
  // An empty interval means that a clock was stepped meanwhile: this sample is void, and all older ones are.
  if (!(candidate.lowMs <= candidate.highMs)) return void candidates.splice(0);
  while (candidates[0] !== undefined && isTooOld(candidates[0], nowMs)) candidates.shift();
  // Disjoint from what was certain a moment ago: stepped between exchanges, or another machine of the edge answers.
  if (candidates[0] !== undefined && areDisjoint(candidates[0], candidate, nowMs)) candidates.splice(0);
  while (isWorse(candidates.at(-1), candidate)) candidates.pop();
  if (candidates.length >= maxCandidates) candidates.pop();
  candidates.push(candidate);
}

/** A new, empty window. It belongs to one edge and is changed in place. */
export function emptyWindow(): OffsetWindow {
  return { candidates: [] };
}

/**
 * The samples that can still win, oldest first. All errors grow at one rate, so a sample that is older and worse than
 * another never wins again and is dropped: the first is always the best, and the errors increase towards the newest.
 */
export type OffsetWindow = { readonly candidates: Candidate[] };

/** One exchange's four times in milliseconds since 1970, each by the clock of the half that saw it. */
export type ExchangeTimes = {
  readonly requestRelayedMs: number;
  readonly edgeReceivedMs: number;
  readonly edgeReturnedMs: number;
  readonly responseReceivedMs: number;
};

/** The edge's clock tells whole milliseconds, rounded down. */
export const edgeGranularityMs = 1;

/** How fast the two clocks may part: 100 ppm, 6 ms a minute. Crystals stay within 50 ppm each. */
export const maxDriftRate = 100e-6;

const maxCandidates = 64;
const maxSampleAgeMs = 5 * 60_000;

/** The offset's bounds when the response came. From then on both widen by drift. */
type Candidate = {
  readonly lowMs: number;
  readonly highMs: number;
  readonly responseReceivedMs: number;
  /** Half the width less what drift adds by now: the same order as the errors at any one moment. */
  readonly rank: number;
};

function candidateOf(times: ExchangeTimes): Candidate {
  const { requestRelayedMs, responseReceivedMs } = times;
  const lowMs = times.edgeReturnedMs - responseReceivedMs;
  // This bound is of the time when the request went: a slow origin leaves the clocks time to drift until now.
  const highMs =
    times.edgeReceivedMs + edgeGranularityMs - requestRelayedMs + driftedMs(requestRelayedMs, responseReceivedMs);
  return { lowMs, highMs, responseReceivedMs, rank: (highMs - lowMs) / 2 - maxDriftRate * responseReceivedMs };
}

function isTooOld({ responseReceivedMs }: Candidate, nowMs: number): boolean {
  return nowMs - responseReceivedMs > maxSampleAgeMs;
}

function areDisjoint(left: Candidate, right: Candidate, nowMs: number): boolean {
  const [one, other] = [boundsAt(left, nowMs), boundsAt(right, nowMs)];
  return one.lowMs > other.highMs || other.lowMs > one.highMs;
}

function boundsAt(candidate: Candidate, nowMs: number): { lowMs: number; highMs: number } {
  const widenedMs = driftedMs(candidate.responseReceivedMs, nowMs);
  return { lowMs: candidate.lowMs - widenedMs, highMs: candidate.highMs + widenedMs };
}

function driftedMs(sinceMs: number, nowMs: number): number {
  return maxDriftRate * Math.abs(nowMs - sinceMs);
}

function isWorse(older: Candidate | undefined, newer: Candidate): boolean {
  return older !== undefined && older.rank >= newer.rank;
}
