// Sends requests to origins and edges, over connections that are kept for the next one.
import type { UpstreamClient } from '../proxy/ports.ts';
import { Pool, type PoolOptions, sweepIntervalMs, unsent } from './pool.ts';
import { stopping } from './upstream-error.ts';

export interface ClientOptions extends PoolOptions {
  /** Connections to all origins together that have nothing to do; what is beyond that goes at the next sweep. */
  readonly maxIdleOriginConnections: number;
}

/** A client that keeps connections. Every failure is an RFC 9209 type. */
export function createUpstreamClient(options: ClientOptions): UpstreamClient {
  const pools = new Map<string, Pool>();
  let isClosed = false;
  let sent = 0;
  const sweep = setInterval(() => {
    for (const [origin, pool] of pools) {
      pool.sweep();
      if (pool.isEmpty) pools.delete(origin);
    }
    giveUpIdle(pools, options.maxIdleOriginConnections);
  }, sweepIntervalMs);
  sweep.unref();
  return {
    send: (request) =>
      new Promise((resolve) => {
        if (isClosed) return resolve(unsent(stopping()));
        let pool = pools.get(request.origin);
        if (pool === undefined) {
          pool = new Pool(request.origin, options);
          pools.set(request.origin, pool);
        }
        pool.usedLast = ++sent;
        pool.send(request, resolve);
      }),
    close: async () => {
      isClosed = true;
      clearInterval(sweep);
      for (const pool of pools.values()) pool.close();
    },
  };
}

/** Closes what is idle beyond the bound, of the origins first that were not asked for the longest time. */
function giveUpIdle(pools: ReadonlyMap<string, Pool>, maxIdle: number): void {
  let excess = -maxIdle;
  for (const { idleConnections } of pools.values()) excess += idleConnections;
  if (excess <= 0) return;
  for (const pool of [...pools.values()].sort((one, other) => one.usedLast - other.usedLast)) {
    if (excess <= 0) return;
    excess -= pool.giveUpIdle(excess);
  }
}
