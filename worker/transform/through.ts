// Leads content through gzip and back, bounded: the platform's streams take all they are given and hold what comes of it.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Piece, Source } from '../exchange/pour.ts';

/** So much is given to a stream at once. Of gzip it is a thousand times as much when it comes out, which has to be held. */
const maxGivenBytes = { decompress: 4 * 1024, compress: 64 * 1024 } as const;

const maxReadBytes = 64 * 1024;

/** How long a stream may take to give what it has: it is there already. */
const maxReadyWaitMs = 1;

/** Content that becomes so much larger than it came, beyond so many octets, is meant to harm. */
const maxRatio = 200;
const minRatioBytes = 64 * 1024 * 1024;

/** The content as it is without gzip. What is no gzip, or ends within it, fails. */
export function decompressed(source: Source): Source {
  return through(source, new DecompressionStream('gzip'), maxGivenBytes.decompress, 'decompress');
}

/** The content in gzip. */
export function compressed(source: Source): Source {
  return through(source, new CompressionStream('gzip'), maxGivenBytes.compress, 'compress');
}

type Stream = CompressionStream | DecompressionStream;

function through(source: Source, stream: Stream, maxBytes: number, kind: keyof typeof maxGivenBytes): Source {
  const reader = (stream.readable as ReadableStream<Uint8Array>).getReader({ mode: 'byob' });
  const writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
  writer.closed.catch(() => undefined);
  let buffer: ArrayBufferLike = new ArrayBuffer(maxReadBytes);
  let reading: Reading | undefined;
  let given: Uint8Array = new Uint8Array();
  let upstreamEnd: Exclude<Piece, { kind: 'octets' }> | undefined;
  let last: Piece | undefined;
  let mayHoldMore = false;
  let [took, gave] = [0, 0];
  const finish = (piece: Piece): Piece => {
    last ??= piece;
    source.cancel();
    writer.abort().catch(() => undefined);
    reader.cancel().catch(() => undefined);
    return last;
  };
  /** Gives the stream a little more, or its end. */
  const feed = async (): Promise<void> => {
    if (given.length === 0) {
      const piece = await source.next();
      if (piece.kind !== 'octets') {
        upstreamEnd = piece;
        // An end before the first octet is that of no content at all: no coding of it, either.
        if (piece.kind === 'end' && (took > 0 || kind === 'compress')) writer.close().catch(() => undefined);
        return;
      }
      given = piece.octets;
    }
    const some = given.slice(0, maxBytes); // whose octets are valid for longer than the piece's
    given = given.subarray(maxBytes);
    took += some.length;
    await writer.write(some).catch(() => undefined); // reading says why
  };
  return {
    next: async () => {
      for (;;) {
        if (last !== undefined) return last;
        reading ??= begin(reader.read(new Uint8Array(buffer)));
        if (mayHoldMore) await within(reading.settled, maxReadyWaitMs);
        mayHoldMore = false;
        // A read that waits gets what a write makes, before the write is over.
        if (reading.result === undefined && upstreamEnd === undefined) await feed();
        if (upstreamEnd?.kind === 'failed') return finish(upstreamEnd);
        if (upstreamEnd !== undefined && took === 0 && kind === 'decompress') return finish(upstreamEnd);
        if (upstreamEnd !== undefined) await reading.settled;
        const { result } = reading;
        if (result === undefined) continue;
        reading = undefined;
        if (result.kind === 'failed') return finish({ kind: 'failed', error: codingError(kind, result.cause) });
        if (result.octets === undefined) return finish(upstreamEnd ?? { kind: 'failed', error: codingError(kind) });
        buffer = result.octets.buffer;
        mayHoldMore = result.octets.length === maxReadBytes;
        gave += result.octets.length;
        if (gave > minRatioBytes && gave > took * maxRatio) return finish({ kind: 'failed', error: tooLarge() });
        return { kind: 'octets', octets: result.octets };
      }
    },
    cancel: () => {
      finish({ kind: 'failed', error: new ProxyError('http_response_incomplete', 'Nobody waits for the content.') });
    },
  };
}

type Result =
  | { readonly kind: 'read'; readonly octets: Uint8Array | undefined }
  | { readonly kind: 'failed'; readonly cause: unknown };

interface Reading {
  /** Once it is there. */
  result: Result | undefined;
  readonly settled: Promise<void>;
}

function begin(read: Promise<ReadableStreamReadResult<Uint8Array>>): Reading {
  const reading: { result: Result | undefined; settled: Promise<void> } = { result: undefined, settled: nothing };
  reading.settled = read.then(
    ({ done, value }) => {
      reading.result = { kind: 'read', octets: done ? undefined : value };
    },
    (cause) => {
      reading.result = { kind: 'failed', cause };
    },
  );
  return reading;
}

const nothing = Promise.resolve();

/** Waits, but no longer than so many milliseconds. */
async function within(settled: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([settled, late]);
  clearTimeout(timer);
}

function codingError(kind: keyof typeof maxGivenBytes, cause?: unknown): ProxyError {
  const message =
    kind === 'decompress'
      ? 'The origin says that the content is in gzip, which it is not, or not to its end.'
      : 'The edge cannot compress the content.';
  return new ProxyError('http_response_content_coding', message, { cause });
}

function tooLarge(): ProxyError {
  const message = 'The content becomes too large without its coding: this is what an attack looks like.';
  return new ProxyError('http_response_content_coding', message);
}
