// How many exchanges the caches have answered, for who asks how much they are worth.
import type { CacheCounts } from '../../schemas/cache-admin.ts';
import { onFinished } from '../log/observers.ts';
import type { Observer } from '../proxy/ports.ts';

export interface Counted {
  readonly observer: Observer;
  /** Since the start. */
  counts(): CacheCounts;
}

/** Counts what finished records say of the caches. */
export function countCached(): Counted {
  let [requests, byAgent, byEdge, collapsed] = [0, 0, 0, 0];
  return {
    observer: onFinished(({ cache }) => {
      if (cache === undefined) return;
      requests++;
      if (cache.agent?.hit === true) byAgent++;
      else if (cache.edge?.hit === true) byEdge++;
      else if (cache.agent?.collapsed === true || cache.edge?.collapsed === true) collapsed++;
    }),
    counts: () => ({ requests, byAgent, byEdge, collapsed }),
  };
}
