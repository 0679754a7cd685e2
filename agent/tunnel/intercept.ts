// Ends the TLS of a client here, in the place of the server that it has asked for a tunnel to, and serves what is inside.
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { withoutBrackets } from '../../http/authority.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import type { Clock, Connection, Observer, Trace } from '../proxy/ports.ts';
import { type ClientHello, clientHelloReader } from './client-hello.ts';

export interface InterceptPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Pick<Config['limits'], 'clientSilenceMs' | 'headTimeoutMs'>;
  /** Whether the TLS of this host is to be ended here: it is configured, and not passed through. */
  readonly wants: (host: string) => boolean;
  /** What a server needs to be this host, without brackets. Rejects with a ProxyError. */
  readonly contextFor: (host: string) => Promise<SecureContext>;
  /** Serves what is inside until the connection is closed. */
  readonly serve: (
    socket: TLSSocket,
    outer: Connection,
    authority: NonNullable<Connection['intercepted']>,
  ) => Promise<void>;
  /** A client took the certificate of this host, or said in an alert that it does not; true where that was once too often. */
  readonly taken: (host: string) => void;
  readonly rejected: (host: string) => boolean;
  /** Gets the lines that make what is inside readable in a capture; absent where nobody asks for them. */
  readonly onKeys?: ((line: Buffer) => void) | undefined;
}

/**
 * Serves the client, which has been told that its tunnel is open, and completes the record; or gives the connection back,
 * with every octet still to be read, where it is none that could be intercepted.
 */
export async function intercepted(
  ports: InterceptPorts,
  trace: Trace,
  authority: NonNullable<Connection['intercepted']>,
  client: Socket,
): Promise<'done' | 'not-ours'> {
  const hello = await helloOf(client, ports.limits.clientSilenceMs);
  if (hello === undefined || !mayStandFor(authority.host, hello)) return 'not-ours';
  trace.tunnel = {
    tls: {
      serverName: hello.kind === 'found' ? hello.serverName : undefined,
      alpn: hello.alpn,
    },
    isIntercepted: true,
    state: { kind: 'open', octets: () => octetsOf(client) },
  };
  ports.observer.serverNamed(trace);
  const failure = await serveInside(ports, trace, authority, client);
  const { fromClient, toClient } = octetsOf(client);
  Object.assign(trace, { fromClient, toClient });
  if (failure !== undefined) trace.failure = { error: failure, source: 'agent' };
  trace.tunnel.state = {
    kind: 'closed',
    at: ports.clock.now(),
    close: { by: 'client', how: 'end' },
  };
  ports.observer.finished(trace);
  return 'done';
}

type ReadHello = Extract<ClientHello, { readonly alpn: readonly string[] }>;

/** Only for the name that the tunnel leads to; an address needs none. RFC 6066 3 knows no addresses. */
function mayStandFor(host: string, hello: ReadHello): boolean {
  if (hello.kind === 'found') return hello.serverName === host;
  return hello.because === 'no-name' || hello.because === 'too-long';
}

async function serveInside(
  ports: InterceptPorts,
  trace: Trace,
  authority: NonNullable<Connection['intercepted']>,
  client: Socket,
): Promise<ProxyError | undefined> {
  const { host } = authority;
  let secured: TLSSocket;
  try {
    const secureContext = await ports.contextFor(withoutBrackets(host));
    secured = await handshaken(client, secureContext, ports);
  } catch (cause) {
    client.destroy();
    return handshakeFailure(ports, host, cause as Error);
  }
  ports.taken(host);
  await ports.serve(secured, trace.connection, authority);
  return undefined;
}

/**
 * Of a TLSSocket that no server has made. What is not documented: it tells of a failed handshake by `_tlsError` and closes,
 * and what is put on it asks whether it is `secureConnecting`.
 */
interface ServerSocket extends TLSSocket {
  secureConnecting: boolean;
  on(event: '_tlsError', listener: (cause: Error) => void): this;
  on(event: string, listener: (...args: never[]) => void): this;
}

function handshaken(client: Socket, secureContext: SecureContext, ports: InterceptPorts): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    client.allowHalfOpen = false; // TLS ends both ways at once
    const options = {
      isServer: true,
      secureContext,
      ALPNProtocols: ['h2', 'http/1.1'],
    };
    const socket = new TLSSocket(client, options) as ServerSocket;
    // TLS has no resets of its own: a reset is that of the connection below.
    socket.resetAndDestroy = () => {
      client.resetAndDestroy();
      return socket.destroy();
    };
    const fail = (cause: Error) => {
      clearTimeout(timer);
      reject(cause);
    };
    const left = () => fail(new Error('the client has left'));
    const timer = setTimeout(() => fail(new Error('it took too long')), ports.limits.headTimeoutMs);
    client.once('end', left);
    socket.on('_tlsError', fail);
    socket.on('error', fail);
    socket.once('close', left);
    if (ports.onKeys !== undefined) socket.on('keylog', ports.onKeys);
    socket.once('secure', () => {
      clearTimeout(timer);
      client.off('end', left);
      socket.secureConnecting = false;
      // Not within the parser of the handshake: see `upstream/secure.ts`.
      setImmediate(() => resolve(socket));
    });
  });
}

/** Alerts by which a client says that it does not trust a certificate. RFC 8446 6.2. */
const rejections =
  /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)$/;

function handshakeFailure(ports: InterceptPorts, host: string, cause: Error): ProxyError {
  if (cause instanceof ProxyError) return cause;
  if (!rejections.test((cause as NodeJS.ErrnoException).code ?? '')) {
    return new ProxyError('tls_protocol_error', `The client's TLS handshake failed: ${cause.message}.`, { cause });
  }
  const isPassed = ports.rejected(host);
  const advice = isPassed
    ? `From now on ${host} is passed through for a while. \`edgehop ca retry ${host}\` intercepts it again.`
    : 'Install the local CA where the client looks for it (`edgehop ca install`), or name the host in intercept.except.';
  return new ProxyError('tls_alert_received', 'The client does not trust our certificate.', { advice, cause });
}

/** What a client's first octets are, which stay to be read; nothing where it says no TLS, nothing at all, or has left. */
function helloOf(client: Socket, silenceMs: number): Promise<ReadHello | undefined> {
  return new Promise((resolve) => {
    const read = clientHelloReader();
    const pieces: Buffer[] = [];
    const over = (hello: ReadHello | undefined) => {
      clearTimeout(timer);
      client.off('readable', onReadable).off('end', leave).off('close', leave);
      if (pieces.length > 0) client.unshift(Buffer.concat(pieces));
      resolve(hello);
    };
    const leave = () => over(undefined);
    const onReadable = () => {
      for (let piece = client.read() as Buffer | null; piece !== null; piece = client.read() as Buffer | null) {
        pieces.push(piece);
        const known = read(piece);
        if (known.kind === 'incomplete') continue;
        over(known.kind === 'not-tls' || (known.kind === 'none' && known.because === 'malformed') ? undefined : known);
        return;
      }
    };
    const timer = setTimeout(leave, silenceMs);
    client.on('readable', onReadable).once('end', leave).once('close', leave);
    onReadable();
  });
}

function octetsOf({ bytesRead, bytesWritten }: Socket) {
  return { fromClient: bytesRead, toClient: bytesWritten };
}
