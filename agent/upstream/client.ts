// Sends requests to origins and edges, over connections that are kept for the next one.
import type { UpstreamClient } from '../proxy/ports.ts';
import { Pool, type PoolOptions, sweepIntervalMs, unsent } from './pool.ts';
import { stopping } from './upstream-error.ts';

/** A client that keeps connections. Every failure is an RFC 9209 type. */
export function createUpstreamClient(options: PoolOptions): UpstreamClient {
  const pools = new Map<string, Pool>();
  let isClosed = false;
  const sweep = setInterval(() => {
    for (const [origin, pool] of pools) {
      pool.sweep();
      if (pool.isEmpty) pools.delete(origin);
    }
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
        pool.send(request, resolve);
      }),
    close: async () => {
      isClosed = true;
      clearInterval(sweep);
      for (const pool of pools.values()) pool.close();
    },
  };
}
