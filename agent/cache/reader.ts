// Content on its way out of the store, whether it lies in memory, on disk or is still coming.
import { crc32 } from 'node:zlib';
import type { Fields } from '../../http/fields.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Content, Sink } from '../proxy/ports.ts';
import { FileReader } from './content-file.ts';

/** What readers read. It calls their `advance` whenever there is more. */
export interface ContentSource {
  /** Octets that there are so far. */
  readonly end: number;
  /** Set once there will be no more. */
  readonly ending: { readonly trailers: Fields } | { readonly error: ProxyError } | undefined;
  /** Some octets from a position on that are in memory; nothing when the one at the position is not. */
  inMemory(position: number): Buffer | undefined;
  /** The file that holds the beginning, and how much of it. */
  readonly file: string | undefined;
  readonly octetsInFile: number;
  join(reader: Reader): void;
  leave(reader: Reader): void;
}

export interface Extent {
  readonly first: number;
  readonly last: number;
  /** What follows the last octet. */
  readonly trailers: Fields;
  /** CRC-32 of these octets, where it is to be compared. */
  readonly checksum?: number | undefined;
  /** The content is not there, or not what was stored. */
  readonly onLost?: () => void;
}

/** Read from disk in one piece. */
export const maxPieceOctets = 256 * 1024;

/** Reads a source from the first octet of an extent on, at the pace of its sink. */
export class Reader implements Content {
  readonly #source: ContentSource;
  readonly #extent: Extent | undefined;
  readonly #until: number;
  #position: number;
  #checksum = 0;
  #sink: Sink | undefined;
  #file: FileReader | undefined;
  #isWaiting = false;
  /** Whether `advance` is under way, perhaps waiting for the disk. */
  #isBusy = false;
  #isReading = false;
  #isDone = false;

  /** Without an extent it reads everything that will come. */
  constructor(source: ContentSource, extent?: Extent) {
    this.#source = source;
    this.#extent = extent;
    this.#position = extent?.first ?? 0;
    this.#until = extent === undefined ? Number.POSITIVE_INFINITY : extent.last + 1;
    source.join(this);
  }

  flow(sink: Sink): void {
    this.#sink = sink;
    this.advance();
  }

  resume(): void {
    this.#isWaiting = false;
    this.advance();
  }

  cancel(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#file?.close();
    this.#source.leave(this);
  }

  /** Gives the sink what there is, as much as it wants. */
  advance(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isBusy) return;
    this.#isBusy = true;
    while (!this.#isDone && !this.#isWaiting && this.#step(sink) === 'more');
    this.#isBusy = this.#isReading;
  }

  #step(sink: Sink): 'more' | 'later' {
    const source = this.#source;
    if (this.#position >= this.#until) return this.#end(sink, this.#extent?.trailers ?? []);
    if (this.#position < source.end) {
      const octets = source.inMemory(this.#position);
      if (octets !== undefined) return this.#give(sink, octets);
      return this.#readFile(sink);
    }
    if (source.ending === undefined) return 'later';
    if ('error' in source.ending) return this.#fail(sink, source.ending.error);
    return this.#extent === undefined ? this.#end(sink, source.ending.trailers) : this.#lose(sink);
  }

  #give(sink: Sink, found: Buffer): 'more' | 'later' {
    const wanted = this.#until - this.#position;
    const octets = found.length > wanted ? found.subarray(0, wanted) : found;
    this.#position += octets.length;
    const expected = this.#extent?.checksum;
    if (expected !== undefined) {
      this.#checksum = crc32(octets, this.#checksum);
      if (this.#position === this.#until && this.#checksum !== expected) return this.#lose(sink);
    }
    this.#isWaiting = !sink.write(octets);
    return 'more';
  }

  #readFile(sink: Sink): 'later' {
    const { file, octetsInFile } = this.#source;
    const octets = Math.min(octetsInFile, this.#until) - this.#position;
    if (file === undefined || octets <= 0) return this.#lose(sink);
    this.#file ??= new FileReader(file);
    this.#isReading = true;
    this.#file.read(this.#position, Math.min(octets, maxPieceOctets), (found) => {
      this.#isReading = false;
      this.#isBusy = false;
      if (this.#isDone) return;
      if (found === undefined) this.#lose(sink);
      else this.#give(sink, found);
      this.advance();
    });
    return 'later';
  }

  #end(sink: Sink, trailers: Fields): 'later' {
    this.cancel();
    sink.end(trailers);
    return 'later';
  }

  #lose(sink: Sink): 'later' {
    this.#extent?.onLost?.();
    return this.#fail(sink, lostContent());
  }

  #fail(sink: Sink, error: ProxyError): 'later' {
    this.cancel();
    sink.fail(error);
    return 'later';
  }
}

/** Content of a stored response that is all there, in memory or in a file. */
export function wholeSource(
  octets: number,
  place: { readonly held: Buffer } | { readonly file: string },
): ContentSource {
  const held = 'held' in place ? place.held : undefined;
  return {
    end: octets,
    ending: { trailers: [] },
    inMemory: (position) => (position === 0 ? held : held?.subarray(position)),
    file: 'file' in place ? place.file : undefined,
    octetsInFile: octets,
    join: () => undefined,
    leave: () => undefined,
  };
}

export function lostContent(cause?: unknown): ProxyError {
  return new ProxyError('proxy_internal_error', 'The cache has lost the content of a stored response.', { cause });
}
