// The connections to one origin: kept for the next request, bounded in number; what exceeds that waits its turn.
import { ProxyError } from '../../http/proxy-error.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../proxy/ports.ts';
import type { Connect, OriginAddress } from './connect.ts';
import { upstreamFailure } from './failure.ts';
import { type ConnectionLimits, Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';

type Resolve = (answer: UpstreamAnswer) => void;

interface Waiting {
  readonly request: UpstreamRequest;
  readonly resolve: Resolve;
  readonly deadline: NodeJS.Timeout;
  hasLeft: boolean;
}

interface Idle {
  readonly connection: Http1Connection;
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
  readonly #origin: string;
  readonly #address: OriginAddress;
  readonly #options: PoolOptions;
  /** The last was used last, and is used again first. */
  #idle: Idle[] = [];
  readonly #open = new Set<Http1Connection | Http2Connection>();
  #waiting: Waiting[] = [];
  #connecting = 0;
  #http2: Http2Connection | undefined;
  #http2Sweeps = 0;
  #isClosed = false;

  constructor(origin: string, options: PoolOptions) {
    const { protocol, hostname, port } = new URL(origin);
    const scheme = protocol === 'https:' ? 'https' : 'http';
    this.#origin = origin;
    this.#options = options;
    this.#address = {
      scheme,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    };
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#connecting === 0 && this.#waiting.length === 0;
  }

  send(request: UpstreamRequest, resolve: Resolve): void {
    if (this.#carried(request, resolve)) return;
    const deadline = setTimeout(() => this.#giveUp(waiting), request.headDeadlineMs);
    const waiting: Waiting = { request, resolve, deadline, hasLeft: false };
    request.onLeave(() => {
      waiting.hasLeft = true;
    });
    this.#waiting.push(waiting);
    this.#connectIfAllowed();
  }

  #giveUp(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    const message = `All ${this.#options.maxConnections} connections to this destination are in use.`;
    const advice = 'Raise limits.maxOriginConnections in edgehop.jsonc, or end some of what is going on.';
    waiting.resolve(unsent(new ProxyError('connection_limit_reached', message, { advice })));
  }

  sweep(): void {
    const tooOld = this.#idle.filter((idle) => --idle.sweepsLeft <= 0);
    this.#idle = this.#idle.filter(({ sweepsLeft }) => sweepsLeft > 0);
    for (const { connection } of tooOld) connection.close();
    if (this.#http2?.isIdle === true && --this.#http2Sweeps <= 0) this.#http2.close();
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
    if (this.#http2?.isUsable === true) {
      this.#http2.exchange(request, resolve);
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

  #connectIfAllowed(): void {
    const isNeeded = this.#connecting < this.#waiting.length;
    if (!isNeeded || this.#isClosed || this.#open.size + this.#connecting >= this.#options.maxConnections) return;
    this.#connecting++;
    void this.#options.connect(this.#address).then((connecting) => {
      this.#connecting--;
      if (connecting.kind === 'failed') {
        this.#notConnected(connecting.error);
        return;
      }
      const { connected } = connecting;
      if (this.#isClosed) {
        connected.cut();
        return;
      }
      if (connected.protocol === 'h2') {
        this.#http2 = new Http2Connection(this.#origin, connected, this.#options, this);
        this.#open.add(this.#http2);
      } else {
        const connection = new Http1Connection(connected, this.#options, this);
        this.#open.add(connection);
        this.#idle.push({ connection, sweepsLeft: sweepsWithin(this.#options.keepAliveTimeoutMs) });
      }
      this.#serve();
    });
  }

  /** A connection could not be made: whoever waits for one is told, unless others are open or being made. */
  #notConnected(error: ProxyError): void {
    const isHopeless = this.#open.size === 0 && this.#connecting === 0;
    this.#refuse(isHopeless ? this.#waiting.length : 1, error);
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
      if (next.hasLeft) this.#refuse(1, new ProxyError('http_request_error', 'The client has left.'));
      else if (this.#carried(next.request, next.resolve)) {
        this.#waiting.shift();
        clearTimeout(next.deadline);
      } else {
        this.#connectIfAllowed();
        return;
      }
    }
  }

  idle(connection: Http1Connection | Http2Connection, timeoutMs: number): void {
    if (connection instanceof Http2Connection) this.#http2Sweeps = sweepsWithin(timeoutMs);
    else this.#idle.push({ connection, sweepsLeft: sweepsWithin(timeoutMs) });
    if (this.#waiting.length > 0) this.#serve();
  }

  closed(connection: Http1Connection | Http2Connection): void {
    this.#open.delete(connection);
    if (connection === this.#http2) this.#http2 = undefined;
    else this.#idle = this.#idle.filter((idle) => idle.connection !== connection);
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

export function stopping(): ProxyError {
  return new ProxyError('proxy_internal_response', 'edgehop is stopping.', { status: 503 });
}
