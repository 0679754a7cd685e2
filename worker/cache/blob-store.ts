// Responses as named octets in a place of the platform: for each key an index of heads, for each content one more.
import type { StoredResponse } from '../../http/caching/stored.ts';
import { type Entry, type Store, shelved } from './store.ts';

/** Named octets. Methods may reject. */
export interface Blobs {
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, octets: Uint8Array): Promise<void>;
  delete(name: string): Promise<void>;
}

/** What is written in another format is not there. To be counted up when `StoredResponse` changes. */
const format = 1;

interface BlobEntry extends Entry {
  /** Name of the content. */
  readonly name: string;
}

type IndexLine = readonly [name: string, generation: string, stored: StoredResponse];

/**
 * Keeps responses in a place for blobs. Of two that are kept under one key at the same time one may get lost, and nothing
 * else: a content has a name of its own, and is written before the index that names it.
 */
export function createBlobStore(name: Store['name'], maxEntryBytes: number, blobs: Blobs): Store {
  const read = async (index: string): Promise<readonly BlobEntry[]> => {
    const octets = await blobs.get(index);
    return octets === undefined ? [] : linesOf(octets).map((line) => entryOf(line, blobs));
  };
  const write = async (index: string, before: readonly BlobEntry[], after: readonly BlobEntry[]) => {
    await (after.length === 0 ? blobs.delete(index) : blobs.put(index, indexOf(after)));
    const names = new Set(after.map((entry) => entry.name));
    await Promise.all(before.filter((entry) => !names.has(entry.name)).map((entry) => blobs.delete(entry.name)));
  };
  return {
    name,
    maxEntryBytes,
    find: async (key) => read(await indexName(key)).catch(noEntries),
    keep: async (key, kept, content) => {
      try {
        if (content instanceof Uint8Array && content.length > maxEntryBytes) return;
        const index = await indexName(key);
        const entry = entryOf([await contentName(index, content, blobs), kept.generation, kept.stored], blobs);
        const before = await read(index);
        await write(index, content instanceof Uint8Array ? [entry, ...before] : before, shelved(before, entry));
      } catch {
        // it is a miss then
      }
    },
    remove: async (key) => {
      const index = await indexName(key);
      await write(index, await read(index).catch(noEntries), []).catch(noEntries);
    },
  };
}

async function contentName(index: string, content: Uint8Array | Entry, blobs: Blobs): Promise<string> {
  if (!(content instanceof Uint8Array)) return (content as BlobEntry).name;
  const name = `${index}/${crypto.randomUUID()}`;
  await blobs.put(name, content);
  return name;
}

function entryOf([name, generation, stored]: IndexLine, blobs: Blobs): BlobEntry {
  return {
    name,
    generation,
    stored,
    content: async () => {
      const octets = await blobs.get(name).catch(noOctets);
      return octets?.length === stored.octets ? octets : undefined;
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function indexOf(entries: readonly BlobEntry[]): Uint8Array {
  const lines = entries.map(({ name, generation, stored }): IndexLine => [name, generation, stored]);
  return encoder.encode(JSON.stringify({ format, lines }));
}

/** JSON has null where a request had no such field. */
function linesOf(octets: Uint8Array): readonly IndexLine[] {
  const index: { format: number; lines: IndexLine[] } = JSON.parse(decoder.decode(octets));
  if (index.format !== format) return [];
  return index.lines.map(([name, generation, stored]) => {
    const selecting = stored.selecting.map(([field, value]) => [field, value ?? undefined] as const);
    return [name, generation, { ...stored, selecting }];
  });
}

/** Keys are longer than names may be, and tell what somebody reads. */
async function indexName(key: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(key));
  return new Uint8Array(digest).toHex();
}

const noEntries = (): readonly BlobEntry[] => [];
const noOctets = () => undefined;
