// Content that flows to the client who asked for it and into the store at once, and to those who wait for the same.
import { ProxyError } from '../../../http/proxy-error.ts';
import { type Content, type Entry, type EntryWriter, type Sink, watched } from '../ports.ts';

export interface TeeOptions {
  /** Of the content, where that is known. */
  readonly octets: number | undefined;
  /** Once nobody waits for the content any more, so many octets of it may still come for the store alone. */
  readonly maxUnwatchedOctets: number;
  readonly maxUnwatchedMs: number;
  /** Hears when the content has ended: with the entry that it has become, if it has. Before the client hears it. */
  readonly onOver: (entry: Entry | undefined) => void;
}

export interface Tee {
  /** For the client who asked. It is what lets the content flow: at its pace, unless others wait for the same. */
  readonly content: Content;
  /** For one more client: all of it from its beginning, at a pace of its own. Nothing once it has ended or is not stored. */
  join(): Content | undefined;
}

/** Begins when the client's content flows or is cancelled. */
export function teed(source: Content, writer: EntryWriter, options: TeeOptions): Tee {
  let client: Sink | undefined;
  let isClientSlow = false;
  let isStoreSlow = false;
  /** What the client reads instead of the source, once others must not wait for it. */
  let behind: { readonly content: Content; readonly to: Sink; isFlowing: boolean } | undefined;
  let hasLeft = false;
  let hasBegun = false;
  let isOver = false;
  let received = 0;
  let joined = 0;
  let unwatched: { left: number; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  const over = (entry: Entry | undefined) => {
    isOver = true;
    if (unwatched !== undefined) clearTimeout(unwatched.timer);
    options.onOver(entry);
  };
  const giveUp = () => {
    if (isOver) return;
    source.cancel();
    writer.abort(new ProxyError('http_request_error', 'Nobody waits for the content any more.'));
    over(undefined);
  };
  const begin = () => {
    if (hasBegun) return;
    hasBegun = true;
    source.flow({
      write: (octets) => {
        if (isOver) return true;
        received += octets.length;
        if (!writer.write(octets)) {
          isStoreSlow = true;
          writer.onDrain(onDrain);
        }
        if (client !== undefined && !client.write(octets)) {
          isClientSlow = true;
          leaveBehind();
        }
        if (unwatched !== undefined) {
          unwatched.left -= octets.length;
          if (unwatched.left < 0) giveUp();
        }
        return !isStoreSlow && !isClientSlow;
      },
      end: (trailers) => {
        if (isOver) return;
        over(writer.commit(trailers));
        client?.end(trailers);
      },
      fail: (error) => {
        if (isOver) return;
        writer.abort(error);
        over(undefined);
        client?.fail(error);
      },
    });
  };
  const onDrain = () => {
    isStoreSlow = false;
    proceed();
  };
  const proceed = () => {
    if (!isOver && hasBegun && !isStoreSlow && !isClientSlow) source.resume();
  };
  /** A slow client holds nobody else: it goes on from what is stored, at its own pace. */
  const leaveBehind = () => {
    if (!isClientSlow || joined === 0 || client === undefined || isOver || writer.isGivenUp) return;
    behind = { content: skipping(follow(), received), to: client, isFlowing: false };
    client = undefined;
    isClientSlow = false;
  };
  const follow = (): Content => {
    joined++;
    return watched(writer.follow(), () => {
      joined--;
      settle();
    });
  };
  /** Without anybody who waits, what is left of the content is worth its octets only where they are few. */
  const settle = () => {
    if (isOver || unwatched !== undefined || !hasLeft || joined > 0) return;
    const { octets, maxUnwatchedOctets, maxUnwatchedMs } = options;
    if (octets !== undefined && octets - received > maxUnwatchedOctets) {
      giveUp();
      return;
    }
    unwatched = { left: maxUnwatchedOctets, timer: setTimeout(giveUp, maxUnwatchedMs) };
    unwatched.timer.unref();
    begin();
    proceed();
  };
  return {
    content: {
      flow: (sink) => {
        client = sink;
        begin();
      },
      resume: () => {
        if (behind === undefined) {
          isClientSlow = false;
          proceed();
        } else if (behind.isFlowing) behind.content.resume();
        else {
          behind.isFlowing = true;
          behind.content.flow(behind.to);
        }
      },
      cancel: () => {
        if (hasLeft) return;
        hasLeft = true;
        client = undefined;
        isClientSlow = false;
        behind?.content.cancel();
        settle();
      },
    },
    join: () => {
      if (isOver || writer.isGivenUp) return undefined;
      if (unwatched !== undefined) clearTimeout(unwatched.timer);
      unwatched = undefined;
      const content = follow();
      leaveBehind();
      proceed();
      return content;
    },
  };
}

/** The content without its first octets. */
function skipping(content: Content, octets: number): Content {
  let left = octets;
  return {
    ...content,
    flow: (sink) =>
      content.flow({
        write: (piece) => {
          if (left >= piece.length) {
            left -= piece.length;
            return true;
          }
          const rest = left === 0 ? piece : piece.subarray(left);
          left = 0;
          return sink.write(rest);
        },
        end: (trailers) => sink.end(trailers),
        fail: (error) => sink.fail(error),
      }),
  };
}
