// Reads the response to one request off a connection of our own, strictly, and no faster than it is asked to.
import type { Fields } from '../../http/fields.ts';
import { type ReaderOptions, type Reading, type ResponseHead, ResponseReader } from '../../http/response-reader.ts';
import { readFailure } from './failure.ts';

/** The most that is read at once. workerd gives 4 KiB at a time, newer ones give all there is. */
const maxReadBytes = 64 * 1024;

export interface Interim {
  readonly status: number;
  readonly fields: Fields;
}

export interface SocketResponse {
  readonly head: ResponseHead | undefined;
  /** Those that came ahead of the head. A 100 is none: it speaks to whoever waits with content, and here nobody does. */
  readonly interim: readonly Interim[];
  /** Of the content what the last reading brought. Valid until the next one. */
  readonly pieces: readonly Uint8Array[];
  readonly trailers: Fields;
  /** Reads once. Never rejects. */
  read(): Promise<Reading>;
  /** Lets go of the connection; a reading that is under way fails. */
  cancel(): void;
}

export function responseOn(readable: ReadableStream, options: ReaderOptions): SocketResponse {
  const reader = readable.getReader({ mode: 'byob' });
  let buffer: ArrayBufferLike = new ArrayBuffer(maxReadBytes);
  let head: ResponseHead | undefined;
  let pieces: Uint8Array[] = [];
  let trailers: Fields = [];
  const interim: Interim[] = [];
  const parser = new ResponseReader(options, {
    interim: ({ status, fields }) => {
      if (status !== 100) interim.push({ status, fields });
    },
    head: (whole) => {
      head = whole;
    },
    content: (octets) => void pieces.push(octets),
    end: (fields) => {
      trailers = fields;
    },
  });
  return {
    get head() {
      return head;
    },
    interim,
    get pieces() {
      return pieces;
    },
    get trailers() {
      return trailers;
    },
    read: async () => {
      pieces = [];
      try {
        const read = await reader.read(new Uint8Array(buffer));
        if (read.done) return parser.finish();
        buffer = read.value.buffer;
        return parser.read(read.value);
      } catch (cause) {
        return { kind: 'failed', error: readFailure(cause, head !== undefined) };
      }
    },
    cancel: () => {
      reader.cancel().catch(() => undefined);
    },
  };
}
