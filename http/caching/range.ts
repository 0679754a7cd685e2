// Ranges of octets: which ones a client asks for, which slices of a content those are, and which one a response carries. RFC 9110 14.
import { type Fields, fieldValues, listMembers, onlyValue } from '../fields.ts';
import { parseHttpDate } from '../http-date.ts';
import type { CacheResponse, StoredResponse } from './stored.ts';
import { entityTagOf, hasStrongValidator, matchesStrongly, parseEntityTag, strongDateOf } from './validators.ts';

/** Some octets of a content: places of the first and the last one, from 0. */
export interface Slice {
  readonly first: number;
  readonly last: number;
}

/** One range as it is asked for. RFC 9110 14.1.2. */
export type RangeSpec =
  | { readonly kind: 'from'; readonly first: number; readonly last: number | undefined }
  | { readonly kind: 'suffix'; readonly octets: number };

/** What a request asks for. `whole`: no range, or one that is ignored (malformed, unknown unit, too many). */
export type AskedRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'ranges'; readonly ranges: readonly RangeSpec[] };

/** More than that are no reader's wish: the whole content is the cheaper answer. RFC 9110 14.2, 17.15. */
export const maxRanges = 16;

/** Reads the Range of a GET; that of any other method is ignored. RFC 9110 14.2. */
export function askedRange(request: { readonly method: string; readonly fields: Fields }): AskedRange {
  if (request.method !== 'GET') return whole;
  const value = onlyValue(request.fields, 'range');
  if (value === undefined) return whole;
  const set = /^bytes=(.*)$/i.exec(value.trim())?.[1];
  if (set === undefined) return whole;
  const members = listMembers([['range', set]], 'range');
  if (members.length === 0 || members.length > maxRanges) return whole;
  const ranges = members.map(rangeSpec).filter((range) => range !== undefined);
  return ranges.length === members.length ? { kind: 'ranges', ranges } : whole;
}

const whole: AskedRange = { kind: 'whole' };

function rangeSpec(text: string): RangeSpec | undefined {
  const [, first, last] = /^([0-9]*)-([0-9]*)$/.exec(text) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') return { kind: 'suffix', octets: place(last) };
  if (last === '') return { kind: 'from', first: place(first), last: undefined };
  return place(first) <= place(last) ? { kind: 'from', first: place(first), last: place(last) } : undefined;
}

/** No content reaches that far, so a greater number means the same. */
function place(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** The slices of a content of so many octets, in the order asked for; none where nothing can be satisfied (416). Those that overlap or touch are joined. RFC 9110 14.1.2, 15.3.7.2. */
export function slicesOf(ranges: readonly RangeSpec[], completeOctets: number): readonly Slice[] {
  const joined: Slice[] = [];
  for (const range of ranges) {
    let slice = sliceOf(range, completeOctets);
    if (slice === undefined) continue;
    let at = joined.length;
    for (let i = joined.length - 1; i >= 0; i--) {
      const other = joined[i] as Slice;
      if (slice.first > other.last + 1 || other.first > slice.last + 1) continue;
      slice = { first: Math.min(slice.first, other.first), last: Math.max(slice.last, other.last) };
      joined.splice(i, 1);
      at = i;
    }
    joined.splice(at, 0, slice);
  }
  return joined;
}

function sliceOf(range: RangeSpec, completeOctets: number): Slice | undefined {
  const end = completeOctets - 1;
  const first = range.kind === 'suffix' ? Math.max(0, completeOctets - range.octets) : range.first;
  const last = range.kind === 'suffix' ? end : Math.min(range.last ?? end, end);
  return first <= last ? { first, last } : undefined;
}

/** Whether If-Range, if there is one, lets Range be looked at: nothing less than a strong match does. RFC 9110 13.1.5. */
export function ifRangeHolds(
  request: { readonly fields: Fields },
  response: Pick<CacheResponse, 'fields' | 'responseTime'>,
): boolean {
  const values = fieldValues(request.fields, 'if-range');
  if (values.length === 0) return true;
  if (values.length > 1) return false;
  const value = (values[0] as string).trim();
  const date = parseHttpDate(value, response.responseTime);
  if (date !== undefined) return date === strongDateOf(response);
  const tag = entityTagOf(response.fields);
  const asked = parseEntityTag(value);
  return tag !== undefined && asked !== undefined && matchesStrongly(tag, asked);
}

/**
 * Whether what is held is enough for what is asked: all is held, or the ranges lie within the part that is. A part
 * never answers a request for the whole. RFC 9111 3.3.
 */
export function holdsWhatIsAsked(
  request: { readonly method: string; readonly fields: Fields },
  stored: StoredResponse,
): boolean {
  const { part } = stored;
  if (part === undefined) return true;
  const asked = askedRange(request);
  if (asked.kind === 'whole' || !ifRangeHolds(request, stored)) return false;
  const slices = slicesOf(asked.ranges, part.completeOctets);
  const end = part.first + stored.octets;
  return slices.length > 0 && slices.every(({ first, last }) => first >= part.first && last < end);
}

/** What Content-Range says. `completeOctets`: undefined where it says `*`. RFC 9110 14.4. */
export type ContentRange =
  | {
      readonly kind: 'satisfied';
      readonly first: number;
      readonly last: number;
      readonly completeOctets: number | undefined;
    }
  | { readonly kind: 'unsatisfied'; readonly completeOctets: number };

/** Reads a Content-Range. Nothing where it is invalid or in another unit than bytes. */
export function parseContentRange(value: string): ContentRange | undefined {
  const parts = /^bytes +(?:([0-9]+)-([0-9]+)|\*)\/([0-9]+|\*)$/i.exec(value.trim());
  if (parts === null) return undefined;
  const [, firstDigits, lastDigits, completeDigits] = parts;
  const completeOctets = completeDigits === '*' ? undefined : Number(completeDigits);
  if (completeOctets !== undefined && !Number.isSafeInteger(completeOctets)) return undefined;
  if (firstDigits === undefined)
    return completeOctets === undefined ? undefined : { kind: 'unsatisfied', completeOctets };
  const first = Number(firstDigits);
  const last = Number(lastDigits);
  const isValid = first <= last && last < (completeOctets ?? Number.MAX_SAFE_INTEGER);
  return isValid ? { kind: 'satisfied', first, last, completeOctets } : undefined;
}

/**
 * Which part a response of status 206 carries; nothing where it is not one part of a known whole. RFC 9111 3.3. Where
 * less comes than the range says, an end that is counted wrong is believed to be where the content ends, but only as
 * long as nobody could put such a part together with another: it has no strong validator, nor does it begin at 0.
 */
export function partOf(response: Pick<CacheResponse, 'status' | 'fields' | 'responseTime'>): StoredResponse['part'] {
  const { status, fields } = response;
  const value = status === 206 ? onlyValue(fields, 'content-range') : undefined;
  const range = value === undefined ? undefined : parseContentRange(value);
  if (range?.kind !== 'satisfied' || range.completeOctets === undefined) return undefined;
  const { first, last, completeOctets } = range;
  const length = lengthIn(fields);
  if (length === undefined || length === last - first + 1) return { first, completeOctets };
  const isWrongEnd = first > 0 && length > 0 && length < last - first + 1 && last === completeOctets - 1;
  return isWrongEnd && !hasStrongValidator(response) ? { first, completeOctets: first + length } : undefined;
}

/** Nothing without Content-Length, whose form is judged where it frames the content. */
function lengthIn(fields: Fields): number | undefined {
  const length = onlyValue(fields, 'content-length');
  return length === undefined ? undefined : Number(length);
}
