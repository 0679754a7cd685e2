// The content of a request, kept while it is small, so that another route can be given it from its beginning.
import { finished, Readable } from 'node:stream';

export interface Replay {
  /** `untouched`: not an octet has been read. `lost`: octets have passed that were not kept. */
  readonly state: 'untouched' | 'kept' | 'lost';
  /** The content from its beginning, for the next attempt. Not once it is lost. */
  open(): Readable;
}

/** Keeps up to `maxReplayBytes` of what passes. Backpressure reaches the source. */
export function replayOf(source: Readable, maxReplayBytes: number): Replay {
  let kept: Buffer[] | undefined = [];
  let keptBytes = 0;
  let reader: Readable | undefined;
  let ending: { readonly cause: Error | null | undefined } | undefined;
  let isFlowing = false;
  const end = (to: Readable) => {
    const cause = source.errored ?? ending?.cause; // the end of a stream is told a moment after it has failed
    if (cause != null) to.destroy(cause);
    else if (ending !== undefined) to.push(null);
  };
  const onData = (octets: Buffer) => {
    keptBytes += octets.length;
    if (keptBytes > maxReplayBytes) kept = undefined;
    kept?.push(octets);
    if (reader?.push(octets) !== true) source.pause();
  };
  finished(source, { writable: false }, (cause) => {
    ending = { cause };
    if (reader !== undefined) end(reader);
  });
  const pull = () => {
    if (!isFlowing) source.on('data', onData);
    isFlowing = true;
    source.resume();
  };
  return {
    get state() {
      if (kept === undefined) return 'lost';
      return keptBytes === 0 ? 'untouched' : 'kept';
    },
    open: () => {
      const next = new Readable({ read: pull });
      next.on('error', () => undefined); // a reader that comes later finds it
      reader = next;
      for (const octets of kept ?? []) next.push(octets);
      end(next);
      return next;
    },
  };
}
