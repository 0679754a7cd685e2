// What rules ask of the edge for one exchange, as its envelope says it, and what is told of it afterwards.
import { parseCacheControl } from '../../../http/cache-control.ts';
import type { CacheAction, OnResponse } from '../../../http/plan/plan.ts';
import type { EdgeCache, EdgePlan, ResponseEnvelope } from '../../../schemas/relay.ts';
import type { Content, PlannedRequest, Trace } from '../ports.ts';
import { unmarked } from './marked-content.ts';

/** Nothing where the edge has nothing to do but to exchange. A client that says no-transform is heeded. RFC 9111 5.2.1.6. */
export function edgePlanOf({ plan, forwardFields }: PlannedRequest): EdgePlan | undefined {
  if (plan === undefined) return undefined;
  const { transform: asked, cache } = plan.onResponse;
  const transform = asked === undefined || parseCacheControl(forwardFields).noTransform ? undefined : asked;
  const freshnessSeconds = freshnessOf(cache);
  if (transform === undefined && freshnessSeconds === undefined) return undefined;
  return { ...(transform !== undefined && { transform }), ...(freshnessSeconds !== undefined && { freshnessSeconds }) };
}

/** Where other rules of the cache may be taken instead, the agent alone decides once the response is there. */
function freshnessOf(candidates: OnResponse<CacheAction> | undefined): EdgePlan['freshnessSeconds'] {
  const freshness = candidates?.flatMap(({ action, ...rest }) =>
    typeof action === 'string' ? [] : [{ ...rest, action: action.freshnessSeconds }],
  );
  return freshness === undefined || freshness.length < (candidates?.length ?? 0) ? undefined : freshness;
}

/** What the edge's cache may do: what rules may forbid once the response is there, it does not begin. */
export function edgeCacheOf({ plan, edgeCache = 'use' }: PlannedRequest): EdgeCache['mode'] {
  const actions = plan?.onResponse.cache?.map(({ action }) => action) ?? [];
  if (edgeCache === 'off' || actions.includes('bypass')) return 'off';
  return actions.includes('validate') ? 'validate' : edgeCache;
}

type Response = Extract<ResponseEnvelope, { kind: 'response' }>;

/** Marked content. Once it has ended, the record tells how many octets a transform has made of how many. */
export function markedContent(content: Content, nonce: string, trace: Trace, { transform }: Response): Content {
  return unmarked(content, Buffer.from(nonce, 'base64url'), (after, { octetsBefore: before }) => {
    if (transform === undefined || transform.applied.length === 0 || before === undefined) return;
    trace.transform = { ...transform, octets: { before, after } };
  });
}
