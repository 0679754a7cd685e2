// The Cache-Status field: what a cache did with a request. RFC 9211.
import { serializeList, Token } from 'structured-headers';
import type { CacheOutcome } from '../schemas/cache.ts';

/** One member of Cache-Status. What is not printable ASCII in `detail` is replaced. RFC 9211 2. */
export function cacheStatus(cache: 'edgehop' | 'edgehop-edge', outcome: CacheOutcome): string {
  const parameters = new Map<string, Token | string | number | boolean>();
  if (outcome.hit) parameters.set('hit', true);
  if (outcome.fwd !== undefined) parameters.set('fwd', new Token(outcome.fwd));
  if (outcome.fwdStatus !== undefined) parameters.set('fwd-status', outcome.fwdStatus);
  if (outcome.stored) parameters.set('stored', true);
  if (outcome.collapsed) parameters.set('collapsed', true);
  if (outcome.ttl !== undefined) parameters.set('ttl', outcome.ttl);
  if (outcome.detail !== undefined) parameters.set('detail', outcome.detail.replace(/[^\x20-\x7e]/g, '?'));
  return serializeList([[new Token(cache), parameters]]);
}
