// Remembers what an edge could not do, so that the next request does not have to find it out again.
import type { RouteReason } from '../../../schemas/exchange.ts';
import type { Clock, Instant } from '../ports.ts';

export interface Healing {
  /** Why this host is not to be asked for by the edge at the moment, if that is so. */
  of(host: string): RouteReason | undefined;
  note(host: string, because: RouteReason): void;
}

/** How long the whole edge is left alone, by reason. What is not here says nothing of the next request. */
const edgeRestMs: Partial<Record<RouteReason, number>> = {
  'edge-down': 10_000,
  'edge-replaced': 10_000,
  'edge-quota': 60_000,
};

/** How long one host is reached without the edge. */
const hostRestMs = 600_000;
const maxHosts = 1_000;

/** A memory with a bound in number and in time. */
export function createHealing(clock: Clock): Healing {
  let edge: { readonly because: RouteReason; readonly until: Instant } | undefined;
  const hosts = new Map<string, Instant>();
  return {
    of: (host) => {
      const now = clock.now();
      if (edge !== undefined && edge.until > now) return edge.because;
      const until = hosts.get(host);
      if (until === undefined) return undefined;
      if (until > now) return 'edge-cannot-reach';
      hosts.delete(host);
      return undefined;
    },
    note: (host, because) => {
      const restMs = edgeRestMs[because];
      if (restMs !== undefined) edge = { because, until: clock.now() + restMs };
      if (because !== 'edge-cannot-reach') return;
      hosts.delete(host);
      hosts.set(host, clock.now() + hostRestMs);
      if (hosts.size > maxHosts) hosts.delete(hosts.keys().next().value as string);
    },
  };
}
