// Opens connections to origins and edges: the socket, TLS with its verification, and what protocol the other side chose.
import type { Socket } from 'node:net';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Resolution } from '../proxy/ports.ts';
import type { Dial, DialTarget } from './dial.ts';
import type { AbsoluteForm } from './http1-request.ts';
import { secure } from './secure.ts';

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

/** `isHttp1Required`: only HTTP/1.1 is offered, whatever is allowed. */
export type Connect = (origin: OriginAddress, isHttp1Required?: boolean) => Promise<Connecting>;

/** Every failure is an RFC 9209 type. */
export function createConnect({ dial, addresses, connectTimeoutMs, allowHttp2 }: ConnectPorts): Connect {
  return async ({ scheme, host, port }, isHttp1Required = false) => {
    const resolution = await addresses(host, port, scheme);
    if (resolution.kind === 'failed') return resolution;
    const target: DialTarget = { host, port, addresses: resolution.addresses, scheme };
    const dialled = await dial(target);
    if (dialled.kind === 'failed') return dialled;
    const { socket, address, absoluteForm } = dialled;
    if (scheme === 'http') {
      const cut = () => void socket.resetAndDestroy();
      return { kind: 'connected', connected: { socket, protocol: 'http/1.1', address, absoluteForm, cut } };
    }
    return secured(socket, { host, connectTimeoutMs, allowHttp2: allowHttp2 && !isHttp1Required }, address);
  };
}

/** TLS, in its own time. RFC 9110 4.3.4: the certificate must be for this host. */
async function secured(
  raw: Socket,
  { host, connectTimeoutMs, allowHttp2 }: { host: string } & Pick<ConnectPorts, 'connectTimeoutMs' | 'allowHttp2'>,
  address: string | undefined,
): Promise<Connecting> {
  const late = new AbortController();
  const message = `TLS was not agreed on within ${connectTimeoutMs} ms.`;
  const deadline = setTimeout(() => late.abort(new ProxyError('connection_timeout', message)), connectTimeoutMs);
  const result = await secure(raw, host, allowHttp2 ? ['h2', 'http/1.1'] : ['http/1.1'], late.signal);
  clearTimeout(deadline);
  if (result.kind === 'failed') {
    raw.resetAndDestroy();
    return result;
  }
  const { socket, protocol } = result;
  const cut = () => void socket.resetAndDestroy();
  return { kind: 'connected', connected: { socket, protocol, address, absoluteForm: undefined, cut } };
}
