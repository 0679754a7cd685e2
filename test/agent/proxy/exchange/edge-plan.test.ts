// What rules ask of the edge, as the envelope says it.
import { expect, test } from 'vitest';
import { edgeCacheOf, edgePlanOf } from '../../../../agent/proxy/exchange/edge-plan.ts';
import type { CacheAction, RequestPlan } from '../../../../http/plan/plan.ts';
import { transform } from '../../../../schemas/transform.ts';
import { plannedRequest } from '../../../support/walk.ts';

const compress = [{ rule: 'a', action: transform.parse({ compress: true }) }];
const hour: CacheAction = { freshnessSeconds: 3_600 };
const when = { status: [200] };

const requestWith = (onResponse: RequestPlan['onResponse'], parts: Parameters<typeof plannedRequest>[0] = {}) =>
  plannedRequest({ plan: { rules: [], onResponse }, ...parts });

test('nothing where rules ask nothing of it', () => {
  expect(edgePlanOf(plannedRequest({}))).toBeUndefined();
  expect(edgePlanOf(requestWith({}))).toBeUndefined();
  expect(edgePlanOf(requestWith({ cache: [{ rule: 'a', action: 'bypass' }] }))).toBeUndefined();
});

test('transforms, but not for a client that says no-transform', () => {
  expect(edgePlanOf(requestWith({ transform: compress }))).toEqual({ transform: compress });
  const forwardFields = [['Cache-Control', 'no-transform']] as const;
  expect(edgePlanOf(requestWith({ transform: compress }, { forwardFields }))).toBeUndefined();
});

test('freshness, where no rule beside it keeps a response from the cache', () => {
  const fresh = { rule: 'a', when, action: hour };
  expect(edgePlanOf(requestWith({ cache: [fresh] }))).toEqual({
    freshnessSeconds: [{ rule: 'a', when, action: 3_600 }],
  });
  expect(edgePlanOf(requestWith({ cache: [{ rule: 'b', when, action: 'bypass' }, fresh] }))).toBeUndefined();
});

test.each<[readonly CacheAction[], 'use' | 'validate' | 'off' | undefined, string]>([
  [[], undefined, 'use'],
  [[hour], undefined, 'use'],
  [[hour], 'validate', 'validate'],
  [['validate', hour], undefined, 'validate'],
  [['bypass', 'validate'], undefined, 'off'],
  [['validate'], 'off', 'off'],
])('of %j, and %s: the edge may %s', (actions, edgeCache, expected) => {
  const cache = actions.map((action) => ({ rule: 'a', when, action }));
  expect(edgeCacheOf(requestWith({ cache }, edgeCache && { edgeCache }))).toBe(expected);
});
