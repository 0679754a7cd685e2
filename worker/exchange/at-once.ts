// Reads content that comes together with its head, so that it can be given on in one piece: half the work of pouring it.
import type { Piece, Source } from './pour.ts';

/** More than this rarely comes at once, and is given on as it comes. */
export const maxAtOnceBytes = 64 * 1024;

/** How long the head waits for it. */
const maxWaitMs = 10;

export type AtOnce =
  | { readonly kind: 'whole'; readonly octets: Uint8Array }
  /** It comes later, or not: `source` gives all of it. */
  | { readonly kind: 'begun'; readonly source: Source };

/** Waits a moment for content of so many octets. Never rejects. */
export async function atOnce(source: Source, octets: number): Promise<AtOnce> {
  const whole = new Uint8Array(octets);
  let filled = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, maxWaitMs);
  });
  try {
    while (filled < octets) {
      const coming = source.next();
      const piece = await Promise.race([coming, late]);
      if (piece?.kind !== 'octets' || filled + piece.octets.length > octets) {
        return { kind: 'begun', source: continued(whole.subarray(0, filled), coming, source) };
      }
      whole.set(piece.octets, filled);
      filled += piece.octets.length;
    }
    void source.next(); // the end, which lets go of the connection
    return { kind: 'whole', octets: whole };
  } finally {
    clearTimeout(timer);
  }
}

/** What has been read, what is being read, and the rest. */
function continued(read: Uint8Array, coming: Promise<Piece>, { next, cancel }: Source): Source {
  const first: (() => Piece | Promise<Piece>)[] = [() => coming];
  if (read.length > 0) first.unshift(() => ({ kind: 'octets', octets: read }));
  return { next: async () => (first.shift() ?? next)(), cancel };
}
