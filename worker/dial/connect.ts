// Makes the connection of one exchange to its origin, verified where it is TLS, and sends what is first to be said on it.
import { interleaved } from '../../http/happy-eyeballs.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { clock } from '../clock.ts';
import { connectFailure, connectTimeout, readFailure, referenceOf, tlsFailure } from '../exchange/failure.ts';
import type { Connect } from './network.ts';
import { closeSocket, race, toldElsewhere } from './race.ts';

export interface Target {
  readonly scheme: 'http' | 'https';
  /** A name, or an address as URLs have it. */
  readonly host: string;
  readonly port: number;
  /** Checked ones, the only ones that are dialled. Empty where the platform is to look the host up. */
  readonly addresses: readonly string[];
}

export interface Connection {
  readonly readable: ReadableStream;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  /**
   * Whether it has been reset, or TLS has ended without saying so. The platform reads both as an end; but after an end it
   * leaves the other direction open, and a connection that is broken it calls closed.
   */
  isBroken(): boolean;
  /** Ends it both ways at once. */
  close(): void;
}

/** How long what was done took, in milliseconds, and which address it was. */
export interface ConnectFacts {
  readonly connectMs?: number;
  readonly tlsMs?: number;
  readonly address?: string;
}

export type Connected =
  | { readonly kind: 'connected'; readonly connection: Connection; readonly facts: ConnectFacts }
  | {
      readonly kind: 'failed';
      readonly error: ProxyError;
      readonly reference: string | undefined;
      readonly facts: ConnectFacts;
    };

/**
 * Connects, and writes `firstOctets`: that this has been done is the only sign of TLS having begun. TLS is verified for
 * the target's host. All of it takes no longer than `connectTimeoutMs`, for the platform would wait without end.
 */
export async function connectTo(
  connect: Connect,
  target: Target,
  firstOctets: Uint8Array,
  connectTimeoutMs: number,
): Promise<Connected> {
  const timeUp = Promise.withResolvers<never>();
  timeUp.promise.catch(toldElsewhere);
  const timer = setTimeout(() => timeUp.reject(connectTimeout(connectTimeoutMs)), connectTimeoutMs);
  const begun = clock.now();
  const hosts = target.addresses.length === 0 ? [target.host] : interleaved(target.addresses).map(inBrackets);
  const secureTransport = target.scheme === 'https' ? 'starttls' : 'off';
  const raced = race(hosts, (hostname) =>
    connect({ hostname, port: target.port }, { secureTransport, allowHalfOpen: true }),
  );
  let facts: ConnectFacts = {};
  let connection: Connection | undefined;
  try {
    const { socket, host } = await Promise.race([raced.won, timeUp.promise]);
    const connectedAt = clock.now();
    facts = { connectMs: connectedAt - begun, ...(target.addresses.length > 0 && { address: withoutBrackets(host) }) };
    connection = connectionOn(target.scheme === 'https' ? secured(socket, host, target.host) : socket);
    await Promise.race([connection.writer.write(firstOctets), timeUp.promise]);
    if (target.scheme === 'https') facts = { ...facts, tlsMs: clock.now() - connectedAt };
    return { kind: 'connected', connection, facts };
  } catch (cause) {
    raced.end();
    raced.won.then(({ socket }) => closeSocket(socket), toldElsewhere);
    connection?.close();
    const error = connection === undefined ? connectFailure(cause) : firstWriteFailure(cause, target.scheme);
    return { kind: 'failed', error, reference: referenceOf(cause), facts };
  } finally {
    clearTimeout(timer);
  }
}

function firstWriteFailure(cause: unknown, scheme: Target['scheme']): ProxyError {
  return scheme === 'https' ? tlsFailure(cause) : readFailure(cause, false);
}

/** TLS is begun apart, so that its time and its failures are told from those of the connection. */
function secured(socket: Socket, dialled: string, host: string): Socket {
  const name = withoutBrackets(host);
  const secure = socket.startTls(dialled === name ? undefined : { expectedServerHostname: name });
  secure.opened.catch(toldElsewhere);
  return secure;
}

function connectionOn(socket: Socket): Connection {
  const writer: WritableStreamDefaultWriter<Uint8Array> = socket.writable.getWriter();
  writer.closed.catch(toldElsewhere);
  let isClosed = false;
  const noteClosed = () => {
    isClosed = true;
  };
  socket.closed.then(noteClosed, noteClosed);
  return {
    readable: socket.readable,
    writer,
    isBroken: () => isClosed,
    close: () => {
      writer.abort().catch(toldElsewhere); // closing alone would wait for what the origin does not read
      closeSocket(socket);
    },
  };
}

function inBrackets(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
