// Replaces texts in content, piece by piece, in time linear in its length: each text is looked for by its own prefix table.
import type { Transform } from '../../schemas/transform.ts';
import { concatenated } from '../concatenated.ts';
import type { Source } from '../exchange/pour.ts';

/** Takes octets in pieces of any size, and gives what is certain of the result. */
export interface Replacing {
  take(octets: Uint8Array): Uint8Array;
  /** What was held back: it was but the beginning of a text. */
  end(): Uint8Array;
}

const encoder = new TextEncoder();

/** One replacement after the other: each finds what those before it have left and made. */
export function replacing(replacements: NonNullable<Transform['replace']>): Replacing {
  const each = replacements.map(({ find, with: put }) => replacingOne(encoder.encode(find), encoder.encode(put)));
  return {
    take: (octets) => each.reduce((piece, one) => one.take(piece), octets),
    end: () => {
      let rest: Uint8Array = new Uint8Array();
      for (const one of each) rest = concatenated([one.take(rest), one.end()]);
      return rest;
    },
  };
}

/** Occurrences from left to right, which do not overlap. Held back is only what `find` begins with. */
function replacingOne(find: Uint8Array, put: Uint8Array): Replacing {
  const shorter = prefixTable(find);
  let matched = 0;
  return {
    take: (piece) => {
      let at = matched;
      const octets = at === 0 ? piece : concatenated([find.subarray(0, at), piece]);
      const out: Uint8Array[] = [];
      let given = 0;
      while (at < octets.length) {
        if (matched === 0) {
          const next = octets.indexOf(find[0] as number, at);
          if (next === -1) break;
          at = next;
        }
        while (matched > 0 && octets[at] !== find[matched]) matched = shorter[matched - 1] as number;
        if (octets[at] === find[matched]) matched++;
        at++;
        if (matched < find.length) continue;
        out.push(octets.subarray(given, at - matched), put);
        given = at;
        matched = 0;
      }
      out.push(octets.subarray(given, octets.length - matched));
      return concatenated(out);
    },
    end: () => {
      const rest = find.slice(0, matched);
      matched = 0;
      return rest;
    },
  };
}

/** For each prefix, how long the longest of its own beginnings is that it ends with. */
function prefixTable(find: Uint8Array): number[] {
  const table = [0];
  let length = 0;
  for (let at = 1; at < find.length; at++) {
    while (length > 0 && find[at] !== find[length]) length = table[length - 1] as number;
    if (find[at] === find[length]) length++;
    table.push(length);
  }
  return table;
}

/** The most that is made of content at once, as long as no single octet makes more. */
const maxMadeBytes = 256 * 1024;

/** Content with its texts replaced on the way. It is taken in pieces so small that what they make is of bounded size. */
export function replaced(source: Source, replacements: NonNullable<Transform['replace']>): Source {
  const stage = replacing(replacements);
  const takenBytes = Math.max(1, Math.floor(maxMadeBytes / growth(replacements)));
  let waiting: Uint8Array = new Uint8Array();
  let hasEnded = false;
  return {
    next: async () => {
      for (;;) {
        while (waiting.length > 0) {
          const octets = stage.take(waiting.subarray(0, takenBytes));
          waiting = waiting.subarray(takenBytes);
          if (octets.length > 0) return { kind: 'octets', octets };
        }
        const piece = await source.next();
        if (piece.kind === 'failed' || (piece.kind === 'end' && hasEnded)) return piece;
        if (piece.kind === 'octets')
          waiting = piece.octets; // good until the source is asked again
        else {
          hasEnded = true;
          const octets = stage.end();
          if (octets.length > 0) return { kind: 'octets', octets };
          return piece;
        }
      }
    },
    cancel: source.cancel,
  };
}

/** How many octets one octet can become. */
function growth(replacements: NonNullable<Transform['replace']>): number {
  return replacements.reduce(
    (product, { find, with: put }) => product * Math.max(1, encoder.encode(put).length / encoder.encode(find).length),
    1,
  );
}
