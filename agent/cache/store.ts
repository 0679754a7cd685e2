// The agent's store: heads in memory, content in memory over content on disk, the least recently used given up first.
import type { CacheStore } from '../proxy/ports.ts';
import type { CacheAdmin, ListedEntry, StoreStatistics } from './admin.ts';
import { Bounded } from './bounded.ts';
import { framed, openDisk } from './disk.ts';
import { headText } from './frames.ts';
import { createIntake } from './intake.ts';
import { createOutlet, nothing } from './outlet.ts';
import { purgeMatcher } from './purge-match.ts';
import { createRestoring, framesOf, orderOf } from './restore.ts';
import { Slot } from './slot.ts';

export interface StoreOptions {
  /** Where the disk's part lives; it is made when it is not there. */
  readonly folder: string;
  /** Of heads and content in memory. */
  readonly memoryBytes: number;
  /** Of content and index on disk; 0 keeps nothing there. */
  readonly diskBytes: number;
  /** Of the content of one entry. */
  readonly maxEntryBytes: number;
  /** Tells the person at the terminal that the disk cannot be used. */
  readonly say: (sentence: string) => void;
}

export type Store = CacheStore & CacheAdmin;

/** Content that is held whole on its way to the disk, and that is taken back into memory as a whole. */
const maxHeldContentOctets = 1024 * 1024;

/** Opens the store with what it held before. Never fails: without a usable folder it holds entries in memory only. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { folder, memoryBytes, diskBytes, maxEntryBytes, say } = options;
  const bounded = new Bounded(memoryBytes, diskBytes);
  const because = diskBytes > 0 ? await restore(bounded, folder, say) : () => undefined;
  const maxHeldOctets = Math.min(maxHeldContentOctets, Math.floor(memoryBytes / 8));
  const intake = createIntake(bounded, { memoryBytes, maxEntryBytes, maxHeldOctets });
  const outlet = createOutlet(bounded, maxHeldOctets);
  return {
    find: (key) => {
      const slots = bounded.withKey(key);
      for (let i = slots.length - 1; i >= 0; i--) bounded.use(slots[i] as Slot);
      if (bounded.memoryOctets > memoryBytes) bounded.fit();
      return slots;
    },
    octets: (entry) => {
      if (!(entry instanceof Slot)) return undefined;
      return entry.octets === 0 ? nothing : entry.held;
    },
    content: (entry, first, last) => outlet.content(entry as Slot, first, last),
    begin: intake.begin,
    update: (entry, head) => {
      if (!(entry instanceof Slot) || !bounded.has(entry)) return undefined;
      const slot = new Slot({ ...framed(entry), url: head.url, head: headText(head) }, entry.state);
      bounded.replace(entry, slot);
      bounded.fit();
      return bounded.has(slot) ? slot : undefined;
    },
    remove: (entry) => {
      if (entry instanceof Slot && bounded.has(entry)) bounded.remove(entry);
    },
    purge: (match) => {
      const matches = purgeMatcher(match);
      intake.giveUp(matches);
      const slots = [...bounded.all()].filter(({ url }) => matches(url));
      for (const slot of slots) bounded.remove(slot);
      return slots.length;
    },
    list: (match, maxEntries) => {
      const matches = purgeMatcher(match);
      const listed: ListedEntry[] = [];
      for (const slot of bounded.recency) {
        if (listed.length >= maxEntries) break;
        if (matches(slot.url)) listed.push({ entry: slot, isInMemory: isHeld(slot), isOnDisk: isOnDisk(slot) });
      }
      return listed;
    },
    stat: (): StoreStatistics => {
      const reason = because();
      const slots = [...bounded.all()];
      return {
        entries: slots.length,
        memory: { octets: bounded.memoryOctets, maxOctets: memoryBytes, entries: slots.filter(isHeld).length },
        disk: {
          state: diskBytes === 0 ? 'off' : reason === undefined ? 'open' : 'unusable',
          ...(reason !== undefined && { because: reason }),
          octets: bounded.disk?.octets ?? 0,
          maxOctets: diskBytes,
          entries: slots.filter(isOnDisk).length,
        },
        stored: intake.stored,
        evicted: bounded.evicted,
        lost: intake.lost + outlet.lost,
      };
    },
    close: async () => {
      await intake.idle();
      await bounded.disk?.close(orderOf(bounded));
    },
  };
}

/** Fills the store from its folder. Gives what tells why the disk cannot be used, once it cannot. */
async function restore(bounded: Bounded, folder: string, say: (sentence: string) => void) {
  let because: string | undefined;
  const giveUp = (reason: string) => {
    because = reason;
    say(`the cache is in memory only, for the folder ${folder} cannot be used: ${reason}`);
  };
  const opened = await openDisk({ folder, onFrame: createRestoring(bounded), onFailure: giveUp });
  if (opened.kind === 'unusable') giveUp(opened.because);
  else {
    bounded.disk = opened.disk;
    for (const slot of bounded.all()) opened.disk.found(slot);
    bounded.makeRoom(0);
    bounded.fit();
    void opened.disk.follow(
      () => framesOf(bounded),
      (id) => bounded.withId(id) !== undefined,
    );
  }
  return () => because;
}

function isHeld({ held, octets }: Slot): boolean {
  return held !== undefined || octets === 0;
}

function isOnDisk({ state }: Slot): boolean {
  return state === 'on disk';
}
