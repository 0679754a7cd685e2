// The response on a stream of HTTP/2, written as the walk writes those of HTTP/1.1.
import type { ServerHttp2Stream } from 'node:http2';
import { Writable } from 'node:stream';
import { FieldNames } from '../../../http/fields.ts';
import type { Reply } from '../ports.ts';

export class Http2Reply extends Writable implements Reply {
  shouldKeepAlive = true;
  headersSent = false;
  readonly socket: Reply['socket'];
  readonly #stream: ServerHttp2Stream;
  readonly #isHead: boolean;
  #head: string[] | undefined;

  constructor(stream: ServerHttp2Stream, method: string) {
    super();
    this.#stream = stream;
    this.#isHead = method === 'HEAD';
    this.socket = {
      get destroyed() {
        return stream.destroyed;
      },
      resetAndDestroy: () => cut(stream),
    };
    stream.on('close', () => this.destroy());
  }

  /** Sent with the first content, or with the end. HTTP/2 has no reason phrases. RFC 9113 8.3.2. */
  writeHead(status: number, _reason: string, flat: readonly string[]): void {
    this.#head = lines(status, flat);
    this.headersSent = true;
  }

  flushHeaders(): void {
    this.#respond(false);
  }

  writeInformation(status: number, flat: readonly string[]): void {
    if (this.#stream.destroyed) return;
    const fields: Record<string, number | string | string[]> = {
      ':status': status,
    };
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, value] = [(flat[i] as string).toLowerCase(), flat[i + 1] as string];
      if (ownOfConnections.has(name)) continue;
      const before = fields[name];
      fields[name] = before === undefined ? value : [...[before as string | string[]].flat(), value];
    }
    this.#stream.additionalHeaders(fields);
  }

  writeContinue(): void {
    if (!this.#stream.destroyed) this.#stream.additionalHeaders({ ':status': 100 });
  }

  /** Node ends the process where trailers are asked for and the stream is gone: clients of HTTP/2 get none. */
  addTrailers(): void {}

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#respond(false);
    if (this.#isHead || this.#stream.destroyed) done();
    else this.#stream.write(octets, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#head !== undefined) this.#respond(true);
    if (this.#stream.destroyed || this.#stream.writableEnded) done();
    else this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#stream.destroyed && !this.writableFinished) cut(this.#stream);
    done(error);
  }

  #respond(endStream: boolean): void {
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined || this.#stream.destroyed) return;
    try {
      this.#stream.respond(head, { endStream });
    } catch {
      cut(this.#stream); // Node does not send such a head: the client hears of it as of any break
    }
  }
}

/** Resets it. Without an error Node would end the content first, and the client would take that for the whole. */
function cut(stream: ServerHttp2Stream): void {
  stream.destroy(new Error('cut off'));
}

/** What only a connection of HTTP/1.1 has. RFC 9113 8.2.2. */
const ownOfConnections = new FieldNames([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

function lines(status: number, flat: readonly string[]): string[] {
  const head = [':status', String(status)];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase();
    if (!ownOfConnections.has(name)) head.push(name, flat[i + 1] as string);
  }
  return head;
}
