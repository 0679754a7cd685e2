// A request that came on a stream of HTTP/2, as the walk knows those of HTTP/1.1.
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { fieldsFromFlat, fieldValues } from '../../../http/fields.ts';
import type { Message, RequestHead } from '../ports.ts';

export class Http2Message extends Readable implements Message {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly rawHeaders: string[];
  readonly socket: Socket;
  readonly hasContent: boolean;
  readonly headers: { readonly accept?: string };
  rawTrailers: string[] = [];
  complete: boolean;
  readonly #stream: ServerHttp2Stream;

  /** Nothing of the content is read before somebody wants it: the client's window holds it back. */
  constructor(stream: ServerHttp2Stream, head: RequestHead) {
    super();
    this.#stream = stream;
    this.method = head.method;
    this.url = head.url;
    this.httpVersion = head.httpVersion;
    this.httpVersionMajor = head.httpVersionMajor;
    this.httpVersionMinor = head.httpVersionMinor;
    this.rawHeaders = head.rawHeaders;
    this.socket = head.socket;
    this.hasContent = head.hasContent === true;
    this.complete = !this.hasContent;
    const accept = fieldValues(fieldsFromFlat(head.rawHeaders), 'accept');
    this.headers = accept.length > 0 ? { accept: accept.join(', ') } : {};
    this.on('error', () => undefined);
    stream.on('trailers', (_headers, _flags, rawTrailers) => {
      this.rawTrailers = rawTrailers as unknown as string[];
    });
    if (!this.hasContent) {
      this.push(null);
      return;
    }
    stream.pause();
    stream.on('data', (octets: Buffer) => {
      if (!this.push(octets)) stream.pause();
    });
    stream.on('end', () => {
      this.complete = !stream.aborted && stream.rstCode === 0;
      if (this.complete) this.push(null);
      else this.destroy();
    });
    stream.on('close', () => {
      if (!this.complete) this.destroy();
    });
  }

  override _read(): void {
    this.#stream.resume();
  }
}
