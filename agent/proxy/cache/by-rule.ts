// What rules say of the cache for one request: whether it is asked at all, what is stored for how long, and under which transform.
import { parseCacheControl } from '../../../http/cache-control.ts';
import { overriddenFields } from '../../../http/caching/overridden.ts';
import type { CacheRequest, CacheResponse, StoredResponse } from '../../../http/caching/stored.ts';
import { fieldValues } from '../../../http/fields.ts';
import { certain, chosen } from '../../../http/plan/on-response.ts';
import type { CacheAction, Chosen } from '../../../http/plan/plan.ts';
import type { TransformOutcome } from '../../../schemas/transform.ts';
import type { PlannedRequest } from '../ports.ts';
import type { CachePorts } from './bounds.ts';

/**
 * The request as the engine judges it. What a pool answers is nobody's who asks the host itself, and the other way round:
 * whoever may ask for a reverse route names a host as he likes.
 */
export function cacheRequestOf(
  request: PlannedRequest,
  { canTransform }: Pick<CachePorts, 'canTransform'>,
): CacheRequest {
  const { method, url, forwardFields: fields, plan, reverse } = request;
  if (reverse !== undefined) return { method, url, fields, transformKey: `pool ${reverse.pool}` };
  const transformKey = plan?.transformKey;
  if (transformKey === undefined || canTransform?.(request) === false) return { method, url, fields };
  return parseCacheControl(fields).noTransform ? { method, url, fields } : { method, url, fields, transformKey };
}

/** What holds whatever the response is: then the store is not asked, or must not answer by itself. */
export function beforehand({ plan }: PlannedRequest): Chosen<'bypass' | 'validate'> | undefined {
  return rigorous(certain(plan?.onResponse.cache));
}

/** Whether rules may want to be asked about what would answer without them. */
export function mayForbid({ plan }: PlannedRequest): boolean {
  return plan?.onResponse.cache?.some(({ action }) => typeof action === 'string') === true;
}

/** What holds for a stored response, by its own head: it must not answer by itself. */
export function ofStored({ plan }: PlannedRequest, stored: StoredResponse): Chosen<'bypass' | 'validate'> | undefined {
  const candidates = plan?.onResponse.cache;
  return candidates === undefined ? undefined : rigorous(chosen(candidates, stored));
}

/** By which way rules send a request: equal for those that fail together. */
export function wayOf({ plan, reverse }: Pick<PlannedRequest, 'plan' | 'reverse'>): string {
  const { route, fallback, upstream, transformKey } = plan ?? {};
  return JSON.stringify([route?.action, fallback?.action, upstream?.action, transformKey, reverse?.pool]);
}

function rigorous(found: Chosen<CacheAction> | undefined): Chosen<'bypass' | 'validate'> | undefined {
  if (found === undefined || typeof found.action !== 'string') return undefined;
  return { rule: found.rule, action: found.action };
}

/** A response as it is judged for storing. */
export interface Ruled {
  readonly head: CacheResponse;
  readonly asked: CacheRequest;
  /** For people, where a rule had a part in it. */
  readonly detail?: string;
  readonly mayBeStored: boolean;
}

const bypassed = (rule: string) => `rule ${quoted(rule)}: bypass`;

/** Heeds the rules for a response. What no edge and no pool has answered is stored as what was not transformed. */
export function ruled(
  request: PlannedRequest,
  asked: CacheRequest,
  head: CacheResponse,
  transform?: TransformOutcome,
): Ruled {
  const { plan, trace } = request;
  const isByEdge = trace.route?.kind === 'edge';
  const isKept = asked.transformKey === undefined || isByEdge || request.reverse !== undefined;
  const as: CacheRequest = isKept ? asked : withoutKey(asked);
  const isChanged = transform !== undefined && transform.applied.length > 0;
  if (isChanged && as.transformKey === undefined) {
    return { head, asked: as, mayBeStored: false, detail: 'it was transformed, and is for this request alone' };
  }
  const found = chosen(plan?.onResponse.cache, head);
  if (found === undefined) return { head, asked: as, mayBeStored: true };
  const { rule, action } = found;
  if (action === 'bypass') return { head, asked: as, mayBeStored: false, detail: bypassed(rule) };
  if (action === 'validate') return { head, asked: as, mayBeStored: true, detail: `rule ${quoted(rule)}: validate` };
  const isSet = isByEdge && isSetByEdge(request, head);
  const fields = isSet ? head.fields : overriddenFields(head, action.freshnessSeconds);
  if (fields === undefined) return { head, asked: as, mayBeStored: true };
  const detail = `rule ${quoted(rule)}: fresh for ${action.freshnessSeconds} s`;
  return { head: isSet ? head : { ...head, fields }, asked: as, mayBeStored: true, detail };
}

function withoutKey({ method, url, fields }: CacheRequest): CacheRequest {
  return { method, url, fields };
}

/** The edge has been asked to, and what it has kept for a while is not fresh for as long again. */
function isSetByEdge({ plan }: PlannedRequest, { fields }: CacheResponse): boolean {
  const isAsked = plan?.onResponse.cache?.every(({ action }) => typeof action !== 'string') === true;
  return isAsked && fieldValues(fields, 'edgehop-cache-control').length > 0;
}

/** What a request that rules keep away from the cache is told of. */
export function detailOf({ rule, action }: Chosen<'bypass' | 'validate'>): string {
  return action === 'bypass' ? bypassed(rule) : `rule ${quoted(rule)}: validate`;
}

const maxNameCharacters = 100;

function quoted(rule: string): string {
  return `"${rule.slice(0, maxNameCharacters)}"`;
}
