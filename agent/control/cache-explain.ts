// What is stored, what would become of a request, whether a response would be stored: the engine's decisions as the API has them.
import { responseDirectives } from '../../http/cache-control.ts';
import { currentAgeMs, freshnessLifetime } from '../../http/caching/freshness.ts';
import { overriddenFields } from '../../http/caching/overridden.ts';
import { reuse, validating } from '../../http/caching/reuse.ts';
import type { CacheRequest, CacheResponse, StoredResponse, Time } from '../../http/caching/stored.ts';
import { judgeStoring } from '../../http/caching/storing.ts';
import { certain, chosen } from '../../http/plan/on-response.ts';
import type { CacheAction, Chosen, OnResponse } from '../../http/plan/plan.ts';
import type {
  CacheAnswer,
  CacheEntry,
  CacheExplanation,
  CacheLifetime,
  CacheStoring,
} from '../../schemas/cache-admin.ts';
import type { ListedEntry } from '../cache/admin.ts';
import { isoMicroseconds } from '../clock.ts';

export interface Question {
  readonly request: CacheRequest;
  /** What rules say of the cache for this request. */
  readonly byRule?: OnResponse<CacheAction> | undefined;
  /** What the origin gave to it, where it was asked. */
  readonly response: CacheResponse | undefined;
  /** All that is stored under the URL, the latest first; undefined where the agent's cache is off. */
  readonly stored: readonly ListedEntry[] | undefined;
  readonly now: Time;
}

/** Decides as the walk would, without doing anything. */
export function explain({ request, byRule, response, stored, now }: Question): CacheExplanation {
  const beforehand = certain(byRule);
  const rule = response === undefined ? beforehand : chosen(byRule, response);
  return {
    url: request.url,
    variants: stored?.length ?? 0,
    selectedBy: [...new Set(stored?.flatMap(({ entry }) => entry.stored.selecting.map(([name]) => name)))],
    answer: stored === undefined ? { kind: 'off' } : ruledAnswer(stored, request, beforehand?.action, now),
    ...(rule !== undefined && { rule: { name: rule.rule, cache: rule.action } }),
    ...(response !== undefined && { storing: ruledStoring(request, response, rule, now) }),
  };
}

/** A rule that holds whatever the response is comes before what is stored. */
function ruledAnswer(
  stored: readonly ListedEntry[],
  request: CacheRequest,
  action: CacheAction | undefined,
  now: Time,
): CacheAnswer {
  if (action === 'bypass') return { kind: 'forward', because: 'bypass' };
  if (action !== 'validate') return answerOf(stored, request, now);
  return answerOf(stored, validating(request), now);
}

function ruledStoring(
  request: CacheRequest,
  response: CacheResponse,
  rule: Chosen<CacheAction> | undefined,
  now: Time,
): CacheStoring {
  if (rule?.action === 'bypass')
    return { kind: 'refuse', because: `the rule ${JSON.stringify(rule.rule)} says bypass` };
  if (rule === undefined || rule.action === 'validate') return storingOf(request, response, now);
  const fields = overriddenFields(response, rule.action.freshnessSeconds) ?? response.fields;
  return storingOf(request, { ...response, fields }, now);
}

/** One stored response as the API tells it. */
export function entryOf({ entry: { stored }, isInMemory, isOnDisk }: ListedEntry, now: Time): CacheEntry {
  return {
    url: stored.url,
    status: stored.status,
    octets: stored.octets,
    ...(stored.part !== undefined && { part: stored.part }),
    receivedAt: isoSecond(stored.responseTime),
    ...freshnessOf(stored, now),
    selecting: stored.selecting.map(([name, value]) => [
      name,
      isSecret(name) && value !== undefined ? secret : (value ?? null),
    ]),
    inMemory: isInMemory,
    onDisk: isOnDisk,
  };
}

function answerOf(stored: readonly ListedEntry[], request: CacheRequest, now: Time): CacheAnswer {
  const candidates = stored.map((listed) => ({ stored: listed.entry.stored, listed }));
  const decision = reuse(candidates, request, now, { mayServeStale: true });
  if (decision.kind === 'unsatisfiable') return { kind: 'unsatisfiable' };
  const { kind } = decision;
  if (kind === 'forward') {
    const { because, detail } = decision;
    return { kind, because, ...(detail !== undefined && { detail }) };
  }
  const { ttlSeconds } = decision;
  const entry = entryOf(decision.entry.listed, now);
  if (kind === 'fresh') return { kind, entry, ttlSeconds };
  if (kind === 'stale') return { kind, entry, ttlSeconds, revalidate: decision.revalidate };
  const isAlways = responseDirectives(decision.entry.stored.fields).noCache.kind === 'whole';
  return { kind, entry, ttlSeconds, because: decision.because, isAlways };
}

/** A response that would be stored is also asked what it would do for the next request like this one. */
function storingOf(request: CacheRequest, response: CacheResponse, now: Time): CacheStoring {
  const storing = judgeStoring(request, response);
  if (storing.kind === 'refuse') return storing;
  const stored: StoredResponse = { ...storing.head, octets: 0 };
  const next = reuse([{ stored }], { ...request, method: 'GET' }, now, { mayServeStale: true });
  return { kind: 'store', next: next.kind === 'unsatisfiable' ? 'forward' : next.kind, ...freshnessOf(stored, now) };
}

function freshnessOf(
  response: CacheResponse,
  now: Time,
): { readonly ageSeconds: number; readonly lifetime: CacheLifetime; readonly freshUntil: string } {
  const ageMs = currentAgeMs(response, now);
  const lifetime = lifetimeOf(response);
  return {
    ageSeconds: Math.floor(ageMs / 1000),
    lifetime,
    freshUntil: isoSecond(now + lifetime.seconds * 1000 - ageMs),
  };
}

function lifetimeOf(response: CacheResponse): CacheLifetime {
  const lifetime = freshnessLifetime(response);
  const seconds = lifetime.ms / 1000;
  if (lifetime.kind === 'none') return { kind: 'none', seconds, because: 'nothing in the response says how long' };
  if (lifetime.kind === 'heuristic')
    return { kind: 'heuristic', seconds, because: `a tenth of the time since ${lifetime.because}, at most a day` };
  const field = fieldNames[responseDirectives(response.fields).from];
  return {
    kind: 'explicit',
    seconds,
    because: lifetime.because === 'Expires' ? 'Expires less Date' : `${lifetime.because} of ${field}`,
  };
}

const fieldNames = {
  'edgehop-cache-control': 'Edgehop-Cache-Control',
  'cdn-cache-control': 'CDN-Cache-Control',
  'cache-control': 'Cache-Control',
} as const;

const secret = '(secret)';

function isSecret(name: string): boolean {
  return name === 'cookie' || name.includes('authorization');
}

/** ISO 8601, to the second: more is not known of freshness. */
function isoSecond(time: Time): string {
  return isoMicroseconds(Math.floor(time / 1000) * 1000);
}
