// Whether what is stored may answer a request now. RFC 9111 4.
import type { ForwardReason } from '../../schemas/cache.ts';
import {
  type CacheDirectives,
  type ResponseDirectives,
  requestDirectives,
  responseDirectives,
} from '../cache-control.ts';
import { correctedInitialAgeMs, freshnessLifetime } from './freshness.ts';
import { holdsWhatIsAsked } from './range.ts';
import { selected, transformedAlike } from './select.ts';
import type { CacheRequest, StoredResponse, Time } from './stored.ts';
import { hasContent } from './storing.ts';
import { entityTagOf } from './validators.ts';

export type Reuse<S> =
  | { readonly kind: 'fresh'; readonly entry: S; readonly ageSeconds: number; readonly ttlSeconds: number }
  /** Stale, and allowed. `revalidate`: it is to be validated in the background. RFC 9111 5.2.1.2, RFC 5861 3. */
  | {
      readonly kind: 'stale';
      readonly entry: S;
      readonly ageSeconds: number;
      readonly ttlSeconds: number;
      readonly revalidate: boolean;
    }
  /**
   * The next hop is to be asked. `candidates`: the stored responses whose validators go along, the selected one first.
   * It may have none; then the answer is a whole one. `entry` answers when that fails, if `mayServeOnError`.
   */
  | {
      readonly kind: 'validate';
      readonly entry: S;
      readonly candidates: readonly S[];
      readonly because: ForwardReason;
      readonly ageSeconds: number;
      readonly ttlSeconds: number;
    }
  /** Nothing that is stored can help. `part`: but of what is asked for, this much is stored. RFC 9111 3.3. */
  | { readonly kind: 'forward'; readonly because: ForwardReason; readonly detail?: string; readonly part?: S }
  /** The client wants what is stored or nothing: 504. RFC 9111 5.2.1.7. */
  | { readonly kind: 'unsatisfiable' };

/** How an attempt to get an answer failed. */
export type ForwardFailure =
  /** No answer came: the next hop is out of reach. RFC 9111 4.2.4. */
  | { readonly kind: 'disconnected' }
  /** An answer with this status came. RFC 5861 4. */
  | { readonly kind: 'status'; readonly status: number };

/**
 * Decides about a request. `entries`: all that are stored under its key, the latest first. Without `mayServeStale`
 * nothing stale answers, whatever the client or the response allow.
 */
export function reuse<S extends { readonly stored: StoredResponse }>(
  entries: readonly S[],
  request: CacheRequest,
  now: Time,
  options: { readonly mayServeStale: boolean },
): Reuse<S> {
  const wishes = requestDirectives(request.fields);
  const decision = decided(entries, request, wishes, now, options.mayServeStale);
  const isAnswer = decision.kind === 'fresh' || decision.kind === 'stale';
  return wishes.onlyIfCached && !isAnswer ? { kind: 'unsatisfiable' } : decision;
}

/** As if the client had asked for validation end to end. RFC 9111 5.2.1.4. */
export function validating(request: CacheRequest): CacheRequest {
  return { ...request, fields: [...request.fields, ['Cache-Control', 'no-cache']] };
}

/** Whether a stored response may answer although it is stale, since forwarding failed. RFC 9111 4.2.4, RFC 5861 4. */
export function mayServeOnError(
  stored: StoredResponse,
  request: CacheRequest,
  now: Time,
  failure: ForwardFailure,
): boolean {
  if (failure.kind === 'status' && !failedStatuses.has(failure.status)) return false;
  const { directives, lifetimeMs, initialAgeMs } = factsOf(stored);
  const wishes = requestDirectives(request.fields);
  const staleMs = initialAgeMs + Math.max(0, now - stored.responseTime) - lifetimeMs;
  if (forbidsStale(directives) || wishes.noCache.kind !== 'absent') return false;
  const wasEverFresh = lifetimeMs > 0;
  if (wasEverFresh && isWithin(staleMs, wishes.staleIfErrorSeconds)) return true;
  if (!acceptsStale(wishes) || staleMs > (wishes.maxStaleSeconds ?? Number.POSITIVE_INFINITY) * 1000) return false;
  if (directives.staleIfErrorSeconds !== undefined) return isWithin(staleMs, directives.staleIfErrorSeconds);
  return failure.kind === 'disconnected' && wasEverFresh && staleMs <= maxDisconnectedStaleMs;
}

/** What RFC 5861 4 calls an error. */
const failedStatuses = new Set([500, 502, 503, 504]);

/** How long what nobody forbids to serve stale is better than no answer at all. */
const maxDisconnectedStaleMs = 7 * 24 * 60 * 60 * 1000;

function decided<S extends { readonly stored: StoredResponse }>(
  all: readonly S[],
  request: CacheRequest,
  wishes: CacheDirectives,
  now: Time,
  mayServeStale: boolean,
): Reuse<S> {
  const { method, fields } = request;
  if (method !== 'GET' && method !== 'HEAD') return { kind: 'forward', because: 'method' };
  if (wishes.noStore) return { kind: 'forward', because: 'request', detail: 'the request says no-store' };
  if (hasContent(fields)) return { kind: 'forward', because: 'request', detail: 'the request has content' };
  const entries = transformedAlike(all, request);
  if (entries.length === 0) return { kind: 'forward', because: 'uri-miss' };
  const choice = selected(entries, request);
  const entry = choice.find(({ stored }) => stored.part === undefined || holdsWhatIsAsked(request, stored));
  if (entry === undefined) {
    const [part] = choice;
    return part === undefined
      ? { kind: 'forward', because: 'vary-miss' }
      : { kind: 'forward', because: 'partial', part };
  }
  const facts = factsOf(entry.stored);
  const ageMs = facts.initialAgeMs + Math.max(0, now - entry.stored.responseTime);
  const times = {
    ageSeconds: Math.floor(ageMs / 1000),
    ttlSeconds: Math.floor((facts.lifetimeMs - ageMs) / 1000),
  };
  const verdict = judgedBy(facts, wishes, ageMs, mayServeStale);
  if (verdict.kind !== 'validate') return { ...verdict, entry, ...times };
  return { ...verdict, entry, candidates: candidatesBeside(entry, entries), ...times };
}

type Verdict =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'stale'; readonly revalidate: boolean }
  | { readonly kind: 'validate'; readonly because: ForwardReason };

/** RFC 9111 4.2. */
function judgedBy(facts: Facts, wishes: CacheDirectives, ageMs: number, mayServeStale: boolean): Verdict {
  const { directives, lifetimeMs } = facts;
  if (wishes.noCache.kind !== 'absent') return { kind: 'validate', because: 'request' };
  if (directives.noCache.kind === 'whole') return stale;
  const { maxAgeSeconds, minFreshSeconds = 0, maxStaleSeconds } = wishes;
  const freshMs = lifetimeMs - ageMs;
  const isTooOld = maxAgeSeconds !== undefined && (maxAgeSeconds === 0 || ageMs > maxAgeSeconds * 1000); // 5.2.1.1
  if (freshMs > 0) {
    const isWanted = !isTooOld && freshMs >= minFreshSeconds * 1000; // 5.2.1.3
    return isWanted ? { kind: 'fresh' } : { kind: 'validate', because: 'request' };
  }
  if (!mayServeStale || isTooOld || forbidsStale(directives) || !acceptsStale(wishes)) return stale;
  if (maxStaleSeconds === undefined) {
    return isWithin(-freshMs, directives.staleWhileRevalidateSeconds) ? { kind: 'stale', revalidate: true } : stale;
  }
  // What was never fresh for anybody does not become everybody's because one client takes it stale.
  return lifetimeMs > 0 && isWithin(-freshMs, maxStaleSeconds) ? { kind: 'stale', revalidate: false } : stale;
}

const stale: Verdict = { kind: 'validate', because: 'stale' };

/** RFC 9111 5.2.2.2, 5.2.2.4, 5.2.2.8, 5.2.2.10. */
function forbidsStale({ mustRevalidate, proxyRevalidate, sharedMaxAgeSeconds, noCache }: ResponseDirectives): boolean {
  return mustRevalidate || proxyRevalidate || sharedMaxAgeSeconds !== undefined || noCache.kind === 'whole';
}

/** A client that says how old or how fresh it wants it does not want it stale, unless it says that too. RFC 9111 5.2.1. */
function acceptsStale({ maxAgeSeconds, minFreshSeconds, maxStaleSeconds }: CacheDirectives): boolean {
  return minFreshSeconds === undefined && (maxAgeSeconds === undefined || maxStaleSeconds !== undefined);
}

function isWithin(ms: number, seconds: number | undefined): boolean {
  return seconds !== undefined && ms <= seconds * 1000;
}

/** The entry first; where it has an entity tag, those of other variants may be named beside it. RFC 9111 4.3.1. */
function candidatesBeside<S extends { readonly stored: StoredResponse }>(
  entry: S,
  entries: readonly S[],
): readonly S[] {
  if (entries.length === 1 || entityTagOf(entry.stored.fields) === undefined) return [entry];
  const others = entries.filter(
    (other) => other !== entry && other.stored.part === undefined && entityTagOf(other.stored.fields) !== undefined,
  );
  return [entry, ...others.slice(0, maxCandidates - 1)];
}

const maxCandidates = 8;

/** What never changes about a stored response, so that it is worked out once. */
interface Facts {
  readonly directives: ResponseDirectives;
  readonly lifetimeMs: number;
  readonly initialAgeMs: number;
}

const known = new WeakMap<StoredResponse, Facts>();

function factsOf(stored: StoredResponse): Facts {
  const before = known.get(stored);
  if (before !== undefined) return before;
  const directives = responseDirectives(stored.fields);
  const lifetimeMs = freshnessLifetime(stored, directives).ms;
  const facts = { directives, lifetimeMs, initialAgeMs: correctedInitialAgeMs(stored) };
  known.set(stored, facts);
  return facts;
}
