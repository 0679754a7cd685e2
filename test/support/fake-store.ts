// A store of responses in memory only, without bounds, for tests of who uses one.
import type { CacheStore, Content, Entry, EntryWriter, Sink } from '../../agent/proxy/ports.ts';
import { ProxyError } from '../../http/proxy-error.ts';

export interface FakeStore extends CacheStore {
  /** Everything that is stored, under every key. */
  readonly entries: readonly Entry[];
  /** Whether contents are on a disk only, so that they come a moment later. */
  isOnDisk: boolean;
  /** Whether the disk has lost every content. */
  isLost: boolean;
  /** Whether it takes anything. */
  isFull: boolean;
  /** Whether writers ask to wait; `drain` lets them go on. */
  isSlow: boolean;
  drain(): void;
  /** How many responses were begun, and how many of them given up. */
  begun: number;
  aborted: number;
}

export function fakeStore(): FakeStore {
  const byKey = new Map<string, Entry[]>();
  const contents = new Map<Entry, Buffer>();
  let onDrains: (() => void)[] = [];
  const remove = (entry: Entry) => {
    const left = (byKey.get(entry.key) ?? []).filter((other) => other !== entry);
    if (left.length === 0) byKey.delete(entry.key);
    else byKey.set(entry.key, left);
    contents.delete(entry);
  };
  const put = (entry: Entry, octets: Buffer) => {
    const same = (byKey.get(entry.key) ?? []).filter(
      ({ stored }) => JSON.stringify(stored.selecting) === JSON.stringify(entry.stored.selecting),
    );
    for (const old of same) remove(old);
    byKey.set(entry.key, [entry, ...(byKey.get(entry.key) ?? [])]);
    contents.set(entry, octets);
    return entry;
  };
  const store: FakeStore = {
    isOnDisk: false,
    isLost: false,
    isFull: false,
    isSlow: false,
    begun: 0,
    aborted: 0,
    get entries() {
      return [...byKey.values()].flat();
    },
    drain: () => {
      store.isSlow = false;
      const listeners = onDrains;
      onDrains = [];
      for (const listener of listeners) listener();
    },
    find: (key) => byKey.get(key) ?? [],
    octets: (entry) => (store.isOnDisk ? undefined : contents.get(entry)),
    content: (entry, first, last) => fromDisk(() => (store.isLost ? undefined : contents.get(entry)), first, last),
    begin: (key, head) => {
      if (store.isFull) return undefined;
      store.begun++;
      return writer({
        isSlow: () => store.isSlow,
        onDrain: (listener) => {
          onDrains = [...onDrains, listener];
        },
        commit: (octets, trailers) =>
          put({ key, stored: { ...head, octets: octets.length, ...(trailers.length > 0 && { trailers }) } }, octets),
        abort: () => {
          store.aborted++;
        },
      });
    },
    update: (entry, head) => {
      const octets = contents.get(entry);
      if (octets === undefined) return undefined;
      const { trailers } = entry.stored;
      remove(entry);
      return put({ key: entry.key, stored: { ...head, octets: octets.length, ...(trailers && { trailers }) } }, octets);
    },
    remove,
  };
  return store;
}

function fromDisk(find: () => Buffer | undefined, first: number, last: number): Content {
  let isCancelled = false;
  return {
    flow: (sink) =>
      setImmediate(() => {
        if (isCancelled) return;
        const octets = find();
        if (octets === undefined) {
          sink.fail(new ProxyError('proxy_internal_error', 'The disk has lost it.'));
          return;
        }
        sink.write(octets.subarray(first, last + 1));
        setImmediate(() => isCancelled || sink.end([]));
      }),
    resume: () => undefined,
    cancel: () => {
      isCancelled = true;
    },
  };
}

interface WriterPorts {
  readonly isSlow: () => boolean;
  readonly onDrain: (listener: () => void) => void;
  readonly commit: (octets: Buffer, trailers: Parameters<EntryWriter['commit']>[0]) => Entry;
  readonly abort: () => void;
}

function writer(ports: WriterPorts): EntryWriter {
  const pieces: Buffer[] = [];
  const readers = new Set<() => void>();
  let ending: ((sink: Sink) => void) | undefined;
  const tell = () => {
    for (const read of readers) read();
  };
  return {
    isGivenUp: false,
    write: (octets) => {
      pieces.push(octets);
      tell();
      return !ports.isSlow();
    },
    onDrain: ports.onDrain,
    follow: () => {
      let at = 0;
      let isPaused = false;
      let sink: Sink | undefined;
      const read = () => {
        if (sink === undefined || isPaused) return;
        while (at < pieces.length) {
          if (!sink.write(pieces[at++] as Buffer)) {
            isPaused = true;
            return;
          }
        }
        if (ending === undefined) return;
        readers.delete(read);
        ending(sink);
      };
      return {
        flow: (to) => {
          sink = to;
          readers.add(read);
          read();
        },
        resume: () => {
          isPaused = false;
          read();
        },
        cancel: () => void readers.delete(read),
      };
    },
    commit: (trailers) => {
      ending = (sink) => sink.end(trailers);
      const entry = ports.commit(Buffer.concat(pieces), trailers);
      tell();
      return entry;
    },
    abort: (error) => {
      ending = (sink) => sink.fail(error);
      ports.abort();
      tell();
    },
  };
}
