// The HTTP client towards edges and origins: undici's dispatch, behind this one file.
import type { LookupFunction, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector, Client, type Dispatcher } from 'undici';
import type { Fields } from '../../http/fields.ts';
import { octetsFromText } from '../../http/octets.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Content, Sink, UpstreamAnswer, UpstreamClient, UpstreamRequest } from '../proxy/ports.ts';
import { upstreamFailure } from './failure.ts';

export interface ClientOptions {
  /** Connections to one origin, at most. */
  readonly maxConnections: number;
  readonly maxHeadBytes: number;
  readonly connectTimeoutMs: number;
  /** Looks names up; without it the operating system does. */
  readonly lookup?: LookupFunction;
  readonly allowHttp2: boolean;
}

/** Shorter than workerd's 5 s for an idle connection, so that the client closes first. */
const keepAliveTimeoutMs = 4_000;

/** Interim responses to one request; each gives the origin the whole head deadline anew. */
const maxInterimResponses = 10;

/** Exchanges at once on one HTTP/2 connection. */
const maxStreams = 100;

/** A client that keeps connections. Every failure is an RFC 9209 type. */
export function createUpstreamClient(options: ClientOptions): UpstreamClient {
  const addresses: OpenAddresses = new Map();
  const http2Origins = new Set<string>();
  const agent = new Agent({
    connections: options.maxConnections,
    allowH2: options.allowHttp2,
    maxHeaderSize: options.maxHeadBytes,
    keepAliveTimeout: keepAliveTimeoutMs,
    connect: rememberingConnector(options, addresses, http2Origins),
  });
  // HTTP/2 carries many exchanges on one connection; HTTP/1.1 one, for a second would wait behind the first.
  agent.on('connect', (origin, targets) => {
    const client = targets.at(-1);
    if (http2Origins.has(origin.origin) && client instanceof Client) client.pipelining = maxStreams;
  });
  return {
    send: (request) =>
      new Promise((resolve) => {
        const exchange = new ClientExchange(request, resolve, () => onlyAddress(addresses.get(request.origin)));
        try {
          agent.dispatch(
            {
              origin: request.origin,
              method: request.method as Dispatcher.HttpMethod,
              path: request.path,
              headers: request.flatFields as string[],
              body: request.content ?? null,
              headersTimeout: request.headDeadlineMs,
              bodyTimeout: request.idleTimeoutMs,
            },
            exchange,
          );
        } catch (cause) {
          exchange.fail(cause);
        }
      }),
    close: () => agent.destroy(),
  };
}

/** Notes to which addresses an origin's open connections lead, for as long as they are open. */
function rememberingConnector(
  options: ClientOptions,
  addresses: OpenAddresses,
  http2Origins: Set<string>,
): buildConnector.connector {
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    allowH2: options.allowHttp2,
    autoSelectFamily: true,
    keepAlive: true,
    ...(options.lookup !== undefined && { lookup: options.lookup }),
  });
  return (target, callback) => {
    const origin = `${target.protocol}//${target.host}`;
    connect(target, (...result) => {
      const socket: Socket | null = result[1];
      if (socket?.remoteAddress !== undefined) {
        noteAddress(addresses, origin, socket.remoteAddress, socket);
        socket.once('error', (cause: NodeJS.ErrnoException) => {
          if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') octetsBefore.set(cause, socket.bytesRead);
        });
      }
      if ((socket as TLSSocket | null)?.alpnProtocol === 'h2') http2Origins.add(origin);
      callback(...result);
    });
  };
}

/** What a connection had received before it was reset, which undici does not tell. */
const octetsBefore = new WeakMap<object, number>();

/** Origin to address to how many connections lead there. */
type OpenAddresses = Map<string, Map<string, number>>;

function noteAddress(addresses: OpenAddresses, origin: string, address: string, socket: Socket): void {
  const known = addresses.get(origin) ?? new Map<string, number>();
  addresses.set(origin, known.set(address, (known.get(address) ?? 0) + 1));
  socket.once('close', () => {
    const left = (known.get(address) ?? 1) - 1;
    if (left > 0) known.set(address, left);
    else known.delete(address);
    if (known.size === 0 && addresses.get(origin) === known) addresses.delete(origin);
  });
}

/** The address of an origin's connections when they all lead to the same one; else none is certain. */
function onlyAddress(known: ReadonlyMap<string, number> | undefined): string | undefined {
  return known?.size === 1 ? known.keys().next().value : undefined;
}

/** One request and its response: resolves with the head, then is the content, which flows into one sink. */
class ClientExchange implements Dispatcher.DispatchHandler, Content {
  readonly #request: UpstreamRequest;
  readonly #resolve: (answer: UpstreamAnswer) => void;
  readonly #address: () => string | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #sink: Sink | undefined;
  #held: Buffer[] = [];
  #heldOctets = 0;
  #ending: 'open' | 'ended' | { readonly cause: unknown } = 'open';
  #interimResponses = 0;
  #isAnswered = false;
  #isCancelled = false;

  constructor(request: UpstreamRequest, resolve: (answer: UpstreamAnswer) => void, address: () => string | undefined) {
    this.#request = request;
    this.#resolve = resolve;
    this.#address = address;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#request.onLeave(() => this.cancel());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: Headers, reason?: string): void {
    if (status < 200) {
      if (++this.#interimResponses > maxInterimResponses) controller.abort(tooManyInterim());
      return; // the final one is to come
    }
    this.#isAnswered = true;
    const raw = controller.rawHeaders;
    this.#resolve({
      kind: 'response',
      status,
      reason: octetsFromText(reason ?? '') ?? '',
      fields: () => rawFields(raw ?? headers),
      field: (name) => single(headers[name]),
      content: this,
      address: this.#address(),
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, octets: Buffer): void {
    if (this.#isCancelled) return;
    if (this.#sink !== undefined) {
      if (!this.#sink.write(octets)) controller.pause();
      return;
    }
    this.#held.push(octets);
    this.#heldOctets += octets.length;
    if (this.#heldOctets >= this.#request.maxOctetsHeld) controller.pause();
  }

  onResponseEnd(): void {
    this.#ending = 'ended';
    if (!this.#isCancelled) this.#sink?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, cause: Error): void {
    this.fail(cause);
  }

  /** Ends the exchange with an error: of the request while there is no head, of the content after that. */
  fail(cause: unknown): void {
    if (this.#isAnswered) {
      this.#ending = { cause };
      if (!this.#isCancelled) this.#sink?.fail(upstreamFailure(cause, true));
      return;
    }
    this.#isAnswered = true;
    const error = upstreamFailure(cause, false);
    this.#resolve({ kind: 'failed', error, progress: progressOf(cause, this.#controller !== undefined) });
  }

  flow(sink: Sink): void {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    let wantsMore = true;
    for (const octets of held) wantsMore = sink.write(octets) && wantsMore;
    if (this.#ending === 'ended') sink.end();
    else if (this.#ending !== 'open') sink.fail(upstreamFailure(this.#ending.cause, true));
    else if (wantsMore) this.resume();
    else this.#controller?.pause();
  }

  resume(): void {
    if (this.#controller?.paused === true) this.#controller.resume();
  }

  cancel(): void {
    this.#isCancelled = true;
    if (this.#ending === 'open') this.#controller?.abort(new Error('the content is not wanted'));
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? undefined : value;
}

function tooManyInterim(): ProxyError {
  return new ProxyError('http_protocol_error', 'The destination sends interim responses without end.');
}

/** Over HTTP/1.1 undici gives names and values as octets in turn, over HTTP/2 an object. */
function rawFields(raw: Buffer[] | string[] | Headers | unknown): Fields {
  if (Array.isArray(raw)) {
    const fields: [string, string][] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) fields.push([latin1(raw[i]), latin1(raw[i + 1])]);
    return fields;
  }
  return Object.entries(raw as Headers).flatMap(([name, value]) =>
    name.startsWith(':') || value === undefined ? [] : [value].flat().map((each): [string, string] => [name, each]),
  );
}

function latin1(octets: Buffer | string): string {
  return typeof octets === 'string' ? octets : octets.toString('latin1');
}

/** A kept connection that had answered before, and closed with this request on it, was most likely closing already. */
function progressOf(cause: unknown, isStarted: boolean): 'unsent' | 'stale' | 'unanswered' {
  if (!isStarted) return 'unsent';
  const { socket } = cause as { readonly socket?: { readonly bytesRead?: number } };
  const octets = socket?.bytesRead ?? octetsBefore.get(cause as object) ?? 0;
  return octets > 0 ? 'stale' : 'unanswered';
}
