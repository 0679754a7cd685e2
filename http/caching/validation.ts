// Asking the next hop whether what is stored may still be used, and what its answer makes of it. RFC 9111 4.3.
import { type Field, FieldNames, type Fields, fieldsWithout, fieldValues, onlyValue } from '../fields.ts';
import { formatHttpDate } from '../http-date.ts';
import { holdsWhatIsAsked } from './range.ts';
import type { CacheRequest, CacheResponse, Selecting, StoredResponse, Time } from './stored.ts';
import { judgeStoring } from './storing.ts';
import { dateIn, entityTagOf, haveSameOctets, matchesWeakly } from './validators.ts';

interface Candidate {
  readonly stored: StoredResponse;
}

/** What an answer to a validating request makes of the stored responses that were named in it. */
export type Validation<S> =
  /** 304, and it is about `entry`. */
  | {
      readonly kind: 'freshened';
      readonly entry: S;
      /** Answers this client, with the content of `entry` and all that came with the 304. Never to be kept. */
      readonly head: Omit<StoredResponse, 'octets'>;
      /**
       * The heads to be kept, of `entry` and of what else is known to be the same. An entry without one stays as it is,
       * stale: what came with the 304 must not be stored, or is for this client alone.
       */
      readonly kept: readonly Kept<S>[];
    }
  /** Any other status: it answers the client, and is judged for storing like any response. For 5xx see `mayServeOnError`. */
  | { readonly kind: 'replaced' }
  /** 304 about nothing that is stored: the request has to be sent again without our conditions; never relay it. */
  | { readonly kind: 'mismatched' };

/** An entry and the head to put in the place of its own. */
export interface Kept<S> {
  readonly entry: S;
  readonly head: Omit<StoredResponse, 'octets'>;
}

/**
 * The fields of a request that asks whether stored responses are still valid. `request` carries the fields that would
 * have gone to the next hop: its own If-None-Match and If-Modified-Since give way to ours, all else stays (its Range
 * too, which an origin looks at only once our condition has failed). Without any validator: the fields less the
 * client's two conditions. RFC 9111 4.3.1.
 */
export function validationFields(request: CacheRequest, candidates: readonly Candidate[]): Fields {
  const fields = fieldsWithout(request.fields, ownConditions);
  const asked = candidates.filter(({ stored }) => holdsWhatIsAsked(request, stored)); // 4.3.2: no part that cannot answer
  const tags = new Set(
    asked.map(({ stored }) => entityTagOf(stored.fields)?.text).filter((text) => text !== undefined),
  );
  if (tags.size > 0) fields.push(['If-None-Match', [...tags].slice(0, maxTags).join(', ')]);
  const [only, ...others] = asked;
  if (only !== undefined && others.length === 0 && modifiedOf(only.stored) !== undefined) {
    fields.push(['If-Modified-Since', onlyValue(only.stored.fields, 'last-modified') as string]);
  }
  return fields;
}

const ownConditions = new FieldNames(['if-none-match', 'if-modified-since']);

/** Of the latest stored responses; the field stays far below what origins take. */
const maxTags = 16;

/** Fields for a validation that no client waits for: without any condition and Range of a client's. */
export function unconditionalFields(fields: Fields): Fields {
  return fieldsWithout(fields, clientsWishes);
}

const clientsWishes = new FieldNames([...ownConditions, 'if-match', 'if-unmodified-since', 'if-range', 'range']);

/** Judges the answer to a request made with `validationFields` of these candidates, the latest first. RFC 9111 4.3.3. */
export function judgeValidation<S extends Candidate>(
  request: CacheRequest,
  candidates: readonly S[],
  response: CacheResponse,
): Validation<S> {
  if (response.status !== 304) return { kind: 'replaced' };
  const asked = candidates.filter(({ stored }) => holdsWhatIsAsked(request, stored) && hasValidator(stored));
  const all = meant(asked, response);
  const [entry] = all;
  if (entry === undefined) return { kind: 'mismatched' };
  const kept = all.map((same) => ({ entry: same, head: keptHead(request, same.stored, response, same === entry) }));
  return {
    kind: 'freshened',
    entry,
    head: freshened(entry.stored, response),
    kept: kept.filter((one): one is Kept<S> => one.head !== undefined),
  };
}

function hasValidator(response: CacheResponse): boolean {
  return entityTagOf(response.fields) !== undefined || modifiedOf(response) !== undefined;
}

function modifiedOf({ fields, responseTime }: CacheResponse): Time | undefined {
  return dateIn(fields, 'last-modified', responseTime);
}

/** The candidates that a 304 is about. RFC 9111 4.3.4. */
function meant<S extends Candidate>(candidates: readonly S[], response: CacheResponse): readonly S[] {
  const same = candidates.filter(({ stored }) => haveSameOctets(stored, response));
  if (same.length > 0) return same;
  // Weakly, one only. A strong tag may stand for a weak one: nginx weakens that of a 200 that it compresses, not a 304's.
  const alike = candidates.find(({ stored }) => corresponds(stored, response));
  if (alike !== undefined) return [alike];
  // It names none. Whoever asked about one response only still knows which is meant.
  return candidates.length === 1 && !hasValidator(response) ? candidates : [];
}

/** Where both have a tag, that decides, else the date. */
function corresponds(stored: StoredResponse, response: CacheResponse): boolean {
  const tag = entityTagOf(stored.fields);
  const freshTag = entityTagOf(response.fields);
  if (tag !== undefined && freshTag !== undefined) return matchesWeakly(tag, freshTag);
  const modified = modifiedOf(stored);
  return modified !== undefined && modified === modifiedOf(response);
}

/** The stored head with the fields of a response that is about the same octets. RFC 9111 3.2. */
function freshened(stored: StoredResponse, response: CacheResponse): Omit<StoredResponse, 'octets'> {
  const made = dateIn(response.fields, 'date', response.responseTime) ?? response.responseTime; // RFC 9110 6.6.1
  const news: Field[] = [...fieldsWithout(response.fields, neverUpdated), ['Date', formatHttpDate(made)]];
  // Age and Date are a message's, not its content's.
  const replaced = new FieldNames(['age', ...news.map(([name]) => name.toLowerCase())]);
  const { octets: _, ...head } = stored;
  return {
    ...head,
    fields: [...fieldsWithout(stored.fields, replaced), ...news],
    requestTime: response.requestTime,
    responseTime: response.responseTime,
  };
}

/** Date is written anew. The others say how the octets that are held are framed, encoded and told apart: no other message knows that. */
const neverUpdated = new FieldNames([
  'date',
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'content-digest', // RFC 9530 2: of the content of its own message
  'etag',
]);

/**
 * The freshened head as far as it may be kept, judged like that of any response to a GET. An entry that the origin has
 * chosen for this request answers those like it from now on; any other keeps to the requests that it was stored for.
 */
function keptHead(
  request: CacheRequest,
  stored: StoredResponse,
  response: CacheResponse,
  isChosen: boolean,
): Omit<StoredResponse, 'octets'> | undefined {
  const { trailers, selecting } = stored;
  const storing = judgeStoring({ ...request, method: 'GET' }, freshened(stored, response));
  if (storing.kind === 'refuse') return undefined;
  if (!isChosen && namesOf(selecting) !== namesOf(storing.head.selecting)) return undefined;
  return {
    ...storing.head,
    ...(!isChosen && { selecting }),
    ...(trailers !== undefined && { trailers }),
  };
}

function namesOf(selecting: Selecting): string {
  return selecting.map(([name]) => name).join();
}

export type FreshenedByHead =
  /** Its head is to be replaced by this one. */
  | { readonly kind: 'freshened'; readonly head: Omit<StoredResponse, 'octets'> }
  /** It is another content now: it is to be removed. */
  | { readonly kind: 'outdated' }
  /** It stays as it is: the response is no 200, or must not be stored. */
  | { readonly kind: 'unrelated' };

/** What a response to HEAD makes of a stored response that was selected for the request. RFC 9111 4.3.5. */
export function freshenedByHead(
  request: CacheRequest,
  stored: StoredResponse,
  response: CacheResponse,
): FreshenedByHead {
  if (response.status !== 200) return { kind: 'unrelated' };
  if (!isAboutSame(stored, response)) return { kind: 'outdated' };
  const head = keptHead(request, stored, response, true);
  return head === undefined ? { kind: 'unrelated' } : { kind: 'freshened', head };
}

/** Every validator that came, and the length if it came, are those of what is stored. */
function isAboutSame(stored: StoredResponse, { fields }: CacheResponse): boolean {
  const lengths = fieldValues(fields, 'content-length');
  const octets = String(stored.part?.completeOctets ?? stored.octets);
  return (
    lengths.every((length) => length.trim() === octets) &&
    ['etag', 'last-modified'].every((name) =>
      fieldValues(fields, name).every((value) => fieldValues(stored.fields, name).includes(value)),
    )
  );
}
