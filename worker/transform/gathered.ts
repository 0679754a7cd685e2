// Gathers content that has to be whole before anything can be made of it, up to a bound.
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { type Allowance, createAllowance } from '../cache/keeping.ts';
import { clock } from '../clock.ts';
import { concatenated } from '../concatenated.ts';
import type { Source } from '../exchange/pour.ts';

export type Gathered =
  | { readonly kind: 'whole'; readonly octets: Uint8Array; readonly trailers: Fields }
  /** It is more than that: `source` gives all of it. */
  | { readonly kind: 'more'; readonly source: Source }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Of all contents that are being gathered in this isolate. */
const maxGatheredBytes = 48 * 1024 * 1024;

/** That of the isolate. */
const shares = createAllowance(maxGatheredBytes);

/** Never rejects. Where others hold too much, it is more than can be held, however little it is. */
export async function gathered(source: Source, maxBytes: number, allowance: Allowance = shares): Promise<Gathered> {
  const pieces: Uint8Array[] = [];
  let taken = 0;
  const share = allowance.begin(0, clock.now());
  try {
    for (;;) {
      const piece = await source.next();
      if (piece.kind === 'failed') return piece;
      if (piece.kind === 'end') return { kind: 'whole', octets: concatenated(pieces), trailers: piece.trailers };
      const { length } = piece.octets;
      taken += length;
      pieces.push(piece.octets.slice());
      const fits = share !== undefined && allowance.add(share, length);
      if (taken > maxBytes || !fits) return { kind: 'more', source: ahead(pieces, source) };
    }
  } finally {
    if (share !== undefined) allowance.end(share);
  }
}

/** These pieces, and what follows. */
function ahead(pieces: Uint8Array[], { next, cancel }: Source): Source {
  return {
    next: async () => {
      const octets = pieces.shift();
      return octets === undefined ? next() : { kind: 'octets', octets };
    },
    cancel,
  };
}
