// How a response comes into the store: its content grows, goes to the disk, and is an entry once it is whole.
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';
import type { Entry, EntryWriter } from '../proxy/ports.ts';
import type { Bounded } from './bounded.ts';
import { headText } from './frames.ts';
import { Growing, type GrowingPorts } from './growing.ts';
import { Slot } from './slot.ts';
import { WriteQueue } from './write-queue.ts';
import { type Begun, entryWriter } from './writer.ts';

export interface IntakeOptions {
  readonly memoryBytes: number;
  readonly maxEntryBytes: number;
  /** Of content that is held whole until it is written to disk. */
  readonly maxHeldOctets: number;
}

export interface Intake {
  begin(key: string, head: Omit<StoredResponse, 'octets'>, octets: number | undefined): EntryWriter | undefined;
  /** What is on its way in and matches will not be stored. */
  giveUp(matches: (url: string) => boolean): void;
  /** Resolves when nothing waits for the disk any more. */
  idle(): Promise<void>;
  readonly stored: number;
  /** Whose content the disk has not taken. */
  readonly lost: number;
}

export function createIntake(bounded: Bounded, options: IntakeOptions): Intake {
  const { memoryBytes, maxEntryBytes, maxHeldOctets } = options;
  const begun = new Set<Begun>();
  const queue = new WriteQueue(memoryBytes / 8); // what comes beyond it stays in memory only
  /** Whole, on their way to the disk. */
  const pending = new Set<number>();
  let onIdle: (() => void)[] = [];
  let memoryId = 0;
  let stored = 0;
  let lost = 0;

  const settled = (id: number) => {
    queue.settled(id);
    if (!pending.delete(id) || pending.size > 0) return;
    for (const listener of onIdle) listener();
    onIdle = [];
  };
  const usableDisk = () => (bounded.disk?.isUsable ? bounded.disk : undefined);
  /** Without a disk content is held up to here. */
  const maxWithoutDisk = Math.floor(memoryBytes / 8);
  const growingPorts = (id: number, octets: number | undefined): GrowingPorts => ({
    octets,
    maxHeldOctets: () => {
      if (bounded.growingOctets > memoryBytes / 4) return 0; // many at once share a part of the memory
      return usableDisk() === undefined ? maxWithoutDisk : maxHeldOctets;
    },
    openFile: () => usableDisk()?.openFile(id),
    reserve: (more) => {
      if (!bounded.makeRoom(more)) return false;
      bounded.disk?.reserve(more);
      return true;
    },
    onHeld: (more) => {
      bounded.growingOctets += more;
      if (more > 0) bounded.fit();
    },
    onGivenUp: () => {
      settled(id);
      const slot = bounded.withId(id);
      if (slot?.state !== 'pending') return;
      lost++;
      keepInMemory(slot);
      if (slot.held === undefined) bounded.remove(slot);
    },
    onAbandoned: (reserved) => {
      bounded.disk?.reserve(-reserved);
      if (reserved > 0) bounded.disk?.unlink(id);
    },
    onWritten: () => {
      settled(id);
      const slot = bounded.withId(id);
      if (slot === undefined) return; // it would have been given up
      slot.growing?.count(false);
      slot.growing = undefined;
      bounded.writeDown(slot);
    },
  });

  const commit = (
    { id, key, head, growing }: Begun,
    trailers: Fields,
    whole: Buffer | undefined,
  ): Entry | undefined => {
    const { end: octets, checksum } = growing;
    const text = headText(trailers.length === 0 ? head : { ...head, trailers });
    const slot = new Slot({ id, octets, checksum, key, url: head.url, head: text }, 'pending');
    for (const other of bounded.withKey(key)) if (isSameSelection(other.stored, head)) bounded.remove(other);
    if (whole !== undefined) {
      slot.held = whole;
      growing.count(false);
    }
    bounded.add(slot);
    bounded.use(slot);
    stored++;
    if (octets === 0) bounded.writeDown(slot);
    else if (growing.file === undefined && (usableDisk() === undefined || !queue.hasRoom)) keepInMemory(slot);
    else {
      slot.growing = growing;
      pending.add(id);
      if (growing.file === undefined) queue.add(id, growing, octets);
    }
    bounded.fit();
    return bounded.has(slot) ? slot : undefined;
  };

  return {
    begin: (key, head, octets) => {
      const maxOctets = usableDisk() === undefined ? Math.min(maxWithoutDisk, maxEntryBytes) : maxEntryBytes;
      if (bounded.growingOctets > memoryBytes / 2) return undefined;
      if ((octets ?? 0) > maxOctets || !isAscii(key) || !isAscii(head.url)) return undefined;
      const id = bounded.disk?.newId() ?? memoryId++;
      const one: Begun = { id, key, head, growing: new Growing(growingPorts(id, octets)) };
      begun.add(one);
      return entryWriter(one, { octets, maxOctets, commit, onEnd: (ended) => begun.delete(ended) });
    },
    giveUp: (matches) => {
      for (const { head, growing } of begun) if (matches(head.url)) growing.giveUp();
    },
    idle: () => (pending.size === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
    get stored() {
      return stored;
    },
    get lost() {
      return lost;
    },
  };
}

function keepInMemory(slot: Slot): void {
  slot.growing = undefined;
  slot.state = 'memory only';
}

/** Whether the same requests select both: by their fields' values, and by the transform that is asked for. */
function isSameSelection(
  { selecting: one, transformKey: oneKey }: StoredResponse,
  { selecting: other, transformKey: otherKey }: Omit<StoredResponse, 'octets'>,
) {
  return (
    oneKey === otherKey &&
    one.length === other.length &&
    one.every(([name, value]) => other.some(([otherName, otherValue]) => name === otherName && value === otherValue))
  );
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}
