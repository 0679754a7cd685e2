// Makes the connection of one exchange to its origin, verified where it is TLS.
import { canonicalAddress } from '../../http/address.ts';
import { interleaved } from '../../http/happy-eyeballs.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { UpstreamSocket } from '../../schemas/upstream.ts';
import { clock } from '../clock.ts';
import { connectFailure, connectTimeout, referenceOf } from '../exchange/failure.ts';
import type { Connect } from './network.ts';
import { closeSocket, race, toldElsewhere } from './race.ts';

export interface Target {
  readonly scheme: 'http' | 'https';
  /** A name, or an address as URLs have it. */
  readonly host: string;
  readonly port: number;
  /**
   * Checked ones: without TLS the only ones that are dialled. The platform verifies certificates for nothing but what it
   * has dialled, so with TLS it is given the host. Empty where the platform is to look every host up.
   */
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

/** How long it took, in milliseconds, TLS included; and which address it was. */
export type ConnectFacts = Pick<UpstreamSocket, 'connectMs' | 'tls' | 'address'>;

export type Connected =
  | { readonly kind: 'connected'; readonly connection: Connection; readonly facts: ConnectFacts }
  | { readonly kind: 'failed'; readonly error: ProxyError; readonly reference: string | undefined };

/**
 * Connects, no longer than `connectTimeoutMs`, for the platform would wait without end. TLS is verified for the target's
 * host. (`startTls` would tell its time from that of TCP, and verify for another name than was dialled. But on workerd
 * octets that come before TLS then stand before those that come by it, as if they were the origin's own.)
 */
export async function connectTo(connect: Connect, target: Target, connectTimeoutMs: number): Promise<Connected> {
  const isTls = target.scheme === 'https';
  const hosts = isTls || target.addresses.length === 0 ? [target.host] : interleaved(target.addresses).map(inBrackets);
  const options = { secureTransport: isTls ? 'on' : 'off', allowHalfOpen: true };
  const timeUp = Promise.withResolvers<never>();
  timeUp.promise.catch(toldElsewhere);
  const timer = setTimeout(() => timeUp.reject(connectTimeout(connectTimeoutMs)), connectTimeoutMs);
  const begun = clock.now();
  const raced = race(hosts, (hostname) => connect({ hostname, port: target.port }, options));
  try {
    const { socket, host } = await Promise.race([raced.won, timeUp.promise]);
    const address = canonicalAddress(host);
    const facts: ConnectFacts = {
      connectMs: clock.now() - begun,
      ...(isTls && { tls: true }),
      ...(address !== undefined && { address }),
    };
    return { kind: 'connected', connection: connectionOn(socket), facts };
  } catch (cause) {
    raced.end();
    raced.won.then(({ socket }) => closeSocket(socket), toldElsewhere); // won at the last moment
    return { kind: 'failed', error: connectFailure(cause), reference: referenceOf(cause) };
  } finally {
    clearTimeout(timer);
  }
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
