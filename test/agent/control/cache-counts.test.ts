// What is counted of the caches: who answered without asking any further, of the exchanges that had to do with one.
import { expect, test } from 'vitest';
import { countCached } from '../../../agent/control/cache-counts.ts';
import type { CacheOutcomes } from '../../../schemas/cache.ts';
import { testTrace } from '../../support/walk.ts';

const none = { requests: 0, byAgent: 0, byEdge: 0, collapsed: 0 };

test.each<readonly [CacheOutcomes | undefined, Partial<typeof none>]>([
  [undefined, {}],
  [{}, { requests: 1 }],
  [{ agent: { fwd: 'uri-miss', stored: true }, edge: { fwd: 'stale' } }, { requests: 1 }],
  [{ agent: { hit: true, ttl: 5 } }, { requests: 1, byAgent: 1 }],
  [
    { agent: { hit: true }, edge: { hit: true } },
    { requests: 1, byAgent: 1 },
  ],
  [
    { agent: { fwd: 'uri-miss' }, edge: { hit: true } },
    { requests: 1, byEdge: 1 },
  ],
  [{ edge: { hit: true } }, { requests: 1, byEdge: 1 }],
  [{ agent: { fwd: 'uri-miss', collapsed: true } }, { requests: 1, collapsed: 1 }],
  [{ edge: { fwd: 'uri-miss', collapsed: true } }, { requests: 1, collapsed: 1 }],
])('%j counts as %j', (cache, counts) => {
  const counted = countCached();
  counted.observer.finished(testTrace({ cache }));
  expect(counted.counts()).toEqual({ ...none, ...counts });
});
