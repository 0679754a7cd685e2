// Carries a tunnel from its opening to its close, and writes into the record what becomes of it.
import type { Socket } from 'node:net';
import type { Config } from '../../schemas/config.ts';
import type { TunnelClose } from '../../schemas/exchange.ts';
import type { TunnelShape } from '../proxy/apply/shaping.ts';
import type { Clock, Observer, Trace, Tunnel } from '../proxy/ports.ts';
import type { BulkReader } from '../upstream/bulk-reader.ts';
import { clientHelloReader } from './client-hello.ts';
import { carryShaped } from './shaped.ts';
import { type SpliceClose, splice } from './splice.ts';

export interface OpenTunnelPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Pick<Config['limits'], 'tunnelIdleTimeoutMs'>;
}

/**
 * Settles when both connections are closed and the record is complete. The client has been told that the tunnel is open;
 * what it sent already waits in its socket. `reader` reads the destination, if that was dialled with one, which a tunnel
 * with a `shape` is not.
 */
export async function carryOpenTunnel(
  { clock, observer, limits }: OpenTunnelPorts,
  trace: Trace,
  client: Socket,
  destination: Socket,
  reader?: BulkReader,
  shape?: TunnelShape,
): Promise<void> {
  const hello = clientHelloReader();
  const { octets, closed } = splice(client, destination, {
    idleTimeoutMs: limits.tunnelIdleTimeoutMs,
    secondReader: reader,
    ...(shape !== undefined && { carry: (from, to) => carryShaped(from, to, shape) }),
    peek: (piece) => {
      const read = hello(piece);
      if (read.kind === 'incomplete') return 'more';
      if (read.kind === 'not-tls' || (read.kind === 'none' && read.because === 'malformed')) return 'enough';
      tunnel.tls = { serverName: read.kind === 'found' ? read.serverName : undefined, alpn: read.alpn };
      if (read.kind === 'found') observer.serverNamed(trace);
      return 'enough';
    },
  });
  const octetsSoFar = () => {
    const { fromFirst, fromSecond } = octets();
    return { fromClient: fromFirst, toClient: fromSecond };
  };
  const tunnel: Tunnel = { tls: undefined, state: { kind: 'open', octets: octetsSoFar } };
  trace.tunnel = tunnel;
  const close = closeOf(await closed);
  Object.assign(trace, octetsSoFar());
  tunnel.state = { kind: 'closed', at: clock.now(), close };
  observer.finished(trace);
}

function closeOf(close: SpliceClose): TunnelClose {
  if (close.by === 'us') return { by: 'agent', how: close.how };
  return { by: close.by === 'first' ? 'client' : 'destination', how: close.how };
}
