// A client's own conditions, judged by what is stored. RFC 9110 13, RFC 9111 4.3.2.
import { type Fields, fieldValues, onlyValue } from '../fields.ts';
import type { CacheResponse } from './stored.ts';
import { dateIn, entityTagOf, listedTags, matchesStrongly, matchesWeakly } from './validators.ts';

/** `not-modified`: the answer is 304. `proceed`: the conditions, if any, let the content through. */
export type Precondition = 'proceed' | 'not-modified';

/**
 * Judges If-None-Match, else If-Modified-Since, of a GET or HEAD by a response of status 2xx; by any other status they
 * are not judged. Needs a head alone, so it serves a response on its way, too. RFC 9110 13.2.
 */
export function judgePreconditions(
  request: { readonly method: string; readonly fields: Fields },
  response: Pick<CacheResponse, 'status' | 'fields' | 'responseTime'>,
): Precondition {
  if (request.method !== 'GET' && request.method !== 'HEAD') return 'proceed';
  if (response.status < 200 || response.status > 299) return 'proceed'; // 13.2.1
  const isUnmodified = hasField(request.fields, 'if-none-match') // 13.2.2: then If-Modified-Since is not looked at
    ? isListed(request.fields, response.fields)
    : isOlderThanAsked(request.fields, response);
  return isUnmodified ? 'not-modified' : 'proceed';
}

/**
 * Whether a response surely meets If-Match, else If-Unmodified-Since. Only the origin may judge these, so where it does
 * not, the origin is to be asked: a client that resumes a download under such a condition relies on it. RFC 9111 4.3.2.
 */
export function surelyMeetsOrigin(
  { fields: asked }: { readonly fields: Fields },
  { fields, responseTime }: Pick<CacheResponse, 'fields' | 'responseTime'>,
): boolean {
  if (hasField(asked, 'if-match')) {
    const tags = listedTags(asked, 'if-match');
    const tag = entityTagOf(fields);
    return tags === '*' || (tag !== undefined && tags.some((listed) => matchesStrongly(listed, tag))); // RFC 9110 13.1.1
  }
  if (!hasField(asked, 'if-unmodified-since')) return true;
  const since = dateIn(asked, 'if-unmodified-since', responseTime);
  const modified = dateIn(fields, 'last-modified', responseTime);
  return since !== undefined && modified !== undefined && modified <= since; // RFC 9110 13.1.4
}

function hasField(fields: Fields, name: string): boolean {
  return fieldValues(fields, name).length > 0;
}

/** RFC 9110 13.1.2. */
function isListed(asked: Fields, fields: Fields): boolean {
  const tags = listedTags(asked, 'if-none-match');
  if (tags === '*') return true;
  const tag = entityTagOf(fields);
  return tag !== undefined && tags.some((listed) => matchesWeakly(listed, tag));
}

/** RFC 9110 13.1.3. Without Last-Modified, Date stands for it, or else the time of arrival. RFC 9111 4.3.2. */
function isOlderThanAsked(
  asked: Fields,
  { fields, responseTime }: Pick<CacheResponse, 'fields' | 'responseTime'>,
): boolean {
  const value = onlyValue(asked, 'if-modified-since');
  if (value === undefined) return false;
  const since = dateIn(asked, 'if-modified-since', responseTime);
  if (since === undefined) return false;
  const made = dateIn(fields, 'date', responseTime) ?? Math.floor(responseTime / 1_000) * 1_000;
  return (dateIn(fields, 'last-modified', responseTime) ?? made) <= since;
}
