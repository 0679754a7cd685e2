// The files of content: each is written once from its beginning, then only read, and taken away as a whole.
import { close, open, read, unlink, writev } from 'node:fs';
import { join } from 'node:path';

/** So many folders share the files, since folders with very many files are slow on some systems. */
export const folderCount = 64;

/** The name of one of those folders. */
export function folderName(index: number): string {
  return index.toString(16).padStart(2, '0');
}

export function contentPath(folder: string, id: number): string {
  return join(folder, folderName(id % folderCount), id.toString(36));
}

/** The id that a file's name stands for; nothing for a file that is none of ours. */
export function idOfName(name: string): number | undefined {
  if (!/^[0-9a-z]{1,10}$/.test(name)) return undefined;
  const id = Number.parseInt(name, 36);
  return Number.isSafeInteger(id) && id.toString(36) === name ? id : undefined;
}

/** What a file of so many octets takes on disk. */
export function diskOctets(octets: number): number {
  return Math.ceil(octets / diskBlockOctets) * diskBlockOctets;
}

const diskBlockOctets = 4096;

type Done = (failure: Error | undefined) => void;

/** A file that is being written. One operation at a time. */
export class FileWriter {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Writes all of the pieces behind what was written before. */
  write(pieces: readonly Buffer[], position: number, done: Done): void {
    if (this.#descriptor !== undefined) {
      writeAll(this.#descriptor, pieces, position, done);
      return;
    }
    open(this.#path, 'w', 0o600, (failure, descriptor) => {
      if (failure !== null) return done(failure);
      this.#descriptor = descriptor;
      writeAll(descriptor, pieces, position, done);
    });
  }

  close(done: Done): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) done(undefined);
    else close(descriptor, (failure) => done(failure ?? undefined));
  }
}

function writeAll(descriptor: number, pieces: readonly Buffer[], position: number, done: Done): void {
  writev(descriptor, pieces, position, (failure, written) => {
    if (failure !== null) return done(failure);
    const rest = behind(pieces, written);
    if (rest.length === 0) return done(undefined);
    if (written === 0) return done(new Error('the disk takes no octet'));
    writeAll(descriptor, rest, position + written, done);
  });
}

/** What of the pieces is left behind so many octets. */
function behind(pieces: readonly Buffer[], octets: number): readonly Buffer[] {
  let skipped = octets;
  const rest: Buffer[] = [];
  for (const piece of pieces) {
    if (skipped < piece.length) rest.push(piece.subarray(skipped));
    skipped = Math.max(0, skipped - piece.length);
  }
  return rest;
}

/** A file that is being read. One operation at a time; it can be taken away meanwhile. */
export class FileReader {
  readonly #path: string;
  #descriptor: number | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Gives so many octets, or nothing when they are not there. */
  read(position: number, octets: number, done: (octets: Buffer | undefined) => void): void {
    this.#isBusy = true;
    const finish = (found: Buffer | undefined) => {
      this.#isBusy = false;
      if (this.#isClosed) this.#end();
      done(found);
    };
    if (this.#descriptor !== undefined) {
      readAll(this.#descriptor, position, octets, finish);
      return;
    }
    open(this.#path, 'r', (failure, descriptor) => {
      if (failure !== null) return finish(undefined);
      this.#descriptor = descriptor;
      readAll(descriptor, position, octets, finish);
    });
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isBusy) this.#end();
  }

  #end(): void {
    if (this.#descriptor !== undefined) close(this.#descriptor, ignore);
    this.#descriptor = undefined;
  }
}

function readAll(descriptor: number, position: number, octets: number, done: (octets?: Buffer) => void): void {
  const into = Buffer.allocUnsafeSlow(octets);
  const readMore = (filled: number) => {
    read(descriptor, into, filled, octets - filled, position + filled, (failure, count) => {
      if (failure !== null || count === 0) return done(undefined);
      if (filled + count === octets) return done(into);
      readMore(filled + count);
    });
  };
  readMore(0);
}

/** Takes files away, a few at a time. */
export class Unlinking {
  #paths: string[] = [];
  #active = 0;
  #onIdle: (() => void)[] = [];

  add(path: string): void {
    this.#paths.push(path);
    this.#go();
  }

  /** Whether so many wait that nothing should take their place on the disk yet. */
  get isBehind(): boolean {
    return this.#paths.length > maxUnlinksWaiting;
  }

  /** Resolves when what waits is done, or left to the next start where it is too much. */
  stop(): Promise<void> {
    if (this.isBehind) this.#paths = [];
    return this.idle();
  }

  /** Resolves when nothing is left to be taken away. */
  idle(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #go(): void {
    while (this.#active < maxUnlinksAtOnce) {
      const path = this.#paths.pop();
      if (path === undefined) break;
      this.#active++;
      unlink(path, () => {
        this.#active--;
        this.#go();
      });
    }
    if (this.#active === 0) for (const listener of this.#onIdle.splice(0)) listener();
  }
}

/** Node has four threads for all files and names. */
const maxUnlinksAtOnce = 2;
const maxUnlinksWaiting = 1_000;

function ignore(): void {
  // Nothing was written through it.
}
