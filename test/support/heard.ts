// What a response reader tells of octets that come in pieces.
import type { Fields } from '../../http/fields.ts';
import { type ReaderOptions, type Reading, type ResponseHead, ResponseReader } from '../../http/response-reader.ts';

export type Part =
  | { readonly kind: 'interim' | 'head'; readonly head: ResponseHead }
  | { readonly kind: 'content'; readonly octets: string }
  | { readonly kind: 'end'; readonly trailers: Fields };

export interface Heard {
  /** Content that came in several pieces is one part. Each character is one octet. */
  readonly parts: readonly Part[];
  readonly reading: 'more' | 'complete' | `failed: ${string}`;
  /** Octets behind a complete response. */
  readonly rest: number;
  readonly reader: ResponseReader;
}

const generous = { method: 'GET', maxHeadBytes: 65_536, maxFields: 1_000, maxInterimResponses: 10 };

/** Gives the pieces to a reader, one after the other, until it takes no more. Each character is one octet. */
export function heard(pieces: string | readonly string[], options: Partial<ReaderOptions> = {}): Heard {
  const parts: Part[] = [];
  const reader = new ResponseReader(
    { ...generous, ...options },
    {
      interim: (head) => void parts.push({ kind: 'interim', head }),
      head: (head) => void parts.push({ kind: 'head', head }),
      content: (octets) => {
        const text = Buffer.from(octets).toString('latin1');
        const last = parts.at(-1);
        if (last?.kind === 'content') parts.splice(-1, 1, { kind: 'content', octets: last.octets + text });
        else parts.push({ kind: 'content', octets: text });
      },
      end: (trailers) => void parts.push({ kind: 'end', trailers }),
    },
  );
  const all = typeof pieces === 'string' ? [pieces] : pieces;
  for (const [i, piece] of all.entries()) {
    const reading = reader.read(Buffer.from(piece, 'latin1'));
    if (reading.kind === 'more') continue;
    const behind = all.slice(i + 1).reduce((sum, { length }) => sum + length, 0);
    const rest = reading.kind === 'complete' ? reading.rest + behind : 0;
    return { parts, reading: named(reading), rest, reader };
  }
  return { parts, reading: 'more', rest: 0, reader };
}

/** How a reading ends, with the type of its error. */
export function named(reading: Reading): Heard['reading'] {
  return reading.kind === 'failed' ? `failed: ${reading.error.type}` : reading.kind;
}

/** The final head among the parts. */
export function headOf({ parts }: Heard): ResponseHead | undefined {
  for (const part of parts) if (part.kind === 'head') return part.head;
  return undefined;
}

/** The content among the parts. */
export function contentOf({ parts }: Heard): string {
  return parts.map((part) => (part.kind === 'content' ? part.octets : '')).join('');
}

/** The trailers of a response that came to its end; nothing when none did. */
export function trailersOf({ parts }: Heard): Fields | undefined {
  const last = parts.at(-1);
  return last?.kind === 'end' ? last.trailers : undefined;
}
