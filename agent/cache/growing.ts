// Content on its way into the store: held in blocks, written to a file when it is large, read by any number meanwhile.
import { crc32 } from 'node:zlib';
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { diskOctets, type FileWriter } from './content-file.ts';
import type { ContentSource, Reader } from './reader.ts';

/** Of content whose length is not known: what is held grows by such blocks. */
const blockOctets = 64 * 1024;
/** Of content that is written to disk: held besides, for readers that are close behind. */
const maxTailOctets = 256 * 1024;
/** Waiting for the disk: then the writer waits. */
const maxUnwrittenOctets = 512 * 1024;
const maxBlocksAtOnce = 16;

export interface GrowingPorts {
  /** Of the content, where that is known. */
  readonly octets: number | undefined;
  /** Held at most without a file. Asked at each write, as it depends on what others hold: 0 asks to hold as little as can be. */
  readonly maxHeldOctets: () => number;
  /** A file, or nothing where there is no disk. */
  readonly openFile: () => { readonly path: string; readonly writer: FileWriter } | undefined;
  /** So many more octets of the disk are needed: false when there is no room. */
  readonly reserve: (octets: number) => boolean;
  /** So many more octets are held in memory. */
  readonly onHeld: (octets: number) => void;
  /** It will not be stored. */
  readonly onGivenUp: () => void;
  /** It is given up, and nobody reads it any more: its file can go, and so many octets of the disk with it. */
  readonly onAbandoned: (reserved: number) => void;
  /** The file holds all of it and is closed. */
  readonly onWritten: () => void;
}

/** Takes octets; keeps all of them until it is given up. */
export class Growing implements ContentSource {
  readonly #readers = new Set<Reader>();
  readonly #ports: GrowingPorts;
  #blockOctets: number;
  #blocks: Buffer[] = [];
  /** Where the first block begins. */
  #start = 0;
  #end = 0;
  #checksum = 0;
  #ending: ContentSource['ending'];
  #file: { readonly path: string; readonly writer: FileWriter } | undefined;
  #reserved = 0;
  #written = 0;
  #isWriting = false;
  #isFull = false;
  #isGivenUp = false;
  #isAbandoned = false;
  #isCounted = true;
  #onDrain: (() => void)[] = [];

  constructor(ports: GrowingPorts) {
    this.#ports = ports;
    const { octets } = ports;
    this.#blockOctets = octets !== undefined && octets > 0 && octets <= ports.maxHeldOctets() ? octets : blockOctets;
  }

  get end(): number {
    return this.#end;
  }

  get ending(): ContentSource['ending'] {
    return this.#ending;
  }

  get checksum(): number {
    return this.#checksum;
  }

  get file(): string | undefined {
    return this.#file?.path;
  }

  get octetsInFile(): number {
    return this.#written;
  }

  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  inMemory(position: number): Buffer | undefined {
    if (position < this.#start || position >= this.#end) return undefined;
    const block = Math.floor((position - this.#start) / this.#blockOctets);
    const blockStart = this.#start + block * this.#blockOctets;
    return this.#blocks[block]?.subarray(position - blockStart, this.#end - blockStart);
  }

  /** Takes a copy; false asks to wait until `onDrain` calls. */
  write(octets: Buffer): boolean {
    if (this.#ending !== undefined || this.#isAbandoned) return true;
    this.#append(octets);
    for (const reader of this.#readers) reader.advance();
    if (this.#isGivenUp) this.#trim();
    else if (this.#file !== undefined) this.#writeFile();
    else if (this.#end > this.#ports.maxHeldOctets()) this.toFile();
    this.#isFull = this.#file !== undefined && !this.#isGivenUp && this.#end - this.#written > this.#maxUnwritten;
    return !this.#isFull;
  }

  onDrain(listener: () => void): void {
    this.#onDrain.push(listener);
  }

  /** From now on it is written to its file. */
  toFile(): void {
    if (this.#file !== undefined || this.#isGivenUp) return;
    this.#file = this.#ports.openFile();
    if (this.#file === undefined) this.giveUp();
    else this.#writeFile();
  }

  /** All has come. Gives all octets in one piece where they are all in memory. */
  finish(trailers: Fields): Buffer | undefined {
    this.#ending = { trailers };
    const whole = this.#start === 0 ? this.#inOnePiece() : undefined;
    for (const reader of this.#readers) reader.advance();
    if (this.#file !== undefined) this.#writeFile();
    return whole;
  }

  /** No more will come, and it will not be stored. */
  fail(error: ProxyError): void {
    this.giveUp();
    this.#ending ??= { error };
    for (const reader of this.#readers) reader.advance();
  }

  /** It will not be stored; those who read it get the rest of it as long as they are not far behind. */
  giveUp(): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#ports.onGivenUp();
    if (!this.#isWriting) this.#file?.writer.close(ignore);
    this.#trim();
    this.#drain();
  }

  /** Whether what it holds counts: not while the same octets count as those of an entry. */
  count(isCounted: boolean): void {
    if (isCounted === this.#isCounted) return;
    this.#isCounted = isCounted;
    this.#ports.onHeld(isCounted ? sizeOf(this.#blocks) : -sizeOf(this.#blocks));
  }

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#isGivenUp) this.#trim();
  }

  get #isPressed(): boolean {
    return this.#ports.maxHeldOctets() === 0;
  }

  get #maxUnwritten(): number {
    return this.#isPressed ? blockOctets : maxUnwrittenOctets;
  }

  #append(octets: Buffer): void {
    this.#checksum = crc32(octets, this.#checksum);
    for (let taken = 0; taken < octets.length; ) {
      const filled = this.#end - this.#start - (this.#blocks.length - 1) * this.#blockOctets;
      const hasRoom = this.#blocks.length > 0 && filled < this.#blockOctets;
      if (!hasRoom) this.#hold([...this.#blocks, Buffer.allocUnsafeSlow(this.#blockOctets)], this.#start);
      const block = this.#blocks.at(-1) as Buffer;
      const count = octets.copy(block, hasRoom ? filled : 0, taken);
      taken += count;
      this.#end += count;
    }
  }

  #inOnePiece(): Buffer {
    const [first] = this.#blocks;
    if (first !== undefined && first.length === this.#end) return first;
    const whole = Buffer.allocUnsafeSlow(this.#end);
    let filled = 0;
    for (const block of this.#blocks) filled += block.copy(whole, filled, 0, this.#end - filled);
    this.#blockOctets = Math.max(1, this.#end);
    this.#hold(this.#end === 0 ? [] : [whole], 0);
    return whole;
  }

  #writeFile(): void {
    if (this.#isWriting || this.#file === undefined || this.#isGivenUp) return;
    if (this.#written === this.#end) {
      if (this.#ending !== undefined) this.#close(this.#file.writer);
      return;
    }
    const pieces = this.#unwritten();
    const octets = sizeOf(pieces);
    const { writer } = this.#file;
    this.#isWriting = true;
    if (!this.#reserve(this.#written + octets)) this.giveUp();
    if (this.#isGivenUp) {
      this.#stopWriting(writer); // perhaps to make room for itself
      return;
    }
    writer.write(pieces, this.#written, (failure) => {
      if (failure !== undefined) this.giveUp();
      if (this.#isGivenUp) {
        this.#stopWriting(writer);
        return;
      }
      this.#isWriting = false;
      this.#written += octets;
      this.#trim();
      if (this.#end - this.#written <= this.#maxUnwritten / 2) this.#drain();
      this.#writeFile();
    });
  }

  #stopWriting(writer: FileWriter): void {
    this.#isWriting = false;
    writer.close(ignore);
    this.#trim();
  }

  #close(writer: FileWriter): void {
    writer.close((failure) => {
      if (failure !== undefined) this.giveUp();
      else if (!this.#isGivenUp) this.#ports.onWritten();
    });
  }

  #reserve(octets: number): boolean {
    const more = diskOctets(octets) - this.#reserved;
    if (more > 0 && !this.#ports.reserve(more)) return false;
    this.#reserved += more;
    return true;
  }

  #unwritten(): Buffer[] {
    const pieces: Buffer[] = [];
    let position = this.#written;
    while (pieces.length < maxBlocksAtOnce) {
      const piece = this.inMemory(position);
      if (piece === undefined) break;
      pieces.push(piece);
      position += piece.length;
    }
    return pieces;
  }

  /** Gives up blocks that are in the file, or that nobody close to the end needs. */
  #trim(): void {
    if (this.#isGivenUp && this.#readers.size === 0 && !this.#isWriting) {
      this.#abandon();
      return;
    }
    const tail = this.#end - (this.#isPressed ? 0 : maxTailOctets);
    const needed = this.#isGivenUp ? tail : Math.min(tail, this.#written);
    const count = Math.floor((needed - this.#start) / this.#blockOctets);
    if (count > 0) this.#hold(this.#blocks.slice(count), this.#start + count * this.#blockOctets);
  }

  #abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#hold([], this.#end);
    this.#ports.onAbandoned(this.#reserved);
  }

  #hold(blocks: Buffer[], start: number): void {
    const before = sizeOf(this.#blocks);
    this.#blocks = blocks;
    this.#start = start;
    if (this.#isCounted) this.#ports.onHeld(sizeOf(blocks) - before);
  }

  #drain(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    for (const listener of this.#onDrain.splice(0)) listener();
  }
}

function sizeOf(blocks: readonly Buffer[]): number {
  return blocks.reduce((sum, { length }) => sum + length, 0);
}

function ignore(): void {
  // The file is of no use any more.
}
