// Keeps the round-trip time between agent and edge: smoothed, least and latest, from each exchange's four timestamps.
import { type ExchangeTimes, edgeGranularityMs } from './clock-offset.ts';

/**
 * The round trips so far and one more. The edge's own share is taken off, so what remains is the way there and back.
 * An exchange during which a clock was stepped is left out.
 */
export function withRoundTrip(before: RoundTrip | undefined, times: ExchangeTimes): RoundTrip | undefined {
  const measuredMs = times.responseReceivedMs - times.requestRelayedMs - (times.edgeReturnedMs - times.edgeReceivedMs);
  // The edge's share may read one granule too long, so a short way may come out just below zero; no way is below that.
  if (!(measuredMs >= -edgeGranularityMs)) return before;
  const latestMs = Math.max(0, measuredMs);
  // RFC 6298 2.2
  if (before === undefined) {
    return { smoothedMs: latestMs, variationMs: latestMs / 2, minimumMs: latestMs, latestMs };
  }
  // RFC 6298 2.3
  const distanceMs = Math.abs(before.smoothedMs - latestMs);
  return {
    variationMs: (1 - variationGain) * before.variationMs + variationGain * distanceMs,
    smoothedMs: (1 - smoothingGain) * before.smoothedMs + smoothingGain * latestMs,
    minimumMs: Math.min(before.minimumMs, latestMs),
    latestMs,
  };
}

/** In milliseconds. `minimumMs` is since the first exchange with this edge. */
export type RoundTrip = {
  readonly smoothedMs: number;
  readonly variationMs: number;
  readonly minimumMs: number;
  readonly latestMs: number;
};

const smoothingGain = 1 / 8;
const variationGain = 1 / 4;
