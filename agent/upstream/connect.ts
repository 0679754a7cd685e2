// Opens connections to origins and edges: the socket, TLS with its verification, and what protocol the other side chose.
import { isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Resolution } from '../proxy/ports.ts';
import type { Dial, DialTarget } from './dial.ts';
import { upstreamFailure } from './failure.ts';
import type { AbsoluteForm } from './http1-request.ts';

/** Scheme, host and port, as an URL has them. */
export interface OriginAddress {
  readonly scheme: 'http' | 'https';
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface Connected {
  readonly socket: Socket;
  readonly protocol: 'http/1.1' | 'h2';
  /** The address it leads to, where that is known. */
  readonly address: string | undefined;
  readonly absoluteForm: AbsoluteForm | undefined;
  /** Ends it at once, by a reset where that is possible: whoever works for it notices. */
  cut(): void;
}

export type Connecting =
  | { readonly kind: 'connected'; readonly connected: Connected }
  | { readonly kind: 'failed'; readonly error: ProxyError };

export interface ConnectPorts {
  readonly dial: Dial;
  /** The addresses that may be dialled, judged at this moment; none where whoever dials resolves the name. */
  readonly addresses: (host: string, port: number, scheme: OriginAddress['scheme']) => Promise<Resolution>;
  readonly connectTimeoutMs: number;
  readonly allowHttp2: boolean;
}

export type Connect = (origin: OriginAddress) => Promise<Connecting>;

/** Every failure is an RFC 9209 type. */
export function createConnect({ dial, addresses, connectTimeoutMs, allowHttp2 }: ConnectPorts): Connect {
  return async ({ scheme, host, port }) => {
    const resolution = await addresses(host, port, scheme);
    if (resolution.kind === 'failed') return resolution;
    const target: DialTarget = { host, port, addresses: resolution.addresses, scheme };
    const dialled = await dial(target);
    if (dialled.kind === 'failed') return dialled;
    const { socket, address, absoluteForm } = dialled;
    const cut = () => cutSocket(socket);
    if (scheme === 'http') {
      return { kind: 'connected', connected: { socket, protocol: 'http/1.1', address, absoluteForm, cut } };
    }
    return secured(socket, { host, connectTimeoutMs, allowHttp2 }, address, cut);
  };
}

/** TLS over a socket. RFC 9110 4.3.4: the certificate must be for this host. */
function secured(
  socket: Socket,
  { host, connectTimeoutMs, allowHttp2 }: { host: string } & Pick<ConnectPorts, 'connectTimeoutMs' | 'allowHttp2'>,
  address: string | undefined,
  cut: () => void,
): Promise<Connecting> {
  return new Promise((resolve) => {
    const tls = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
      ALPNProtocols: allowHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    });
    const failed = (cause: unknown) => {
      clearTimeout(deadline);
      cut();
      resolve({ kind: 'failed', error: upstreamFailure(cause, false) });
    };
    const deadline = setTimeout(() => {
      failed(new ProxyError('connection_timeout', `TLS was not agreed on within ${connectTimeoutMs} ms.`));
      tls.destroy();
    }, connectTimeoutMs);
    tls.once('error', failed);
    tls.once('secureConnect', () => {
      clearTimeout(deadline);
      tls.off('error', failed);
      tls.on('error', () => undefined); // told by whoever uses it
      const protocol = tls.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
      resolve({ kind: 'connected', connected: { socket: tls, protocol, address, absoluteForm: undefined, cut } });
    });
  });
}

function cutSocket(socket: Socket): void {
  // Only TCP has resets; a tunnel through a parent proxy's TLS has not.
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy();
  }
}
