// The content of a reply that is made of what is stored.
import type { Piece } from '../../../http/caching/reply.ts';
import type { Fields } from '../../../http/fields.ts';
import type { ProxyError } from '../../../http/proxy-error.ts';
import type { CacheStore, Content, Entry, Sink } from '../ports.ts';

/** Content up to here is given in one piece where it is in memory: the client's pace changes nothing then. */
const maxPieceOctets = 1024 * 1024;

/**
 * What these pieces of an entry's content make. At once where they are in memory; else once the first octets have come
 * from the disk, and nothing where the disk has lost them.
 */
export function storedContent(
  store: CacheStore,
  entry: Entry,
  pieces: readonly Piece[],
  trailers: Fields = noTrailers,
): StoredContent | Promise<Content | undefined> {
  const held = store.octets(entry);
  const isSmall = held !== undefined && held.length <= maxPieceOctets;
  const partOf = (piece: Piece): Content => {
    if ('text' in piece) return heldContent(Buffer.from(piece.text, 'latin1'), noTrailers);
    const { first, last } = piece;
    return isSmall ? heldContent(held.subarray(first, last + 1), noTrailers) : store.content(entry, first, last);
  };
  const [only, ...others] = pieces;
  if (only === undefined) return heldContent(nothingHeld, trailers);
  if (isSmall && others.length === 0 && !('text' in only)) {
    const isWhole = only.first === 0 && only.last === held.length - 1;
    return heldContent(isWhole ? held : held.subarray(only.first, only.last + 1), trailers);
  }
  const content = inSequence(pieces.map(partOf), trailers);
  return held === undefined ? opened(content) : content;
}

const noTrailers: Fields = [];
const nothingHeld = Buffer.alloc(0);

/** Content that may be there already, all of it. */
export interface StoredContent extends Content {
  readonly held?: Buffer | undefined;
}

/** Octets that are there, followed by the trailer section. */
export function heldContent(octets: Buffer, trailers: Fields): StoredContent {
  return {
    held: trailers.length === 0 ? octets : undefined,
    flow: (sink) => {
      if (octets.length > 0) sink.write(octets);
      sink.end(trailers);
    },
    resume: nothing,
    cancel: nothing,
  };
}

function nothing(): void {}

/** One content after the other. Each begins when the one before it has ended. */
export function inSequence(parts: readonly Content[], trailers: Fields): Content {
  let at = 0;
  const next = (sink: Sink): void => {
    const part = parts[at];
    if (part === undefined) sink.end(trailers);
    else
      part.flow({
        write: (octets) => sink.write(octets),
        end: () => {
          at++;
          next(sink);
        },
        fail: (error) => sink.fail(error),
      });
  };
  return { flow: next, resume: () => parts[at]?.resume(), cancel: () => parts[at]?.cancel() };
}

/** The content once its first octets have come, which it holds until it flows; nothing where it fails before that. */
export function opened(content: Content): Promise<Content | undefined> {
  return new Promise((resolve) => {
    let sink: Sink | undefined;
    let first: Buffer[] = [];
    let ending: ((to: Sink) => void) | undefined;
    const itself: Content = {
      flow: (to) => {
        sink = to;
        let wantsMore = true;
        for (const octets of first) wantsMore = to.write(octets);
        first = [];
        if (ending !== undefined) ending(to);
        else if (wantsMore) content.resume();
      },
      resume: () => content.resume(),
      cancel: () => content.cancel(),
    };
    const endWith = (tell: (to: Sink) => void) => {
      if (sink !== undefined) tell(sink);
      else {
        ending = tell;
        resolve(itself);
      }
    };
    content.flow({
      write: (octets) => {
        if (sink !== undefined) return sink.write(octets);
        first.push(octets);
        resolve(itself);
        return false;
      },
      end: (trailers) => endWith((to) => to.end(trailers)),
      fail: (error: ProxyError) => {
        if (sink === undefined && first.length === 0) resolve(undefined);
        else endWith((to) => to.fail(error));
      },
    });
  });
}
