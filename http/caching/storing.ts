// Whether a response may be stored, and what of it. RFC 9111 3.
import { type Qualified, type ResponseDirectives, requestDirectives, responseDirectives } from '../cache-control.ts';
import { FieldNames, type Fields, fieldsWithout, fieldValues, listMembers, onlyValue } from '../fields.ts';
import { freshnessLifetime, isHeuristicallyCacheable } from './freshness.ts';
import { partOf } from './range.ts';
import { selectingOf } from './select.ts';
import type { CacheRequest, CacheResponse, StoredResponse } from './stored.ts';
import { entityTagOf } from './validators.ts';

export type Storing =
  /** The head as it is to be stored. Its content must become complete, with its end or its full length. RFC 9111 3.3. */
  | { readonly kind: 'store'; readonly head: Omit<StoredResponse, 'octets'> }
  /** A fragment in words: `the response says no-store`. */
  | { readonly kind: 'refuse'; readonly because: string };

/**
 * Judges a final response for a shared cache. Not for a 304: `judgeValidation` and the head it gives are for that. The
 * response to a POST can be stored too, for GETs to come; it invalidates first. RFC 9110 9.3.3.
 */
export function judgeStoring(request: CacheRequest, response: CacheResponse): Storing {
  const directives = responseDirectives(response.fields);
  if (directives.noStore && !directives.mustUnderstand) return noStore; // RFC 9111 5.2.2.3; first, since it is the most frequent
  const kept = { ...response, fields: keptFields(response.fields, directives) };
  const because =
    refusalOfRequest(request, response) ??
    refusalOfStatus(request, response, directives) ??
    refusalByDirectives(request, response, directives) ??
    refusalOfFields(kept) ??
    refusalAsUseless(kept, directives);
  if (because !== undefined) return { kind: 'refuse', because };
  const part = partOf(response);
  if (response.status === 206 && part === undefined) return { kind: 'refuse', because: 'it is not one known part' };
  const { status, reason, fields, requestTime, responseTime } = kept;
  const selecting = selectingOf(response.fields, request);
  const plain = { status, reason, fields, requestTime, responseTime, url: request.url, selecting };
  const { transformKey } = request;
  const head = transformKey === undefined ? plain : { ...plain, transformKey };
  return { kind: 'store', head: part === undefined ? head : { ...head, part } };
}

const noStore: Storing = { kind: 'refuse', because: 'the response says no-store' };

/** Whether a request carries content, by the fields that frame it. What an origin makes of that is in no key. RFC 9110 9.3.1 (E08). */
export function hasContent(fields: Fields): boolean {
  if (fieldValues(fields, 'transfer-encoding').length > 0) return true;
  return fieldValues(fields, 'content-length').some((length) => !/^0+$/.test(length));
}

/** All of them as received, but those that only this client may have. RFC 9111 3.1, 5.2.2.4, 5.2.2.7. */
function keptFields(fields: Fields, { noCache, private: privately }: ResponseDirectives): Fields {
  const names = [...namesOf(noCache), ...namesOf(privately)];
  return names.length === 0 ? fields : fieldsWithout(fields, new FieldNames(names));
}

function namesOf(qualified: Qualified): readonly string[] {
  return qualified.kind === 'fields' ? qualified.names : [];
}

function refusalOfRequest(request: CacheRequest, response: CacheResponse): string | undefined {
  const { method, fields } = request;
  if (method === 'POST') return refusalOfPost(request, response);
  if (method !== 'GET') return `the method is ${method}`;
  if (hasContent(fields)) return 'the request has content, which is not part of the key';
  const shaping = fields.filter(([name]) => overrides.has(name));
  if (shaping.length === 0) return undefined;
  const vary = new FieldNames(listMembers(response.fields, 'vary').map((name) => name.toLowerCase()));
  const override = shaping.find(([name]) => !vary.has(name));
  return override === undefined ? undefined : `the request has ${override[0]}, which is not part of the key`;
}

/** Fields by which a request can ask an origin for something else than what its URL says. ATTACKS.md E02. */
const overrides = new FieldNames([
  'forwarded',
  'x-forwarded-host',
  'x-forwarded-path',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-forwarded-uri',
  'x-host',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'front-end-https',
]);

/** RFC 9110 9.3.3: it stands for a GET only if it says so, and for how long. */
function refusalOfPost({ url }: CacheRequest, response: CacheResponse): string | undefined {
  const location = onlyValue(response.fields, 'content-location');
  const isRepresentation = location !== undefined && URL.canParse(location, url) && new URL(location, url).href === url;
  const lifetime = freshnessLifetime(response);
  if (isRepresentation && response.status < 300 && lifetime.kind === 'explicit' && lifetime.ms > 0) return undefined;
  return 'the method is POST';
}

function refusalOfStatus(
  request: CacheRequest,
  { status }: CacheResponse,
  directives: ResponseDirectives,
): string | undefined {
  if (status < 200 || unstorableStatuses.has(status)) return `the status is ${status}`;
  if (status === 206 && (request.method !== 'GET' || fieldValues(request.fields, 'range').length === 0)) {
    return 'it is a part that nobody asked for';
  }
  if (directives.mustUnderstand && !understoodStatuses.has(status))
    return `it must be understood, and ${status} is not known`;
  return undefined;
}

/**
 * What they say is about fields of the very request, or its connection, that are in no key; 304 is for validation only.
 * RFC 6585 forbids 428, 429, 431 and 511.
 */
const unstorableStatuses = new Set([304, 401, 407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511]);

/** Those whose meaning for a cache is kept. RFC 9111 5.2.2.3. */
const understoodStatuses = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 406, 409, 410, 414, 415, 422,
  451, 500, 501, 502, 503, 504,
]);

function refusalByDirectives(
  request: CacheRequest,
  response: CacheResponse,
  directives: ResponseDirectives,
): string | undefined {
  if (requestDirectives(request.fields).noStore) return 'the request says no-store';
  if (directives.private.kind === 'whole') return 'the response says private';
  const names = new FieldNames([...namesOf(directives.noCache), ...namesOf(directives.private)]);
  const needed = neededNames.find((name) => names.has(name) && fieldValues(response.fields, name).length > 0);
  if (needed !== undefined) return `the response forbids to keep its ${needed}`;
  const isAuthorized = fieldValues(request.fields, 'authorization').length > 0;
  const isShared = directives.public || directives.mustRevalidate || (directives.sharedMaxAgeSeconds ?? 0) > 0;
  return isAuthorized && !isShared ? 'the request is authorised, and the response is not said to be shared' : undefined; // RFC 9111 3.5
}

/** Without these it is not known how long a response is good, and for whom. */
const neededNames = [
  'age',
  'cache-control',
  'cdn-cache-control',
  'content-range',
  'date',
  'edgehop-cache-control',
  'expires',
  'vary',
];

function refusalOfFields({ fields }: CacheResponse): string | undefined {
  if (listMembers(fields, 'vary').includes('*')) return 'the response varies by more than the request'; // RFC 9111 4.1
  return fieldValues(fields, 'set-cookie').length > 0 ? 'the response sets a cookie' : undefined; // ATTACKS.md E04
}

/** RFC 9111 3, last condition; and what could not answer anybody is not worth its place. */
function refusalAsUseless(kept: CacheResponse, directives: ResponseDirectives): string | undefined {
  const lifetime = freshnessLifetime(kept, directives);
  const isAllowed = lifetime.kind !== 'none' || directives.public || isHeuristicallyCacheable(kept.status);
  if (!isAllowed) return `nothing says how long a ${kept.status} is fresh`;
  if (hasValidator(kept.fields)) return undefined;
  if (directives.noCache.kind === 'whole') return 'it would have to be validated, and has no validator';
  const isEverServed = lifetime.ms > 0 || servedStaleSeconds(directives) > 0;
  return isEverServed ? undefined : 'it has neither freshness nor a validator';
}

function servedStaleSeconds({ staleWhileRevalidateSeconds = 0, staleIfErrorSeconds = 0 }: ResponseDirectives): number {
  return Math.max(staleWhileRevalidateSeconds, staleIfErrorSeconds);
}

function hasValidator(fields: Fields): boolean {
  return entityTagOf(fields) !== undefined || onlyValue(fields, 'last-modified') !== undefined;
}
