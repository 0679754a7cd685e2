// One HTTP/2 connection to an origin or an edge: many exchanges at once. RFC 9113.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import type { Connected } from './connect.ts';
import { upstreamFailure } from './failure.ts';
import type { ConnectionLimits } from './http1-connection.ts';
import { Http2Exchange } from './http2-exchange.ts';
import { stopping } from './upstream-error.ts';

export interface Http2Owner {
  /** An exchange has ended, so that there is room for another. */
  idle(connection: Http2Connection, timeoutMs: number): void;
  closed(connection: Http2Connection): void;
  /** The other side wants HTTP/1.1 instead. Called before the exchange that it refused so ends. RFC 9113 7. */
  http1Required(): void;
}

/** Octets that the other side may send ahead of the reader, per exchange and in all. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 8 * 1024 * 1024;

/** Of a request's head, compressed: the envelopes for edges are large. */
const maxSentHeadBytes = 256 * 1024;

/** Fields that come beside those which are relayed: the status, and one that shows that there are too many. */
const pairsBeside = 2;

/** Two lines of a field go on as two, whatever field it is. An option of clients, too, which their types leave out. */
const severalLines: object = { strictSingleValueFields: false };

export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #connected: Connected;
  readonly #limits: ConnectionLimits;
  readonly #owner: Http2Owner;
  readonly #open = new Set<Http2Exchange>();
  #isGoingAway = false;
  #lastSeen: number | undefined;
  #isKept = false;

  constructor(origin: string, connected: Connected, limits: ConnectionLimits, owner: Http2Owner) {
    this.#connected = connected;
    this.#limits = limits;
    this.#owner = owner;
    this.#session = connect(origin, {
      createConnection: () => connected.socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes, maxHeaderListSize: limits.maxHeadBytes },
      maxHeaderListPairs: limits.maxFields + pairsBeside,
      maxSendHeaderBlockLength: maxSentHeadBytes,
      strictFieldWhitespaceValidation: false, // else a value with space around it would be left out in silence
      ...severalLines,
    });
    this.#session.on('error', () => undefined); // told by the streams
    connected.socket.once('end', () => this.#ended());
    this.#session.on('connect', (session) => session.setLocalWindowSize(connectionWindowBytes));
    this.#session.on('goaway', (_code, lastSeen) => {
      this.#isGoingAway = true;
      this.#lastSeen = lastSeen;
    });
    this.#session.once('close', () => owner.closed(this));
  }

  /** Whether it takes another exchange. */
  get isUsable(): boolean {
    const { maxConcurrentStreams = Number.POSITIVE_INFINITY } = this.#session.remoteSettings ?? {};
    return (
      !this.#isGoingAway && !this.#session.closed && !this.#session.destroyed && this.#open.size < maxConcurrentStreams
    );
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** Sends a request and resolves with the head of its response. */
  exchange(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void): void {
    const abandoned = new AbortController();
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(rawHead(request), {
        endStream: request.content === undefined,
        signal: abandoned.signal,
      });
    } catch (cause) {
      resolve({ kind: 'failed', error: upstreamFailure(cause, false), progress: 'unsent' });
      return;
    }
    const { address } = this.#connected;
    const exchange = new Http2Exchange(
      stream,
      request,
      { address, isKept: this.#isKept, abandoned, lastSeen: () => this.#lastSeen },
      this.#limits,
      (answer) => {
        const isHttp1Required = stream.rstCode === constants.NGHTTP2_HTTP_1_1_REQUIRED;
        if (answer.kind === 'failed' && isHttp1Required) this.#owner.http1Required();
        resolve(answer);
      },
    );
    this.#isKept = true;
    this.#open.add(exchange);
    stream.once('close', () => {
      this.#open.delete(exchange);
      if (exchange.hasTimedOut) this.retire(); // perhaps nobody is there any more, as after a change of networks
      this.#owner.idle(this, this.#limits.keepAliveTimeoutMs);
    });
  }

  /** The other side sends nothing more: what it has not said by now it will not say. */
  #ended(): void {
    for (const exchange of this.#open) exchange.cutOff();
    this.retire();
  }

  /** Takes no more exchanges. */
  retire(): void {
    this.#isGoingAway = true;
    this.#session.close();
  }

  /** Ends the connection, and with it what goes on on it. */
  close(): void {
    for (const exchange of this.#open) exchange.stop(stopping());
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
