// One exchange on an HTTP/2 connection: the request on its stream, and the response. RFC 9113 8.1.
import { type ClientHttp2Stream, constants } from 'node:http2';
import { finished } from 'node:stream';
import type { Field, Fields } from '../../http/fields.ts';
import { announcedOctets, responseFraming } from '../../http/framing.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { ErrorType } from '../../schemas/error.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import { upstreamFailure } from './failure.ts';
import { HeldContent } from './held-content.ts';
import type { ConnectionLimits } from './http1-connection.ts';
import { otherLength } from './http1-request.ts';
import { notWanted, upstreamError } from './upstream-error.ts';

export interface Circumstances {
  readonly address: string | undefined;
  /** Whether the connection has carried other exchanges. */
  readonly isKept: boolean;
  /**
   * Its signal is the stream's. No other way ends a stream without a word that the request is complete: `close()`, and
   * what destroys it without an error, ends the content first.
   */
  readonly abandoned: AbortController;
  /** The last stream that the other side may have looked at, once it has said so. RFC 9113 6.8. */
  readonly lastSeen: () => number | undefined;
}

/** One request on its stream, and the response. Resolves with the head. */
export class Http2Exchange {
  readonly #stream: ClientHttp2Stream;
  readonly #request: UpstreamRequest;
  readonly #address: string | undefined;
  readonly #isKept: boolean;
  readonly #abandoned: AbortController;
  readonly #lastSeen: () => number | undefined;
  readonly #limits: ConnectionLimits;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #content: HeldContent;
  #trailers: Fields = [];
  #isAnswered = false;
  /** Whether the request has gone out whole. */
  #isSent = false;
  /** Whether the other side has ended its response, rather than broken it off. */
  #isWhole = false;
  /** Whether the end of the response has been told. */
  #isEnded = false;
  /** Why it ends before its time. */
  #cause: unknown;
  #isCutOff = false;
  #interimResponses = 0;
  /** Takes no more of the request's content, and leaves it as it is. */
  #letGo: () => void = () => undefined;
  #headDeadline: NodeJS.Timeout | undefined;
  /** While the other side takes no more of the content. */
  #writeDeadline: NodeJS.Timeout | undefined;

  constructor(
    stream: ClientHttp2Stream,
    request: UpstreamRequest,
    { address, isKept, abandoned, lastSeen }: Circumstances,
    limits: ConnectionLimits,
    resolve: (answer: UpstreamAnswer) => void,
  ) {
    this.#stream = stream;
    this.#request = request;
    this.#address = address;
    this.#isKept = isKept;
    this.#abandoned = abandoned;
    this.#lastSeen = lastSeen;
    this.#limits = limits;
    this.#resolve = resolve;
    this.#content = new HeldContent(
      { pause: () => stream.pause(), resume: () => this.#resume(), cancel: () => this.#cancel() },
      request.maxOctetsHeld,
    );
    this.#noteEnd();
    stream.on('headers', (_headers, _flags, raw) => this.#interim(raw as unknown as string[]));
    stream.on('response', (_headers, _flags, raw) => this.#head(raw as unknown as string[]));
    stream.on('trailers', (_headers, _flags, raw) => this.#trailing((raw ?? []) as unknown as string[]));
    stream.on('data', (octets: Buffer) => this.#content.push(octets));
    stream.on('end', () => this.#end());
    stream.on('error', (cause) => {
      if (!this.#abandoned.signal.aborted) this.#cause ??= cause;
    });
    stream.on('timeout', () => {
      if (!stream.isPaused()) this.#abandon(upstreamError('connection_read_timeout', undefined));
    });
    stream.once('close', () => this.#closed());
    request.onLeave(() => this.#content.cancel());
    this.#send();
  }

  /** Whether the other side has been silent, or has taken nothing, for too long. */
  get hasTimedOut(): boolean {
    return this.#cause instanceof ProxyError && timeouts.has(this.#cause.type);
  }

  /** Ends it from this side. */
  stop(cause: ProxyError): void {
    this.#abandon(cause);
  }

  /** The connection has ended. What came whole before that may still be read. */
  cutOff(): void {
    if (this.#isWhole) return;
    this.#isCutOff = true;
    this.#abandon(undefined);
  }

  /** Node tells an end and a reset without an error alike: it pushes null. Only a reset has closed the stream before. */
  #noteEnd(): void {
    const stream = this.#stream;
    const push = stream.push.bind(stream);
    stream.push = (octets, encoding) => {
      if (octets === null && !stream.closed) this.#isWhole = true;
      return push(octets, encoding);
    };
  }

  #send(): void {
    const { content, framing } = this.#request;
    const stream = this.#stream;
    if (content === undefined) {
      this.#sent();
      return;
    }
    let left = framing.kind === 'length' ? framing.octets : Number.POSITIVE_INFINITY;
    const count = (octets: Buffer) => {
      left -= octets.length;
      if (left < 0) this.#abandon(otherLength());
    };
    const awaitDrain = () => this.#awaitDrain();
    content.on('data', count);
    const forget = finished(content, { writable: false }, (cause) => {
      if (cause != null) this.#abandon(cause);
      else if (framing.kind === 'length' && left !== 0) this.#abandon(otherLength());
      else {
        stream.end();
        this.#sent();
      }
    });
    content.pipe(stream, { end: false });
    content.on('data', awaitDrain);
    stream.on('drain', () => clearInterval(this.#writeDeadline));
    this.#letGo = () => {
      forget();
      content.unpipe(stream).off('data', count).off('data', awaitDrain);
    };
  }

  /** Content that is not taken ends the exchange, unless it is the client that holds the response back. */
  #awaitDrain(): void {
    const stream = this.#stream;
    if (!stream.writableNeedDrain || stream.destroyed) return;
    clearInterval(this.#writeDeadline);
    this.#writeDeadline = setInterval(() => {
      if (!stream.isPaused()) this.#abandon(upstreamError('connection_write_timeout', undefined));
    }, this.#request.idleTimeoutMs);
  }

  #sent(): void {
    this.#isSent = true;
    if (this.#isAnswered || this.#stream.closed) return;
    this.#headDeadline = setTimeout(() => {
      this.#abandon(upstreamError('http_response_timeout', undefined));
    }, this.#request.headDeadlineMs);
  }

  #resume(): void {
    // Its time may have run out while it was the client who was slow.
    if (this.#isAnswered && !this.#stream.closed) this.#stream.setTimeout(this.#request.idleTimeoutMs);
    this.#stream.resume();
  }

  #interim(raw: readonly string[]): void {
    if (++this.#interimResponses > this.#limits.maxInterimResponses) {
      this.#abandon(new ProxyError('http_protocol_error', 'The destination sends interim responses without end.'));
      return;
    }
    const fields = this.#fieldsOf(raw);
    if (fields !== undefined) this.#request.onInterim?.(statusOf(raw), fields);
  }

  #head(raw: readonly string[]): void {
    if (this.#isAnswered) return;
    const fields = this.#fieldsOf(raw);
    if (fields === undefined) return;
    const status = statusOf(raw);
    const framing = responseFraming(this.#request.method, '2', status, fields);
    if (framing.kind === 'ambiguous' || framing.kind === 'chunked') {
      this.#abandon(new ProxyError('http_protocol_error', 'The length of the response is ambiguous.'));
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
      octets: announcedOctets(framing),
      content: this.#content,
      address: this.#address,
    });
  }

  #trailing(raw: readonly string[]): void {
    this.#trailers = this.#fieldsOf(raw) ?? [];
  }

  /** Nothing where they are more than is relayed; the exchange has ended then. */
  #fieldsOf(raw: readonly string[]): Fields | undefined {
    const fields = paired(raw);
    if (fields.length <= this.#limits.maxFields && listBytes(fields) <= this.#limits.maxHeadBytes) return fields;
    this.#abandon(upstreamError('http_response_header_section_size', undefined));
    return undefined;
  }

  #end(): void {
    if (!this.#isWhole || !this.#isAnswered || this.#cause !== undefined) return;
    this.#isEnded = true;
    this.#content.end(this.#trailers);
    if (!this.#isSent) this.#cancel(); // an answer that comes before the request has gone out: nobody wants the rest
  }

  #closed(): void {
    clearTimeout(this.#headDeadline);
    clearInterval(this.#writeDeadline);
    const { content } = this.#request;
    if (this.#isAnswered) {
      content?.resume(); // what the client still sends is nobody's
      if (!this.#isEnded) this.#content.fail(upstreamFailure(this.#cause, true));
      return;
    }
    this.#isAnswered = true;
    const cause = this.#cause ?? new ProxyError('connection_terminated', 'The destination ended the exchange.');
    const error = upstreamFailure(cause, false);
    const progress = this.#progress(error);
    if (progress === 'unsent' && content?.readableDidRead === false)
      this.#letGo(); // it may be sent again
    else content?.resume();
    this.#resolve({ kind: 'failed', error, progress });
  }

  /** How far a request came that was not answered. */
  #progress({ type }: ProxyError): Extract<UpstreamAnswer, { kind: 'failed' }>['progress'] {
    const { pending, id = 0, rstCode } = this.#stream;
    // It has not gone out, or it has not been looked at. RFC 9113 6.8, 7 and 8.7.
    if (pending || id > (this.#lastSeen() ?? Number.POSITIVE_INFINITY)) return 'unsent';
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) return 'unsent';
    if (rstCode === constants.NGHTTP2_HTTP_1_1_REQUIRED && this.#lastSeen() === undefined) return 'unsent';
    const isConnectionLost = this.#isCutOff || (this.#cause !== undefined && type === 'connection_terminated');
    return this.#isKept && isConnectionLost ? 'stale' : 'unanswered';
  }

  #cancel(): void {
    this.#abandon(notWanted());
  }

  /** Ends the exchange at once. The other side is told that nobody wants it. */
  #abandon(cause: unknown): void {
    this.#cause ??= cause;
    this.#abandoned.abort();
  }
}

const timeouts: ReadonlySet<ErrorType> = new Set<ErrorType>([
  'http_response_timeout',
  'connection_read_timeout',
  'connection_write_timeout',
]);

function statusOf(raw: readonly string[]): number {
  return Number(raw[raw.indexOf(':status') + 1]);
}

function paired(raw: readonly string[]): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!name.startsWith(':')) fields.push([name, (raw[i + 1] as string).replace(/^[\t ]+|[\t ]+$/g, '')]);
  }
  return fields;
}

/** The size of a list of fields. RFC 9113 6.5.2. */
function listBytes(fields: Fields): number {
  return fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
}
