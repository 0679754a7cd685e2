// One HTTP/2 connection to an origin or an edge: many exchanges at once. RFC 9113.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { finished } from 'node:stream';
import type { Field, Fields } from '../../http/fields.ts';
import { responseFraming } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import type { Connected } from './connect.ts';
import { upstreamFailure } from './failure.ts';
import { HeldContent } from './held-content.ts';
import type { ConnectionLimits } from './http1-connection.ts';

export interface Http2Owner {
  /** No exchange is left on the connection. */
  idle(connection: Http2Connection, timeoutMs: number): void;
  closed(connection: Http2Connection): void;
}

/** Octets that the other side may send ahead of the reader, per exchange and in all. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 8 * 1024 * 1024;

export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #connected: Connected;
  readonly #limits: ConnectionLimits;
  readonly #owner: Http2Owner;
  #open = 0;
  #isGoingAway = false;

  constructor(origin: string, connected: Connected, limits: ConnectionLimits, owner: Http2Owner) {
    this.#connected = connected;
    this.#limits = limits;
    this.#owner = owner;
    this.#session = connect(origin, {
      createConnection: () => connected.socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes, maxHeaderListSize: limits.maxHeadBytes },
      maxHeaderListPairs: limits.maxFields,
    });
    this.#session.on('error', () => undefined); // told by the streams
    this.#session.on('connect', (session) => session.setLocalWindowSize(connectionWindowBytes));
    this.#session.on('goaway', () => {
      this.#isGoingAway = true;
    });
    this.#session.once('close', () => owner.closed(this));
  }

  /** Whether it takes another exchange. */
  get isUsable(): boolean {
    const { maxConcurrentStreams = Number.POSITIVE_INFINITY } = this.#session.remoteSettings ?? {};
    return !this.#isGoingAway && !this.#session.closed && !this.#session.destroyed && this.#open < maxConcurrentStreams;
  }

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** Sends a request and resolves with the head of its response. */
  exchange(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void): void {
    this.#open++;
    const stream = this.#session.request(rawHead(request), { endStream: request.content === undefined });
    new StreamExchange(stream, request, this.#connected.address, this.#limits, resolve);
    stream.once('close', () => {
      this.#open--;
      if (this.#open === 0) this.#owner.idle(this, this.#limits.keepAliveTimeoutMs);
    });
  }

  close(): void {
    this.#session.destroy();
  }
}

/** Fields that HTTP/2 carries otherwise or not at all. RFC 9113 8.2.2. */
const notCarried = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

function rawHead({ method, origin, path, fields, framing }: UpstreamRequest): string[] {
  const { protocol, host } = new URL(origin);
  const head = [':method', method, ':scheme', protocol.slice(0, -1), ':authority', host, ':path', path];
  for (const [name, value] of fields) {
    const lowerName = name.toLowerCase();
    if (!notCarried.has(lowerName)) head.push(lowerName, value);
  }
  if (framing.kind === 'length') head.push('content-length', String(framing.octets));
  return head;
}

/** One request on its stream, and the response. */
class StreamExchange {
  readonly #stream: ClientHttp2Stream;
  readonly #request: UpstreamRequest;
  readonly #address: string | undefined;
  readonly #limits: ConnectionLimits;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #content: HeldContent;
  #trailers: Fields = [];
  #isAnswered = false;
  #interimResponses = 0;
  #headDeadline: NodeJS.Timeout | undefined;

  constructor(
    stream: ClientHttp2Stream,
    request: UpstreamRequest,
    address: string | undefined,
    limits: ConnectionLimits,
    resolve: (answer: UpstreamAnswer) => void,
  ) {
    this.#stream = stream;
    this.#request = request;
    this.#address = address;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#content = new HeldContent(
      { pause: () => stream.pause(), resume: () => stream.resume(), cancel: () => this.#cancel() },
      request.maxOctetsHeld,
    );
    let failure: unknown;
    stream.on('headers', (_headers, _flags, raw) => this.#interim(raw as unknown as string[]));
    stream.on('response', (_headers, _flags, raw) => this.#head(raw as unknown as string[]));
    stream.on('trailers', (_headers, _flags, raw) => {
      this.#trailers = paired((raw ?? []) as unknown as string[]);
    });
    stream.on('data', (octets: Buffer) => this.#content.push(octets));
    stream.on('error', (cause) => {
      failure = cause;
    });
    stream.on('timeout', () => {
      if (!stream.isPaused()) this.#fail(readTimeout());
    });
    stream.once('close', () => this.#closed(failure));
    request.onLeave(() => this.#content.cancel());
    this.#send();
  }

  #send(): void {
    const { content } = this.#request;
    if (content === undefined) {
      this.#awaitHead();
      return;
    }
    finished(content, { writable: false }, (cause) => (cause == null ? this.#awaitHead() : this.#fail(cause)));
    content.pipe(this.#stream);
  }

  #awaitHead(): void {
    if (this.#isAnswered) return;
    this.#headDeadline = setTimeout(() => {
      this.#fail(new ProxyError('http_response_timeout', 'The destination did not answer in time.'));
    }, this.#request.headDeadlineMs);
  }

  #interim(raw: readonly string[]): void {
    if (++this.#interimResponses > this.#limits.maxInterimResponses) {
      this.#fail(new ProxyError('http_protocol_error', 'The destination sends interim responses without end.'));
    } else this.#request.onInterim?.(statusOf(raw), paired(raw));
  }

  #head(raw: readonly string[]): void {
    if (this.#isAnswered) return;
    const status = statusOf(raw);
    const fields = paired(raw);
    const framing = responseFraming(this.#request.method, '2', status, fields);
    if (framing.kind === 'ambiguous' || framing.kind === 'chunked') {
      this.#fail(new ProxyError('http_protocol_error', 'The length of the response is ambiguous.'));
      return;
    }
    this.#isAnswered = true;
    clearTimeout(this.#headDeadline);
    this.#stream.setTimeout(this.#request.idleTimeoutMs);
    this.#resolve({
      kind: 'response',
      status,
      reason: '',
      fields,
      octets: framing.kind === 'none' ? 'none' : framing.kind === 'length' ? framing.octets : undefined,
      content: this.#content,
      address: this.#address,
    });
  }

  /** A stream that closes without an error has ended as it should, when its head had come. */
  #closed(failure: unknown): void {
    clearTimeout(this.#headDeadline);
    const { rstCode } = this.#stream;
    if (
      this.#isAnswered &&
      failure === undefined &&
      rstCode === constants.NGHTTP2_NO_ERROR &&
      this.#stream.readableEnded
    ) {
      this.#content.end(this.#trailers);
      return;
    }
    if (this.#isAnswered) {
      this.#content.fail(upstreamFailure(failure, true));
      return;
    }
    const cause = failure ?? new ProxyError('connection_terminated', 'The destination ended the exchange.');
    this.#isAnswered = true;
    // RFC 9113 8.7: the request has not been looked at.
    const progress = rstCode === constants.NGHTTP2_REFUSED_STREAM ? 'unsent' : 'unanswered';
    this.#resolve({ kind: 'failed', error: upstreamFailure(cause, false), progress });
  }

  #fail(cause: unknown): void {
    this.#stream.destroy(cause instanceof Error ? cause : new Error(String(cause)));
  }

  #cancel(): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

function readTimeout(): ProxyError {
  return new ProxyError('connection_read_timeout', 'The destination stopped sending for too long.');
}

function statusOf(raw: readonly string[]): number {
  return Number(raw[raw.indexOf(':status') + 1]);
}

function paired(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!name.startsWith(':')) fields.push([name, raw[i + 1] as string]);
  }
  return fields;
}
