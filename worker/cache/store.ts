// Where the edge keeps responses: what the three stores have in common. A store's failures are misses.
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { CacheStoreName } from '../../schemas/api.ts';

/** A stored response in its place. */
export interface Entry {
  readonly stored: StoredResponse;
  /** The agent's generations under which it was stored. */
  readonly generation: string;
  /** The whole content; nothing when it has been lost. */
  content(): Promise<Uint8Array | undefined>;
}

/** No method rejects. Keys are any text; to a store they are but names. */
export interface Store {
  readonly name: Exclude<CacheStoreName, 'none'>;
  /** The most that the content of an entry may have. */
  readonly maxEntryBytes: number;
  /** All that is stored under a key, the latest first. */
  find(key: string): Promise<readonly Entry[]>;
  /**
   * Puts a response in the place of those with the same key, generation, selecting fields and part. `content`: octets,
   * which are the store's from now on, or an entry whose content gets this head.
   */
  keep(key: string, response: Kept, content: Uint8Array | Entry): Promise<void>;
  /** Removes all that is stored under a key. */
  remove(key: string): Promise<void>;
}

export type Kept = Pick<Entry, 'stored' | 'generation'>;

/** Entries under one key: variants, generations and parts. The oldest ones go. */
export const maxEntriesPerKey = 16;

/**
 * The entries under a key with one more, which takes the place of those that are there for the same requests. Nothing
 * changes when one of these is newer: it came while the other one was on its way.
 */
export function shelved<E extends Kept>(entries: readonly E[], entry: E): readonly E[] {
  const replaced = entries.filter((other) => isForSame(entry, other));
  if (replaced.some(({ stored }) => stored.responseTime > entry.stored.responseTime)) return entries;
  return [entry, ...entries.filter((other) => !replaced.includes(other))].slice(0, maxEntriesPerKey);
}

function isForSame(one: Kept, other: Kept): boolean {
  return (
    one.generation === other.generation &&
    one.stored.transformKey === other.stored.transformKey &&
    JSON.stringify(one.stored.selecting) === JSON.stringify(other.stored.selecting) &&
    one.stored.part?.first === other.stored.part?.first
  );
}
