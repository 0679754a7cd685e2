// Responses in the memory of the isolate: plain octets and plain heads, which may cross requests. Least recently used first.
import type { StoredResponse } from '../../http/caching/stored.ts';
import { type Entry, type Kept, type Store, shelved } from './store.ts';

export interface MemoryLimits {
  /** Of all heads and contents together. */
  readonly maxBytes: number;
  readonly maxEntryBytes: number;
}

interface MemoryEntry extends Entry {
  readonly octets: Uint8Array;
}

/** Keeps responses as long as the isolate lives. */
export function createMemoryStore({ maxBytes, maxEntryBytes }: MemoryLimits): Store {
  /** The least recently used first. */
  const shelves = new Map<string, readonly MemoryEntry[]>();
  let bytes = 0;

  const put = (key: string, entries: readonly MemoryEntry[]) => {
    drop(key);
    if (entries.length === 0) return;
    shelves.set(key, entries);
    bytes += sizeOf(key, entries);
  };
  const drop = (key: string) => {
    const entries = shelves.get(key);
    if (entries === undefined) return;
    shelves.delete(key);
    bytes -= sizeOf(key, entries);
  };
  return {
    name: 'memory',
    maxEntryBytes,
    find: async (key) => {
      const entries = shelves.get(key);
      if (entries === undefined) return [];
      shelves.delete(key);
      shelves.set(key, entries);
      return entries;
    },
    keep: async (key, { stored, generation }: Kept, content) => {
      const octets = content instanceof Uint8Array ? content : (content as MemoryEntry).octets;
      if (octets.length > maxEntryBytes) return;
      const entry: MemoryEntry = { stored, generation, octets, content: async () => octets };
      put(key, shelved(shelves.get(key) ?? [], entry));
      for (const oldest of shelves.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    remove: async (key) => drop(key),
  };
}

/** What an entry takes beside what can be counted: objects, arrays, and its place in the map. */
const overheadBytes = 1024;

function sizeOf(key: string, entries: readonly MemoryEntry[]): number {
  return entries.reduce(
    (sum, { stored, octets }) => sum + octets.buffer.byteLength + headBytes(stored),
    key.length * 2,
  );
}

function headBytes({ fields, trailers = [], url, selecting }: StoredResponse): number {
  const lines = [...fields, ...trailers, ...selecting];
  return lines.reduce(
    (sum, [name, value = '']) => sum + 2 * (name.length + value.length) + 64,
    overheadBytes + url.length,
  );
}
