// How long a response is fresh, and how old it is. RFC 9111 4.2.
import { type ResponseDirectives, responseDirectives } from '../cache-control.ts';
import { type Fields, fieldValues } from '../fields.ts';
import { parseHttpDate } from '../http-date.ts';
import type { CacheResponse, Time } from './stored.ts';

/** How long a response is fresh from its origin on, and who says so. */
export type Lifetime =
  /** Said by the origin. */
  | { readonly kind: 'explicit'; readonly because: 's-maxage' | 'max-age' | 'Expires'; readonly ms: number }
  /** Estimated from Last-Modified. RFC 9111 4.2.2. */
  | { readonly kind: 'heuristic'; readonly because: 'Last-Modified'; readonly ms: number }
  | { readonly kind: 'none'; readonly ms: 0 };

/** The freshness lifetime, for a shared cache. `directives`: the response's, where they are known. RFC 9111 4.2.1. */
export function freshnessLifetime(
  response: CacheResponse,
  directives: ResponseDirectives = responseDirectives(response.fields),
): Lifetime {
  const { sharedMaxAgeSeconds, maxAgeSeconds } = directives;
  if (sharedMaxAgeSeconds !== undefined)
    return { kind: 'explicit', because: 's-maxage', ms: sharedMaxAgeSeconds * 1000 };
  if (maxAgeSeconds !== undefined) return { kind: 'explicit', because: 'max-age', ms: maxAgeSeconds * 1000 };
  const expires = directives.from === 'cache-control' ? fieldValues(response.fields, 'expires') : [];
  if (expires.length > 0) return { kind: 'explicit', because: 'Expires', ms: lifetimeByExpires(expires, response) };
  return heuristicLifetime(response, directives.public);
}

/** The freshness lifetime in milliseconds; 0 where there is none. */
export function freshnessLifetimeMs(response: CacheResponse): number {
  return freshnessLifetime(response).ms;
}

/** How old a response is. RFC 9111 4.2.3. */
export function currentAgeMs(response: CacheResponse, now: Time): number {
  return correctedInitialAgeMs(response) + Math.max(0, now - response.responseTime);
}

/** How old a response was when it came. RFC 9111 4.2.3. */
export function correctedInitialAgeMs(response: CacheResponse): number {
  const { fields, requestTime, responseTime } = response;
  // Date has no more than seconds: whatever came within the second of its Date has no apparent age.
  const apparentAgeMs = Math.floor((responseTime - dateOf(response)) / 1000) * 1000;
  const correctedAgeMs = ageValueSeconds(fields) * 1000 + Math.max(0, responseTime - requestTime);
  return Math.max(apparentAgeMs, correctedAgeMs);
}

/** What Age says: whole seconds. RFC 9111 5.1. */
export function ageSeconds(response: CacheResponse, now: Time): number {
  return Math.floor(currentAgeMs(response, now) / 1000);
}

/** Whole seconds of freshness left; negative where it is stale. RFC 9211 2.6. */
export function ttlSeconds(response: CacheResponse, now: Time): number {
  return Math.floor((freshnessLifetimeMs(response) - currentAgeMs(response, now)) / 1000);
}

const maxLifetimeMs = 2 ** 31 * 1000;

/** An invalid Expires, or several that differ, are in the past. RFC 9111 5.3, 4.2.1. */
function lifetimeByExpires(lines: readonly string[], response: CacheResponse): number {
  const expires = parseHttpDate(lines[0] as string, response.responseTime);
  if (expires === undefined || lines.some((line) => line !== lines[0])) return 0;
  return Math.min(Math.max(0, expires - dateOf(response)), maxLifetimeMs);
}

/** When the origin made it; when it came, where Date does not say so. RFC 9110 6.6.1. */
function dateOf({ fields, responseTime }: CacheResponse): Time {
  const [date] = fieldValues(fields, 'date');
  return (date === undefined ? undefined : parseHttpDate(date, responseTime)) ?? responseTime;
}

const heuristicFraction = 0.1;
const maxHeuristicLifetimeMs = 24 * 60 * 60 * 1000;

/** A tenth of the time since the last modification, at most a day. RFC 9111 4.2.2. */
function heuristicLifetime(response: CacheResponse, isPublic: boolean): Lifetime {
  const [line] = fieldValues(response.fields, 'last-modified');
  if (line === undefined || !(isPublic || isHeuristicallyCacheable(response.status))) return noLifetime;
  const lastModified = parseHttpDate(line, response.responseTime);
  if (lastModified === undefined) return noLifetime;
  const unchangedMs = Math.max(0, dateOf(response) - lastModified);
  const ms = Math.min(Math.floor(unchangedMs * heuristicFraction), maxHeuristicLifetimeMs);
  return { kind: 'heuristic', because: 'Last-Modified', ms };
}

const noLifetime: Lifetime = { kind: 'none', ms: 0 };

/**
 * Of RFC 9110 15.1, without the errors: one that an odd request has provoked would answer everybody else's (E09). An
 * error's freshness is what its origin says.
 */
export function isHeuristicallyCacheable(status: number): boolean {
  return heuristicStatuses.has(status);
}

const heuristicStatuses = new Set([200, 203, 204, 206, 300, 301, 308]);

const maxAgeValueSeconds = 2 ** 31;

/** The first value of Age; what is no number does not count, and what is too large is 2^31. RFC 9111 5.1, 1.2.2. */
function ageValueSeconds(fields: Fields): number {
  const [line] = fieldValues(fields, 'age');
  if (line === undefined) return 0;
  const [first = ''] = line.split(',', 1);
  const value = first.trim();
  return /^\d+$/.test(value) ? Math.min(Number(value), maxAgeValueSeconds) : 0;
}
