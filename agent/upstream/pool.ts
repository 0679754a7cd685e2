// The connections to one origin: kept for the next request, bounded in number; what exceeds that waits its turn.
import { originOf, withoutBrackets } from '../../http/authority.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import type { Connect, Connecting, OriginAddress } from './connect.ts';
import { upstreamFailure } from './failure.ts';
import { type ConnectionLimits, Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import { stopping, upstreamError } from './upstream-error.ts';

type Resolve = (answer: UpstreamAnswer) => void;

interface Waiting {
  readonly request: UpstreamRequest;
  readonly resolve: Resolve;
  readonly deadline: NodeJS.Timeout;
}

/** A connection, and how often it is still looked at before it is closed for having nothing to do. */
interface Kept<Connection> {
  readonly connection: Connection;
  sweepsLeft: number;
}

/** How often idle connections are looked at. */
export const sweepIntervalMs = 500;

export interface PoolOptions extends ConnectionLimits {
  /** Connections to one origin, at most. */
  readonly maxConnections: number;
  readonly connect: Connect;
}

/** The connections to one origin. */
export class Pool {
  /** For its owner: of two pools the one that was asked last has the greater number. */
  usedLast = 0;
  readonly #origin: string;
  readonly #address: OriginAddress;
  readonly #options: PoolOptions;
  /** The last was used last, and is used again first. */
  #idle: Kept<Http1Connection>[] = [];
  /** Mostly one: there are more where one does not take as many exchanges at once as there are. */
  #shared: Kept<Http2Connection>[] = [];
  readonly #open = new Set<Http1Connection | Http2Connection>();
  #waiting: Waiting[] = [];
  #connecting = 0;
  readonly #sentAgain = new WeakSet<UpstreamRequest>();
  #isClosed = false;
  /** The origin has refused HTTP/2. Holds as long as there are connections or who waits for one. */
  #isHttp1Required = false;

  constructor(origin: string, options: PoolOptions) {
    const { scheme, host, port } = originOf(new URL(origin));
    this.#origin = origin;
    this.#options = options;
    this.#address = { scheme, host: withoutBrackets(host), port };
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#connecting === 0 && this.#waiting.length === 0;
  }

  get idleConnections(): number {
    return this.#idle.length + this.#shared.filter(({ connection }) => connection.isIdle).length;
  }

  /** Closes so many connections that have nothing to do, those first that were used longest ago. Gives how many it were. */
  giveUpIdle(count: number): number {
    const idle = [...this.#idle, ...this.#shared.filter(({ connection }) => connection.isIdle)].slice(0, count);
    for (const { connection } of idle) connection.close();
    return idle.length;
  }

  send(request: UpstreamRequest, resolve: Resolve): void {
    if (this.#waiting.length === 0 && this.#carried(request, resolve)) return;
    const deadline = setTimeout(() => this.#giveUp(waiting, this.#late()), request.headDeadlineMs);
    const waiting: Waiting = { request, resolve, deadline };
    this.#waiting.push(waiting);
    request.onLeave(() => this.#giveUp(waiting, clientLeft()));
    this.#connectIfAllowed();
  }

  #giveUp(waiting: Waiting, error: ProxyError): void {
    if (!this.#waiting.includes(waiting)) return;
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    clearTimeout(waiting.deadline);
    waiting.resolve(unsent(error));
  }

  /** Why somebody has waited too long. */
  #late(): ProxyError {
    if (this.#open.size === 0) return upstreamError('connection_timeout', undefined);
    const message = `All ${this.#options.maxConnections} connections to this destination are in use.`;
    const advice = 'Raise limits.maxOriginConnections in edgehop.jsonc, or end some of what is going on.';
    return new ProxyError('connection_limit_reached', message, { advice });
  }

  sweep(): void {
    const tooOld = [
      ...this.#idle.filter((idle) => --idle.sweepsLeft <= 0),
      ...this.#shared.filter((shared) => shared.connection.isIdle && --shared.sweepsLeft <= 0),
    ];
    this.#idle = this.#idle.filter(({ sweepsLeft }) => sweepsLeft > 0);
    for (const { connection } of tooOld) connection.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#refuse(this.#waiting.length, stopping());
    for (const connection of this.#open) connection.close();
  }

  /** Gives the request to a connection that is free. */
  #carried(request: UpstreamRequest, resolve: Resolve): boolean {
    const cause = request.content?.errored;
    if (cause != null) {
      resolve(unsent(upstreamFailure(cause, false))); // broken off before anything of it was sent
      return true;
    }
    const shared = this.#shared.find(({ connection }) => connection.isUsable);
    if (shared !== undefined) {
      shared.connection.exchange(request, (answer) => {
        if (this.#maySendAgain(request, answer)) this.send(request, resolve);
        else {
          if (answer.kind === 'failed') request.content?.resume(); // what the client still sends is nobody's
          resolve(answer);
        }
      });
      return true;
    }
    for (;;) {
      const connection = this.#idle.pop()?.connection;
      if (connection === undefined) return false;
      if (!connection.isIdle) continue;
      connection.exchange(request, resolve);
      return true;
    }
  }

  /**
   * Once, where nobody has looked at the request nor at its content: the connection was just going away, takes no more,
   * or is of the wrong version. RFC 9113 8.7.
   */
  #maySendAgain(request: UpstreamRequest, answer: UpstreamAnswer): boolean {
    const isUnseen =
      answer.kind === 'failed' && answer.progress === 'unsent' && answer.error.type !== 'http_request_error';
    const isWhole = request.content === undefined || !request.content.readableDidRead;
    if (!isUnseen || this.#isClosed || !isWhole || this.#sentAgain.has(request)) return false;
    this.#sentAgain.add(request);
    return true;
  }

  #connectIfAllowed(): void {
    const isNeeded = this.#connecting < this.#waiting.length;
    if (!isNeeded || this.#isClosed || this.#open.size + this.#connecting >= this.#options.maxConnections) return;
    this.#connecting++;
    const isHttp1Required = this.#isHttp1Required;
    this.#options.connect(this.#address, isHttp1Required).then(
      (connecting) => this.#ready(connecting, isHttp1Required),
      (cause) => this.#ready({ kind: 'failed', error: upstreamFailure(cause, false) }, isHttp1Required),
    );
  }

  #ready(connecting: Connecting, isHttp1Required: boolean): void {
    this.#connecting--;
    if (connecting.kind === 'failed') {
      this.#notConnected(connecting.error);
      return;
    }
    const { connected } = connecting;
    // Before the first one was there, nobody could know that one of HTTP/2 is enough for all.
    const isSuperfluous = connected.protocol === 'h2' && this.#shared.some(({ connection }) => connection.isUsable);
    const isRefused = connected.protocol === 'h2' && this.#isHttp1Required && !isHttp1Required;
    if (this.#isClosed || isSuperfluous || isRefused) {
      connected.cut();
      if (isRefused) this.#connectIfAllowed();
      return;
    }
    const sweepsLeft = sweepsWithin(this.#options.keepAliveTimeoutMs);
    if (connected.protocol === 'h2') {
      const connection = new Http2Connection(this.#origin, connected, this.#options, this);
      this.#open.add(connection);
      this.#shared.push({ connection, sweepsLeft });
    } else {
      const connection = new Http1Connection(connected, this.#options, this);
      this.#open.add(connection);
      this.#idle.push({ connection, sweepsLeft });
    }
    this.#serve();
  }

  /** A connection could not be made: whoever waits for one is told, unless others are open or being made. */
  #notConnected(error: ProxyError): void {
    const isHopeless = this.#open.size === 0 && this.#connecting === 0;
    this.#refuse(isHopeless ? this.#waiting.length : 1, error);
    if (this.#open.size > 0) this.#connectIfAllowed(); // nobody is to wait for what goes on on the others
  }

  #refuse(count: number, error: ProxyError): void {
    for (const { resolve, deadline } of this.#waiting.splice(0, count)) {
      clearTimeout(deadline);
      resolve(unsent(error));
    }
  }

  #serve(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      if (!this.#carried(next.request, next.resolve)) {
        this.#connectIfAllowed();
        return;
      }
      this.#waiting.shift();
      clearTimeout(next.deadline);
    }
  }

  idle(connection: Http1Connection | Http2Connection, timeoutMs: number): void {
    const sweepsLeft = sweepsWithin(timeoutMs);
    if (connection instanceof Http1Connection) this.#idle.push({ connection, sweepsLeft });
    else for (const shared of this.#shared) if (shared.connection === connection) shared.sweepsLeft = sweepsLeft;
    // Not at once: what came behind a response drops its connection rather than answer whoever comes next.
    if (this.#waiting.length > 0) setImmediate(() => this.#serve());
  }

  http1Required(): void {
    this.#isHttp1Required = true;
    for (const { connection } of this.#shared) connection.retire();
  }

  closed(connection: Http1Connection | Http2Connection): void {
    this.#open.delete(connection);
    this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
    this.#shared = this.#shared.filter((shared) => shared.connection !== connection);
    if (this.#waiting.length > 0) this.#serve();
  }
}

/** The sweeps within a time, the first of which may come at once. */
function sweepsWithin(timeoutMs: number): number {
  return Math.max(1, Math.floor(timeoutMs / sweepIntervalMs));
}

export function unsent(error: ProxyError): UpstreamAnswer {
  return { kind: 'failed', error, progress: 'unsent' };
}

function clientLeft(): ProxyError {
  return new ProxyError('http_request_error', 'The client left before its request was sent.', { status: 499 });
}
