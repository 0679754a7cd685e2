// Puts a stored part together with what has come now: into the store, and for a client that wants the whole. RFC 9111 3.3 and 3.4.
import { type CombinedPiece, combined } from '../../../http/caching/parts.ts';
import { partOf } from '../../../http/caching/range.ts';
import type { CacheResponse, StoredResponse } from '../../../http/caching/stored.ts';
import type { CacheStore, Entry, EntryWriter, UpstreamResponse } from '../ports.ts';
import { heldContent, inSequence } from './stored-content.ts';

/** A response that came, and what the store is to be given in its place. */
export interface Joined {
  readonly head: Omit<StoredResponse, 'octets'>;
  /** Of all of it. */
  readonly octets: number;
  /** Takes what comes and writes all of it. */
  into(writer: EntryWriter): EntryWriter;
}

/** Joins a 206 with one of these entries, where they are of the same content, touch, and the stored one is in memory. */
export function joined(store: CacheStore, entries: readonly Entry[], head: CacheResponse): Joined | undefined {
  const first = partOf(head)?.first;
  if (head.status !== 206 || first === undefined) return undefined;
  for (const entry of entries) {
    const held = store.octets(entry);
    const result = held === undefined ? undefined : combined(entry.stored, head);
    if (held === undefined || result?.kind !== 'combined') continue;
    const { pieces } = result;
    const heldFirst = entry.stored.part?.first ?? 0;
    const takeHeld = (piece: CombinedPiece) => held.subarray(piece.first - heldFirst, piece.last - heldFirst + 1);
    const octets = pieces.reduce((sum, piece) => sum + piece.last - piece.first + 1, 0);
    return { head: result.head, octets, into: (writer) => joining(writer, pieces, first, takeHeld) };
  }
  return undefined;
}

/** Writes the stored pieces where they belong, and of what comes only what is not among them. */
function joining(
  writer: EntryWriter,
  pieces: readonly CombinedPiece[],
  first: number,
  takeHeld: (piece: CombinedPiece) => Buffer,
): EntryWriter {
  let next = 0;
  /** The place of the next octet that comes. */
  let place = first;
  const writeHeld = () => {
    for (let piece = pieces[next]; piece?.from === 'stored'; piece = pieces[++next]) writer.write(takeHeld(piece));
  };
  return {
    ...writer,
    get isGivenUp() {
      return writer.isGivenUp;
    },
    write: (octets) => {
      const start = place;
      const end = start + octets.length;
      let wantsMore = true;
      while (place < end) {
        writeHeld();
        const piece = pieces[next];
        if (piece === undefined || piece.first >= end) break;
        const from = Math.max(piece.first, place);
        const until = Math.min(piece.last + 1, end);
        if (until > from) wantsMore = writer.write(octets.subarray(from - start, until - start));
        if (until > piece.last) next++;
        place = until;
      }
      place = end;
      return wantsMore;
    },
    commit: (trailers) => {
      writeHeld();
      return writer.commit(trailers);
    },
  };
}

/** A response of status 200, made of a stored part and the 206 that has brought exactly what it lacked; else nothing. */
export function completed(
  store: CacheStore,
  part: Entry,
  head: CacheResponse,
  response: UpstreamResponse,
): { readonly head: CacheResponse; readonly response: UpstreamResponse } | undefined {
  const held = store.octets(part);
  const came = partOf(head);
  const result = combined(part.stored, head);
  if (held === undefined || came === undefined || result.kind !== 'combined') return undefined;
  if (result.head.status !== 200 || response.content.kind === 'none') return undefined;
  const [one, other, ...others] = result.pieces;
  const isOneOfEach = one !== undefined && other !== undefined && others.length === 0;
  const brought = one?.from === 'response' ? one : other;
  if (!isOneOfEach || brought?.first !== came.first) return undefined;
  const { status, reason, fields } = result.head;
  const octets = came.completeOctets;
  if (response.content.octets !== undefined && response.content.octets !== octets - held.length) return undefined;
  const stored = heldContent(held, []);
  const { source } = response.content;
  const parts = one.from === 'stored' ? [stored, source] : [source, stored];
  return {
    head: { ...head, status, reason, fields },
    response: { status, reason, fields, content: { kind: 'some', octets, source: inSequence(parts, []) } },
  };
}
