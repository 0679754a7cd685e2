// Parts of a content: how to ask for the rest of one, and putting two together. RFC 9111 3.3 and 3.4.
import { type Field, FieldNames, type Fields, fieldsWithout, onlyValue } from '../fields.ts';
import { parseContentRange, type Slice } from './range.ts';
import type { CacheResponse, StoredResponse } from './stored.ts';
import { entityTagOf, haveSameOctets } from './validators.ts';

/**
 * The fields that ask for what is missing of a stored part, in place of the whole. Nothing where it has no strong tag,
 * or lacks octets at both ends. The answer is for `combined` to judge. RFC 9111 3.3.
 */
export function completingFields(fields: Fields, stored: StoredResponse): Fields | undefined {
  const { part, octets } = stored;
  const tag = entityTagOf(stored.fields);
  if (part === undefined || tag === undefined || tag.isWeak) return undefined;
  const end = part.first + octets;
  if (part.first > 0 && end < part.completeOctets) return undefined;
  const missing = part.first === 0 ? `bytes=${end}-` : `bytes=0-${part.first - 1}`;
  return [...fieldsWithout(fields, rangeNames), ['Range', missing], ['If-Range', tag.text]];
}

const rangeNames = new FieldNames(['range', 'if-range']);

/** A piece of the combined content, and where it is to be taken from. Places are those of the complete content. */
export type CombinedPiece = Slice & { readonly from: 'stored' | 'response' };

/** `apart`: they are not of the same content, or do not touch. */
export type Combined =
  | {
      readonly kind: 'combined';
      readonly head: Omit<StoredResponse, 'octets'>;
      /** In the order of the content; one to three. */
      readonly pieces: readonly CombinedPiece[];
    }
  | { readonly kind: 'apart' };

/** Puts a stored response and a 206 that came now together. RFC 9111 3.4. */
export function combined(stored: StoredResponse, response: CacheResponse): Combined {
  const value = response.status === 206 ? onlyValue(response.fields, 'content-range') : undefined;
  const range = value === undefined ? undefined : parseContentRange(value);
  if (range?.kind !== 'satisfied' || !haveSameOctets(stored, response)) return apart;
  const completeOctets = stored.part?.completeOctets ?? stored.octets;
  if ((range.completeOctets ?? completeOctets) !== completeOctets || range.last >= completeOctets) return apart;
  const first = stored.part?.first ?? 0;
  const held = { first, last: first + stored.octets - 1 };
  if (range.first > held.last + 1 || range.last < held.first - 1) return apart;
  const pieces: CombinedPiece[] = [];
  if (range.first < held.first) pieces.push({ from: 'response', first: range.first, last: held.first - 1 });
  if (stored.octets > 0) pieces.push({ from: 'stored', ...held });
  if (range.last > held.last) pieces.push({ from: 'response', first: held.last + 1, last: range.last });
  const slice = { first: Math.min(range.first, held.first), last: Math.max(range.last, held.last) };
  return { kind: 'combined', head: combinedHead(stored, response, slice, completeOctets), pieces };
}

const apart: Combined = { kind: 'apart' };

/** The new fields replace the stored ones, but for those that frame a part. */
function combinedHead(
  stored: StoredResponse,
  response: CacheResponse,
  { first, last }: Slice,
  completeOctets: number,
): Omit<StoredResponse, 'octets'> {
  const news = fieldsWithout(response.fields, framingNames);
  const replaced = new FieldNames(['age', ...framingNames, ...news.map(([name]) => name.toLowerCase())]);
  const fields: Field[] = [...fieldsWithout(stored.fields, replaced), ...news];
  const { url, selecting, trailers, transformKey } = stored;
  const { requestTime, responseTime } = response;
  const head = {
    ...{ url, selecting, fields, requestTime, responseTime },
    ...(trailers !== undefined && { trailers }),
    ...(transformKey !== undefined && { transformKey }),
  };
  if (first === 0 && last === completeOctets - 1) return { ...head, status: 200, reason: 'OK' };
  fields.push(['Content-Range', `bytes ${first}-${last}/${completeOctets}`]);
  return { ...head, status: 206, reason: 'Partial Content', part: { first, completeOctets } };
}

const framingNames = new FieldNames(['content-range', 'content-length', 'content-md5', 'content-digest']);
