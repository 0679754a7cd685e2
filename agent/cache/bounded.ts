// The entries of the store within its bounds: found by key, in the order of their latest use, counted in octets.
import type { Disk } from './disk.ts';
import { Recency } from './recency.ts';
import type { Slot } from './slot.ts';

/** Stored under one key; the one stored longest ago is given up for one more. */
export const maxEntriesPerKey = 64;

const none: readonly Slot[] = [];

/** Whoever changes what is held calls `fit` then. */
export class Bounded {
  readonly recency = new Recency<Slot>();
  readonly #byKey = new Map<string, readonly Slot[]>();
  readonly #byId = new Map<number, Slot>();
  readonly #memoryBytes: number;
  readonly #diskBytes: number;
  #coldOctets = 0;
  #warmOctets = 0;
  /** Held by contents that are on their way in. */
  growingOctets = 0;
  evicted = 0;
  disk: Disk | undefined;

  constructor(memoryBytes: number, diskBytes: number) {
    this.#memoryBytes = memoryBytes;
    this.#diskBytes = diskBytes;
  }

  get memoryOctets(): number {
    return this.#coldOctets + this.#warmOctets + this.growingOctets;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The latest stored first. What is given does not change. */
  withKey(key: string): readonly Slot[] {
    return this.#byKey.get(key) ?? none;
  }

  withId(id: number): Slot | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Slot> {
    return this.#byId.values();
  }

  has(slot: Slot): boolean {
    return this.#byId.get(slot.id) === slot;
  }

  /** Adds an entry that nobody has used yet. Whoever adds it says what becomes of it in the order of use. */
  add(slot: Slot): void {
    this.#byId.set(slot.id, slot);
    this.#byKey.set(slot.key, [slot, ...this.withKey(slot.key)]);
    this.#coldOctets += slot.coldOctets;
    const oldest = this.withKey(slot.key)[maxEntriesPerKey];
    if (oldest !== undefined) this.#evict(oldest);
  }

  /** Puts those of a key in their order again, where they came in that in which their contents were on disk. */
  putInOrder(key: string): void {
    const slots = this.withKey(key);
    if (slots.length < 2) return;
    this.#byKey.set(
      key,
      [...slots].sort((one, other) => other.stored.responseTime - one.stored.responseTime),
    );
  }

  /** Puts an entry with another head in the place of one, with the same content; it counts as a use. */
  replace(before: Slot, slot: Slot): void {
    slot.held = before.held;
    slot.growing = before.growing;
    this.takeOut(before);
    this.add(slot);
    this.use(slot);
    if (slot.state === 'on disk') this.disk?.put(slot, before);
  }

  /** The content has come back into memory. */
  hold(slot: Slot, held: Buffer): void {
    this.use(slot);
    slot.held = held;
    this.#count(slot);
    this.fit();
  }

  /** The whole content of an entry is on disk, or there is none. Where nothing can be written down, it stays in memory only. */
  writeDown(slot: Slot): void {
    if (this.disk?.isUsable) {
      slot.state = 'on disk';
      this.disk.put(slot);
      this.makeRoom(0);
      return;
    }
    slot.state = 'memory only';
    if (slot.octets > 0) this.disk?.discard(slot);
    if (slot.octets > 0 && slot.held === undefined) this.remove(slot);
  }

  use(slot: Slot): void {
    this.recency.use(slot);
    if (slot.isWarm) return;
    slot.isWarm = true;
    this.#count(slot);
  }

  /** Takes an entry out, and away from the disk. Whoever reads it may go on as long as it is in memory. */
  remove(slot: Slot): void {
    this.takeOut(slot);
    if (slot.state === 'on disk') this.disk?.remove(slot);
    slot.growing?.giveUp();
  }

  /** Gives up what was used longest ago: entries as heads need more than half of memory, content as all needs more. */
  fit(): void {
    while (this.#coldOctets > this.#memoryBytes / 2 && this.#evictOldest());
    while (this.memoryOctets > this.#memoryBytes) {
      const coolest = this.recency.oldestWarm;
      if (coolest === undefined) break; // what is on its way in has bounds of its own
      this.#cool(coolest);
    }
  }

  /** Gives up entries until so many octets more fit on the disk; false when they cannot. */
  makeRoom(octets: number): boolean {
    const { disk } = this;
    if (disk === undefined || disk.isBehind || octets > this.#diskBytes) return false;
    while (disk.octets + octets > this.#diskBytes && this.#evictOldest());
    return disk.octets + octets <= this.#diskBytes;
  }

  /** Takes an entry out; its place on disk stays as it is. */
  takeOut(slot: Slot): void {
    this.#byId.delete(slot.id);
    const others = this.withKey(slot.key).filter((other) => other !== slot);
    if (others.length === 0) this.#byKey.delete(slot.key);
    else this.#byKey.set(slot.key, others);
    this.recency.remove(slot);
    this.#coldOctets -= slot.coldOctets;
    slot.isWarm = false;
    this.#count(slot);
  }

  /** Counts anew what being warm takes. */
  #count(slot: Slot): void {
    this.#warmOctets -= slot.countedOctets;
    slot.countedOctets = slot.isWarm ? slot.warmOctets : 0;
    this.#warmOctets += slot.countedOctets;
  }

  #cool(slot: Slot): void {
    if (slot.state === 'memory only') {
      this.#evict(slot);
      return;
    }
    this.recency.cool();
    if (slot.held !== undefined) slot.growing?.count(true); // it holds the same octets until they are on disk
    slot.cool();
    this.#count(slot);
  }

  #evictOldest(): boolean {
    const { oldest } = this.recency;
    if (oldest !== undefined) this.#evict(oldest);
    return oldest !== undefined;
  }

  #evict(slot: Slot): void {
    this.evicted++;
    this.remove(slot);
  }
}
