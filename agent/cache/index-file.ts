// The index of what is on disk: a file to which frames are only added, written anew when half of it is out of date.
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { type Frame, indexMagic, readFrame } from './frames.ts';

/** What the index is written anew from. */
export interface IndexContents {
  /** What all frames that matter would take. */
  octets(): number;
  frames(): Iterable<Buffer>;
}

const maxReadOctets = 4 * 1024 * 1024;
const maxWriteOctets = 1024 * 1024;
/** A torn length must not make us read on and on. */
const maxFrameOctets = 64 * 1024 * 1024;
/** Smaller ones are not worth being written anew. */
export const minRewriteOctets = 64 * 1024;
/** Held while the disk does not take them; one more and the index is given up. */
const maxPendingOctets = 4 * 1024 * 1024;

/** One writer; its frames go to the disk in their order, soon after they were added. */
export class IndexFile {
  readonly #path: string;
  #onFailure: (cause: unknown) => void = () => undefined;
  #handle: FileHandle;
  #end: number;
  #contents: IndexContents | undefined;
  #pending: Buffer[] = [];
  #pendingOctets = 0;
  #onWritten: (() => void)[] = [];
  #running: Promise<void> | undefined;
  #hasFailed = false;
  #removed: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle, end: number) {
    this.#path = path;
    this.#handle = handle;
    this.#end = end;
  }

  /** Reads every whole frame from the beginning on, and cuts off what follows. Throws when the file cannot be used. */
  static async open(path: string, onFrame: (frame: Frame) => void): Promise<IndexFile> {
    const handle = await open(path, 'r+').catch(() => open(path, 'wx+', 0o600));
    try {
      const end = await readFrames(handle, onFrame);
      await handle.truncate(end);
      if (end === 0) await handle.write(indexMagic, 0, indexMagic.length, 0);
      return new IndexFile(path, handle, Math.max(end, indexMagic.length));
    } catch (cause) {
      await handle.close();
      throw cause;
    }
  }

  /** On disk, and on its way there. */
  get octets(): number {
    return this.#end + this.#pendingOctets;
  }

  /** Calls when the file can take no more; it is gone then. */
  onFailure(listener: (cause: unknown) => void): void {
    this.#onFailure = listener;
  }

  /** Where the frames come from when the index is written anew. */
  follow(contents: IndexContents): void {
    this.#contents = contents;
  }

  /** `written` is called once the frame is on disk. */
  add(frame: Buffer, written?: () => void): void {
    if (this.#hasFailed) return;
    this.#pending.push(frame);
    if (written !== undefined) this.#onWritten.push(written);
    this.#pendingOctets += frame.length;
    if (this.#pendingOctets > maxPendingOctets && this.#running === undefined)
      this.#fail(new Error('the disk takes no more of the index'));
    else this.#running ??= this.#run();
  }

  /** Writes what is pending and closes the file. */
  async close(): Promise<void> {
    await this.#running;
    if (!this.#hasFailed && this.#pending.length > 0) await this.#run();
    await this.#handle.close().catch(() => undefined);
    await this.#removed;
  }

  async #run(): Promise<void> {
    await new Promise(setImmediate); // frames of one turn go together
    try {
      while (this.#pending.length > 0 && (await this.#write()));
      if (!this.#hasFailed && this.#isWorthRewriting()) await this.#rewrite();
    } catch (cause) {
      this.#fail(cause);
    }
    this.#running = undefined;
  }

  /** Frames that could not be written are written over with the next ones: until then none stands half. */
  async #write(): Promise<boolean> {
    const octets = Buffer.concat(this.#pending);
    const listeners = this.#onWritten;
    this.#pending = [];
    this.#onWritten = [];
    try {
      await writeAll(this.#handle, octets, this.#end);
    } catch {
      this.#pending.unshift(octets);
      this.#onWritten.unshift(...listeners);
      return false;
    }
    this.#end += octets.length;
    this.#pendingOctets -= octets.length;
    for (const listener of listeners) listener();
    return true;
  }

  #isWorthRewriting(): boolean {
    return this.#contents !== undefined && this.#end > minRewriteOctets && this.#end > 2 * this.#contents.octets();
  }

  /** Frames that are added meanwhile wait and follow; saying the same twice does no harm. */
  async #rewrite(): Promise<void> {
    const path = `${this.#path}.new`;
    const fresh = await open(path, 'w', 0o600);
    let end = 0;
    try {
      let batch: Buffer[] = [indexMagic];
      let batchOctets = indexMagic.length;
      const flush = async () => {
        await writeAll(fresh, Buffer.concat(batch), end);
        end += batchOctets;
        batch = [];
        batchOctets = 0;
      };
      for (const frame of this.#contents?.frames() ?? []) {
        batch.push(frame);
        batchOctets += frame.length;
        if (batchOctets > maxWriteOctets) await flush();
      }
      await flush();
      await fresh.datasync();
    } catch {
      await fresh.close();
      await rm(path, { force: true });
      return; // the old one is as good as before
    }
    await this.#handle.close(); // Windows replaces no open file
    this.#handle = fresh;
    this.#end = end;
    await rename(path, this.#path);
  }

  #fail(cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#pending = [];
    this.#pendingOctets = 0;
    this.#onWritten = [];
    this.#removed = rm(this.#path, { force: true }).catch(() => undefined); // what it lacks must not come back
    this.#onFailure(cause);
  }
}

/** Where the last whole frame ends: 0 where the file is none of this version. */
async function readFrames(handle: FileHandle, onFrame: (frame: Frame) => void): Promise<number> {
  let held = await readAt(handle, 0, maxReadOctets);
  if (!held.subarray(0, indexMagic.length).equals(indexMagic)) return 0;
  let heldAt = 0;
  let offset = indexMagic.length;
  for (;;) {
    const read = readFrame(held, offset, maxFrameOctets);
    if (read.kind === 'torn') return heldAt + offset;
    if (read.kind === 'frame') {
      onFrame(read.frame);
      offset += read.octets;
      continue;
    }
    heldAt += offset;
    offset = 0;
    held = await readAt(handle, heldAt, Math.max(maxReadOctets, read.octets));
    if (held.length < read.octets) return heldAt;
  }
}

/** Fewer octets where the file ends. */
async function readAt(handle: FileHandle, position: number, octets: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const into = Buffer.allocUnsafeSlow(Math.max(0, Math.min(octets, size - position)));
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return into.subarray(0, filled);
}

async function writeAll(handle: FileHandle, octets: Buffer, position: number): Promise<void> {
  for (let written = 0; written < octets.length; ) {
    const { bytesWritten } = await handle.write(octets, written, octets.length - written, position + written);
    if (bytesWritten === 0) throw new Error('the disk takes no octet');
    written += bytesWritten;
  }
}
