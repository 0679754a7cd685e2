// What every edge has in common: its clock, its round trip, and the form in which the walk sees it.
import type { EdgeLink } from '../proxy/ports.ts';
import { addSample, clockOffset, emptyWindow } from './clock-offset.ts';
import { type RoundTrip, withRoundTrip } from './round-trip.ts';

export interface EdgeTiming {
  /** Notes an exchange's four timestamps; gives the offset of the edge's clock with its error, and the round trip. */
  timed: EdgeLink['timed'];
  roundTrip(): RoundTrip | undefined;
}

/** Follows one edge's clock and round trip by the exchanges that go there anyway. */
export function createEdgeTiming(): EdgeTiming {
  const window = emptyWindow();
  let roundTrip: RoundTrip | undefined;
  return {
    timed: (sentAt, stages, receivedAt) => {
      const times = {
        requestRelayedMs: sentAt,
        edgeReceivedMs: stages['edge-received'],
        edgeReturnedMs: stages['edge-returned'],
        responseReceivedMs: receivedAt,
      };
      addSample(window, times, receivedAt);
      roundTrip = withRoundTrip(roundTrip, times);
      const offset = clockOffset(window, receivedAt);
      if (offset.kind === 'known') return { offsetMs: offset.offsetMs, errorMs: offset.errorMs, roundTrip };
      // A clock was stepped during this exchange: all that is known of the offset is this exchange itself.
      const offsetMs = times.edgeReceivedMs - sentAt;
      const errorMs = Math.abs(receivedAt - sentAt) + Math.abs(times.edgeReturnedMs - times.edgeReceivedMs);
      return { offsetMs, errorMs, roundTrip };
    },
    roundTrip: () => roundTrip,
  };
}
