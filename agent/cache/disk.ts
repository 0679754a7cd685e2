// The disk's part of the store: a folder with the index, the files of content, and the lock that makes it ours alone.
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { contentPath, diskOctets, FileWriter, folderCount, folderName, idOfName, Unlinking } from './content-file.ts';
import { type Frame, frameOctets } from './frames.ts';
import { IndexFile, minRewriteOctets } from './index-file.ts';
import { lockFolder } from './lock.ts';
import type { Slot } from './slot.ts';

export interface DiskOptions {
  readonly folder: string;
  readonly onFrame: (frame: Frame) => void;
  /** The index takes no more: what is stored from now on will not outlive the process. */
  readonly onFailure: (because: string) => void;
}

export type OpenedDisk =
  | { readonly kind: 'open'; readonly disk: Disk }
  /** `because`: a sentence's fragment. */
  | { readonly kind: 'unusable'; readonly because: string };

/** The index is written anew when it is twice as large as it must be. */
const indexFactor = 2;
const maxFirstId = 2 ** 47;

/** Opens the folder, which is made when it is not there, and reads its index. */
export async function openDisk({ folder, onFrame, onFailure }: DiskOptions): Promise<OpenedDisk> {
  try {
    const contentFolder = join(folder, 'content');
    mkdirSync(contentFolder, { recursive: true, mode: 0o700 });
    const lock = lockFolder(folder);
    if (lock === undefined) return { kind: 'unusable', because: 'another agent is using it' };
    try {
      for (let i = 0; i < folderCount; i++) mkdirSync(join(contentFolder, folderName(i)), { recursive: true });
      const index = await IndexFile.open(join(folder, 'index'), onFrame);
      return { kind: 'open', disk: new Disk(contentFolder, index, lock.release, onFailure) };
    } catch (cause) {
      lock.release();
      throw cause;
    }
  } catch (cause) {
    return { kind: 'unusable', because: inWords(cause) };
  }
}

/** Entries' places on disk, and what they take. */
export class Disk {
  readonly #folder: string;
  readonly #index: IndexFile;
  readonly #release: () => void;
  readonly #unlinking = new Unlinking();
  /** Files of an earlier run that nobody knows may have ids of their own: ours begin elsewhere. */
  #nextId = randomInt(maxFirstId);
  #contentOctets = 0;
  #frameOctets = 0;
  #isUsable = true;
  #isClosed = false;

  constructor(folder: string, index: IndexFile, release: () => void, onFailure: DiskOptions['onFailure']) {
    this.#folder = folder;
    this.#index = index;
    this.#release = release;
    index.onFailure((cause) => {
      this.#isUsable = false;
      onFailure(inWords(cause));
    });
  }

  /** Whether something more can be stored there. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Content in whole blocks, and the index as large as it may become. */
  get octets(): number {
    return this.#contentOctets + Math.max(minRewriteOctets, indexFactor * this.#frameOctets);
  }

  /** Whether files that were given up still take too much of it. */
  get isBehind(): boolean {
    return this.#unlinking.isBehind;
  }

  newId(): number {
    return this.#nextId++;
  }

  pathOf(id: number): string {
    return contentPath(this.#folder, id);
  }

  openFile(id: number): { readonly path: string; readonly writer: FileWriter } {
    const path = this.pathOf(id);
    return { path, writer: new FileWriter(path) };
  }

  /** So many octets of content more, or less. */
  reserve(octets: number): void {
    this.#contentOctets += octets;
  }

  /** An entry that the index has named at the start. */
  found(slot: Slot): void {
    this.#contentOctets += diskOctets(slot.octets);
    this.#frameOctets += slot.frameOctets;
  }

  /** Writes down an entry whose content is in its file. It takes the place of the one with its id. */
  put(slot: Slot, before?: Slot): void {
    this.#frameOctets += slot.frameOctets - (before?.frameOctets ?? 0);
    this.#index.add(frameOctets({ kind: 'put', ...framed(slot) }));
  }

  /** Takes away an entry that was written down. */
  remove(slot: Slot): void {
    this.#contentOctets -= diskOctets(slot.octets);
    this.#frameOctets -= slot.frameOctets;
    const unlink = slot.octets > 0 ? () => this.unlink(slot.id) : undefined; // not before the index knows
    this.#index.add(frameOctets({ kind: 'remove', id: slot.id }), unlink);
  }

  /** Takes away the content of an entry that was not written down. */
  discard({ id, octets }: Slot): void {
    this.#contentOctets -= diskOctets(octets);
    this.unlink(id);
  }

  unlink(id: number): void {
    this.#unlinking.add(this.pathOf(id));
  }

  /** `frames`: what the index is to be written anew from. Takes away the files that nobody knows, bit by bit. */
  async follow(frames: () => Iterable<Buffer>, isKnown: (id: number) => boolean): Promise<void> {
    this.#index.follow({ octets: () => this.#frameOctets, frames });
    const firstOfOurs = this.#nextId;
    for (let i = 0; i < folderCount && !this.#isClosed; i++) {
      const folder = join(this.#folder, folderName(i));
      for (const name of await readdir(folder).catch(() => [])) {
        const id = idOfName(name);
        const isOurs = id !== undefined && id >= firstOfOurs && id < this.#nextId;
        if (id !== undefined && !isOurs && !isKnown(id)) this.#unlinking.add(join(folder, name));
      }
      await this.#unlinking.idle();
    }
  }

  /** `order`: ids, the one used longest ago first. */
  async close(order: readonly number[]): Promise<void> {
    this.#isClosed = true;
    this.#index.add(frameOctets({ kind: 'order', ids: order }));
    await this.#index.close();
    await this.#unlinking.stop();
    this.#release();
  }
}

function inWords(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The part of an entry that goes into its frame. */
export function framed(slot: Slot): Omit<Extract<Frame, { kind: 'put' }>, 'kind'> {
  const { id, octets, checksum, key, url, head } = slot;
  return { id, octets, checksum, key, url, head };
}
