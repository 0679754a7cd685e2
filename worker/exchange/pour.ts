// Carries content piece by piece to the agent, to whoever keeps it, or to both. Its end is never taken for granted.
import type { Fields } from '../../http/fields.ts';
import { errorShape, type ProxyError } from '../../http/proxy-error.ts';
import type { EndRecord } from '../../schemas/relay.ts';
import type { Mark } from './marked.ts';

export type Piece =
  /** Valid until the next piece is asked for. */
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'end'; readonly trailers: Fields }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Content as it comes from upstream. */
export interface Source {
  /** Never rejects. What comes last comes again. */
  next(): Promise<Piece>;
  /** Lets go of upstream; a piece that is waited for fails. */
  cancel(): void;
}

/** No content. */
export const emptySource: Source = wholeSource(new Uint8Array());

/** Content that is there already. */
export function wholeSource(octets: Uint8Array, trailers: Fields = []): Source {
  let left = octets.length > 0;
  return {
    next: async () => {
      if (!left) return { kind: 'end', trailers };
      left = false;
      return { kind: 'octets', octets };
    },
    cancel: () => undefined,
  };
}

/** Hears content on its way, to keep it. */
export interface Keeper {
  /** Takes a copy. False: it wants no more, and has given up. */
  take(octets: Uint8Array): boolean;
  /** That was all of it. */
  end(trailers: Fields): void;
  /** It will not be whole. */
  giveUp(): void;
}

/** What is still read for a keeper alone, when the agent has left. More than that is not worth it. */
const maxAloneBytes = 1024 * 1024;

/** How long that may take: platforms end what goes on for longer. */
const maxAloneMs = 15_000;

export interface Pouring {
  readonly source: Source;
  /** Closed by a clean end; broken where the content is, unless a mark tells it. */
  readonly writable: WritableStream<Uint8Array>;
  readonly mark?: Mark | undefined;
  readonly keeper?: Keeper | undefined;
  /** Of the content, where that is known. */
  readonly octets?: number | undefined;
  /** Of transformed content: how many octets of the origin's it was made of, so far. */
  readonly octetsBefore?: (() => number) | undefined;
}

/**
 * Gives content on at the pace of the agent. One that leaves ends it, unless a keeper has nearly all of it; that it has
 * left shows only when there is something to give it. Never rejects.
 */
export async function pour({ source, writable, mark, keeper, octets, octetsBefore }: Pouring): Promise<void> {
  const writer = writable.getWriter();
  let taken = 0;
  let listening = keeper;
  let isLeft = false;
  const leave = () => {
    if (isLeft) return;
    isLeft = true;
    // Of unknown length it may be nearly over.
    if (listening === undefined || (octets ?? taken) - taken > maxAloneBytes) source.cancel();
  };
  writer.closed.catch(leave);
  for (;;) {
    const piece = await source.next();
    if (isLeft) {
      writer.abort().catch(() => undefined);
      return finishAlone(piece, source, listening);
    }
    if (piece.kind !== 'octets') {
      tell(piece, listening);
      return end(piece, writer, mark, octetsBefore?.()).finally(source.cancel);
    }
    taken += piece.octets.length;
    if (listening?.take(piece.octets) === false) listening = undefined;
    await writer.write(piece.octets).catch(leave);
  }
}

/** Reads content for a keeper only. Never rejects. */
export function drain(source: Source, keeper: Keeper): Promise<void> {
  return finishAlone(undefined, source, keeper, Number.POSITIVE_INFINITY);
}

async function finishAlone(
  first: Piece | undefined,
  source: Source,
  keeper: Keeper | undefined,
  maxBytes = maxAloneBytes,
): Promise<void> {
  const timer = setTimeout(source.cancel, maxAloneMs);
  let piece = first ?? (await source.next());
  let taken = 0;
  while (piece.kind === 'octets' && keeper !== undefined) {
    taken += piece.octets.length;
    if (taken > maxBytes || !keeper.take(piece.octets)) break;
    piece = await source.next();
  }
  clearTimeout(timer);
  tell(piece, keeper);
  source.cancel();
}

function tell(last: Piece, keeper: Keeper | undefined): void {
  if (last.kind === 'end') keeper?.end(last.trailers);
  else keeper?.giveUp();
}

async function end(
  last: Exclude<Piece, { kind: 'octets' }>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  mark: Mark | undefined,
  octetsBefore: number | undefined,
): Promise<void> {
  try {
    if (mark !== undefined) await writer.write(mark.ending(recordOf(last, octetsBefore)));
    else if (last.kind === 'failed') throw last.error; // broken off, never ended
    await writer.close();
  } catch (cause) {
    writer.abort(cause).catch(() => undefined);
  }
}

function recordOf(last: Exclude<Piece, { kind: 'octets' }>, octetsBefore: number | undefined): EndRecord {
  if (last.kind === 'failed') return { outcome: 'failed', error: errorShape(last.error) };
  const { trailers } = last;
  return {
    outcome: 'complete',
    ...(trailers.length > 0 && { trailers }),
    ...(octetsBefore !== undefined && { octetsBefore }),
  };
}
