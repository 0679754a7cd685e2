// What the verbs and the control port may ask of the agent's store beyond the walk's needs.
import type { Entry } from '../proxy/ports.ts';

/** What a purge takes away: URLs are canonical; a host is a name or address, with or without a port. */
export type PurgeMatch =
  | { readonly kind: 'all' }
  | { readonly kind: 'url'; readonly url: string }
  /** Every URL whose text begins so. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** Every scheme, and every port unless one is named. */
  | { readonly kind: 'host'; readonly host: string };

export interface CacheAdmin {
  /** Takes away what matches, from memory and disk, at once. Gives how many entries there were. */
  purge(match: PurgeMatch): number;
  /** The latest used first. `maxEntries` of them at most. */
  list(match: PurgeMatch, maxEntries: number): readonly ListedEntry[];
  stat(): StoreStatistics;
  /** Writes down what is on its way to the disk; nothing may be asked of the store afterwards. */
  close(): Promise<void>;
}

export interface ListedEntry {
  readonly entry: Entry;
  readonly isInMemory: boolean;
  readonly isOnDisk: boolean;
}

/** Octets are those held as the bounds count them: heads and content in memory, whole blocks and the index on disk. */
export interface StoreStatistics {
  readonly entries: number;
  readonly memory: { readonly octets: number; readonly maxOctets: number; readonly entries: number };
  readonly disk: {
    /** `off`: none was asked for; `unusable`: its folder could not be used, so that entries are in memory only. */
    readonly state: 'open' | 'off' | 'unusable';
    /** A sentence's fragment, where it is unusable. */
    readonly because?: string;
    readonly octets: number;
    readonly maxOctets: number;
    readonly entries: number;
  };
  /** Since the start. */
  readonly stored: number;
  /** Given up for the bounds' sake, since the start. */
  readonly evicted: number;
  /** Whose content the disk could not take or give, since the start. */
  readonly lost: number;
}
