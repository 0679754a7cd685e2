// Puts a part that has come together with one that is stored. RFC 9111 3.4.
import { combined } from '../../http/caching/parts.ts';
import { parseContentRange, partOf } from '../../http/caching/range.ts';
import type { CacheResponse, StoredResponse } from '../../http/caching/stored.ts';
import { onlyValue } from '../../http/fields.ts';
import { concatenated } from '../concatenated.ts';
import type { Entry } from './store.ts';

export interface Joined {
  readonly head: Omit<StoredResponse, 'octets'>;
  readonly content: Uint8Array;
}

/** The content of a 206 with that of every entry of the same content that it touches; nothing where there is none. */
export async function joined(
  entries: readonly Entry[],
  response: CacheResponse,
  content: Uint8Array,
): Promise<Joined | undefined> {
  const came = partOf(response);
  let whole: Joined | undefined;
  if (came === undefined || !isWholePart(response, content.length)) return undefined;
  for (const entry of entries) {
    const result = combined(entry.stored, whole?.head ?? response);
    const held = result.kind === 'combined' ? await entry.content() : undefined;
    if (result.kind !== 'combined' || held === undefined) continue;
    const sources = {
      stored: { octets: held, first: entry.stored.part?.first ?? 0 },
      response: { octets: whole?.content ?? content, first: whole?.head.part?.first ?? came.first },
    };
    const pieces = result.pieces.map(({ from, first, last }) => {
      const source = sources[from];
      return source.octets.subarray(first - source.first, last - source.first + 1);
    });
    whole = { head: result.head, content: concatenated(pieces) };
    if (whole.head.part === undefined) break;
  }
  return whole;
}

/** Whether so much content is all of what a response of status 206 says that it carries. Of any other status it is all. */
export function isWholePart(response: CacheResponse, octets: number): boolean {
  const part = partOf(response);
  const range = parseContentRange(onlyValue(response.fields, 'content-range') ?? '');
  if (part === undefined || range?.kind !== 'satisfied') return response.status !== 206;
  return octets === Math.min(range.last - range.first + 1, part.completeOctets - part.first);
}
