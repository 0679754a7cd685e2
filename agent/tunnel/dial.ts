// Opens a TCP connection to one of the addresses that were checked, and to no other.
import { connect, type Socket } from 'node:net';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { upstreamFailure } from '../upstream/failure.ts';
import { pinned } from '../upstream/pinned.ts';

export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly error: ProxyError };

export type DialLimits = Pick<Config['limits'], 'connectTimeoutMs' | 'maxSocketBufferBytes'>;

/** Dials the addresses, both families in turn where there are both, until one accepts or the time is up. */
export function dial(
  addresses: readonly string[],
  port: number,
  { connectTimeoutMs, maxSocketBufferBytes }: DialLimits,
): Promise<Dialled> {
  return new Promise((resolve) => {
    const socket = connect({
      host: 'pinned.invalid',
      port,
      lookup: pinned(addresses),
      autoSelectFamily: true,
      allowHalfOpen: true,
      noDelay: true,
      ...socketBuffer(maxSocketBufferBytes),
    });
    const deadline = setTimeout(() => {
      socket.destroy(
        new ProxyError(
          'connection_timeout',
          `The destination did not accept a connection within ${connectTimeoutMs} ms.`,
        ),
      );
    }, connectTimeoutMs);
    socket.once('connect', () => {
      clearTimeout(deadline);
      socket.off('error', onError);
      resolve({ kind: 'connected', socket });
    });
    const onError = (cause: Error) => {
      clearTimeout(deadline);
      socket.on('error', () => undefined);
      resolve({ kind: 'failed', error: upstreamFailure(cause, false) });
    };
    socket.once('error', onError);
  });
}

/** An option of every stream, which the types of sockets leave out. */
function socketBuffer(highWaterMark: number): object {
  return { highWaterMark };
}
