// Content on its way from the disk into memory, read once for all who want it, and compared with its checksum.
import { crc32 } from 'node:zlib';
import { FileReader } from './content-file.ts';
import { type ContentSource, lostContent, type Reader } from './reader.ts';

export class Loading implements ContentSource {
  readonly file = undefined;
  readonly octetsInFile = 0;
  readonly #readers = new Set<Reader>();
  #held: Buffer | undefined;
  #ending: ContentSource['ending'];

  /** `done` hears of the whole content, or of nothing when it is not what was stored. */
  constructor(path: string, octets: number, checksum: number, done: (held: Buffer | undefined) => void) {
    const file = new FileReader(path);
    file.read(0, octets, (found) => {
      file.close();
      if (found !== undefined && crc32(found) === checksum) this.#held = found;
      this.#ending = this.#held === undefined ? { error: lostContent() } : { trailers: [] };
      done(this.#held);
      for (const reader of this.#readers) reader.advance();
    });
  }

  get end(): number {
    return this.#held?.length ?? 0;
  }

  get ending(): ContentSource['ending'] {
    return this.#ending;
  }

  inMemory(position: number): Buffer | undefined {
    return position === 0 ? this.#held : this.#held?.subarray(position);
  }

  join(reader: Reader): void {
    this.#readers.add(reader);
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
  }
}
