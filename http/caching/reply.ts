// A response made of a stored one, for one client: the whole, 304, one range or several, or 416. RFC 9111 4.
import { type Field, FieldNames, fieldsWithout, fieldValues } from '../fields.ts';
import { judgePreconditions, surelyMeetsOrigin } from './preconditions.ts';
import { askedRange, holdsWhatIsAsked, ifRangeHolds, type Slice, slicesOf } from './range.ts';
import type { CacheRequest, StoredResponse } from './stored.ts';

/** Octets of the stored content (places from the first octet that is held, 0), or text between, one octet a character. */
export type Piece = Slice | { readonly text: string };

export type StoredReply =
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly reason: string;
      /** With Age. Content-Length is there only where no content follows that tells it (HEAD). */
      readonly fields: readonly Field[];
      readonly content:
        | { readonly kind: 'none' }
        /** `octets`: all together. No pieces where the content is empty. The stored trailers go with the whole only. */
        | { readonly kind: 'pieces'; readonly octets: number; readonly pieces: readonly Piece[] };
    }
  /** The stored part does not hold what is asked for (RFC 9111 3.3), or only the origin may judge: the request goes on. */
  | { readonly kind: 'forward' };

/**
 * The reply to a GET or HEAD that this stored response may answer. Judges the client's If-None-Match, If-Modified-Since,
 * Range and If-Range, in the order of RFC 9110 13.2.2. `boundary` parts several ranges: 1 to 70 letters and digits that
 * nobody can foresee.
 */
export function storedReply(
  request: CacheRequest,
  stored: StoredResponse,
  ageSeconds: number,
  boundary: string,
): StoredReply {
  if (!holdsWhatIsAsked(request, stored) || !surelyMeetsOrigin(request, stored)) return forward;
  if (judgePreconditions(request, stored) === 'not-modified') return notModified(stored, ageSeconds);
  const slices = wantedSlices(request, stored);
  if (slices === undefined) return stored.part === undefined ? wholeReply(request, stored, ageSeconds) : forward;
  const [slice, ...others] = slices;
  if (slice === undefined) return unsatisfiable(stored, ageSeconds);
  return others.length === 0
    ? oneSlice(stored, slice, ageSeconds)
    : severalSlices(stored, slices, ageSeconds, boundary);
}

const forward: StoredReply = { kind: 'forward' };

/** Nothing where the whole is to be sent. */
function wantedSlices(request: CacheRequest, stored: StoredResponse): readonly Slice[] | undefined {
  const asked = askedRange(request);
  if (asked.kind === 'whole') return undefined;
  if (stored.status !== 200 && stored.part === undefined) return undefined; // RFC 9110 14.2: only of a 200
  if (!ifRangeHolds(request, stored)) return undefined;
  const slices = slicesOf(asked.ranges, completeOctetsOf(stored));
  // Nobody could say whether the multipart body were encoded, or each part's.
  return slices.length > 1 && fieldValues(stored.fields, 'content-encoding').length > 0 ? undefined : slices;
}

function completeOctetsOf({ part, octets }: StoredResponse): number {
  return part?.completeOctets ?? octets;
}

function wholeReply({ method }: CacheRequest, stored: StoredResponse, ageSeconds: number): StoredReply {
  const { status, reason, octets } = stored;
  const fields = fieldsOf(stored, notInReplies, ageSeconds);
  if (status === 204) return { kind: 'reply', status, reason, fields, content: { kind: 'none' } };
  if (method === 'HEAD') {
    fields.push(['Content-Length', String(octets)]);
    return { kind: 'reply', status, reason, fields, content: { kind: 'none' } };
  }
  const pieces = octets === 0 ? [] : [{ first: 0, last: octets - 1 }];
  return { kind: 'reply', status, reason, fields, content: { kind: 'pieces', octets, pieces } };
}

const notInReplies = new FieldNames(['age', 'content-length']);

/** RFC 9110 15.4.5: what the client has it knows; what guides its own cache goes along, with all that it would update. */
function notModified(stored: StoredResponse, ageSeconds: number): StoredReply {
  const fields = fieldsOf(stored, notInNotModified, ageSeconds);
  return { kind: 'reply', status: 304, reason: 'Not Modified', fields, content: { kind: 'none' } };
}

const notInNotModified = new FieldNames([
  ...notInReplies,
  'content-digest',
  'content-encoding',
  'content-md5',
  'content-range',
]);

/** RFC 9110 15.3.7.1. */
function oneSlice(stored: StoredResponse, slice: Slice, ageSeconds: number): StoredReply {
  const fields = fieldsOf(stored, notInPartial, ageSeconds);
  fields.push(['Content-Range', contentRange(slice, stored)]);
  const octets = slice.last - slice.first + 1;
  return partial(fields, octets, [heldSlice(slice, stored)]);
}

/** They speak of a whole message's content. RFC 9530 2. */
const notInPartial = new FieldNames([...notInReplies, 'content-digest', 'content-md5', 'content-range']);

/** RFC 9110 15.3.7.2 and 14.6. */
function severalSlices(
  stored: StoredResponse,
  slices: readonly Slice[],
  ageSeconds: number,
  boundary: string,
): StoredReply {
  const fields = fieldsOf(stored, notInMultipart, ageSeconds);
  fields.push(['Content-Type', `multipart/byteranges; boundary=${boundary}`]);
  const type = fieldValues(stored.fields, 'content-type').map((value) => `Content-Type: ${value}\r\n`);
  const pieces: Piece[] = [];
  let octets = 0;
  let parting = '';
  for (const slice of slices) {
    const text = `${parting}--${boundary}\r\n${type.join('')}Content-Range: ${contentRange(slice, stored)}\r\n\r\n`;
    pieces.push({ text }, heldSlice(slice, stored));
    octets += text.length + slice.last - slice.first + 1;
    parting = '\r\n';
  }
  const text = `\r\n--${boundary}--\r\n`;
  pieces.push({ text });
  return partial(fields, octets + text.length, pieces);
}

const notInMultipart = new FieldNames([...notInPartial, 'content-type']);

function partial(fields: Field[], octets: number, pieces: readonly Piece[]): StoredReply {
  return {
    kind: 'reply',
    status: 206,
    reason: 'Partial Content',
    fields,
    content: { kind: 'pieces', octets, pieces },
  };
}

/** RFC 9110 15.5.17. */
function unsatisfiable(stored: StoredResponse, ageSeconds: number): StoredReply {
  const fields = fieldsOf(stored, notInNotModified, ageSeconds).filter(([name]) => inUnsatisfiable.has(name));
  fields.push(['Content-Range', `bytes */${completeOctetsOf(stored)}`]);
  return {
    kind: 'reply',
    status: 416,
    reason: 'Range Not Satisfiable',
    fields,
    content: { kind: 'pieces', octets: 0, pieces: [] },
  };
}

const inUnsatisfiable = new FieldNames(['age', 'date', 'vary']);

/** RFC 9111 5.1: one Age, ours. */
function fieldsOf(stored: StoredResponse, without: FieldNames, ageSeconds: number): Field[] {
  const fields = fieldsWithout(stored.fields, without);
  fields.push(['Age', String(ageSeconds)]);
  return fields;
}

function contentRange({ first, last }: Slice, stored: StoredResponse): string {
  return `bytes ${first}-${last}/${completeOctetsOf(stored)}`;
}

/** The same slice, counted from the first octet that is held. */
function heldSlice({ first, last }: Slice, { part }: StoredResponse): Slice {
  const start = part?.first ?? 0;
  return { first: first - start, last: last - start };
}
