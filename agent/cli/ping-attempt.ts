// One attempt of `edgehop ping`: connects, and shakes hands and asks where that is wanted, with the time of each phase.
import { connect, type Socket } from 'node:net';
import type { PingPhase } from '../../schemas/api.ts';
import type { Clock } from '../clock.ts';
import { upstreamFailure } from '../upstream/failure.ts';
import { pinned } from '../upstream/pinned.ts';
import { secure } from '../upstream/secure.ts';
import { openTunnel } from './connect-client.ts';
import type { ProxyAddress } from './running-agent.ts';

export interface PingTarget {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port` as CONNECT and the Host field have it. */
  readonly authority: string;
  readonly tls: boolean;
  readonly http: { readonly method: 'HEAD' | 'GET'; readonly path: string } | undefined;
}

export type PingRouteChoice =
  | { readonly kind: 'proxy'; readonly proxy: ProxyAddress }
  | { readonly kind: 'direct' /** Of the target; at least one. */; readonly addresses: readonly string[] };

export interface AttemptPorts {
  readonly clock: Clock;
  /** For the whole attempt. */
  readonly timeoutMs: number;
  /** Gives up at once. */
  readonly signal: AbortSignal;
}

/** Milliseconds. */
export type PhaseTimes = Partial<Record<PingPhase, number>>;

export type Attempt =
  | {
      readonly kind: 'measured';
      readonly times: PhaseTimes;
      readonly address: string | undefined;
      readonly status: number | undefined;
    }
  | { readonly kind: 'failed'; readonly phase: PingPhase; readonly because: string }
  /** The proxy does not allow it: another attempt would come to the same. */
  | { readonly kind: 'refused'; readonly because: string };

/** Makes one attempt on a connection of its own, and closes it. Never rejects. */
export async function attempt(target: PingTarget, route: PingRouteChoice, ports: AttemptPorts): Promise<Attempt> {
  const { clock, timeoutMs } = ports;
  const late = new AbortController();
  const deadline = setTimeout(() => late.abort(), timeoutMs);
  const signal = AbortSignal.any([ports.signal, late.signal]);
  const times: PhaseTimes = {};
  let phase: PingPhase = route.kind === 'proxy' ? 'proxy' : 'connect';
  let socket: Socket | undefined;
  let status: number | undefined;
  try {
    if (route.kind === 'proxy') {
      const tunnel = await openTunnel({ proxy: route.proxy, target: target.authority, timeoutMs, signal, clock });
      if (tunnel.kind === 'refused' && tunnel.status < 500) return { kind: 'refused', because: tunnel.because };
      if (tunnel.kind !== 'opened') {
        phase = tunnel.kind === 'refused' ? 'connect' : 'proxy';
        throw new Error(tunnel.because);
      }
      socket = tunnel.socket;
      times.proxy = tunnel.connectedAt - tunnel.startedAt;
      times.connect = tunnel.openedAt - tunnel.connectedAt;
      if (tunnel.early.length > 0) socket.unshift(tunnel.early);
    } else {
      const startedAt = clock.now();
      socket = connect({ host: 'pinned.invalid', port: target.port, lookup: pinned(route.addresses), noDelay: true });
      await happened(socket, 'connect', signal);
      times.connect = clock.now() - startedAt;
    }
    const address = route.kind === 'direct' ? socket.remoteAddress : undefined;
    if (target.tls) {
      phase = 'tls';
      const startedAt = clock.now();
      const secured = await secure(socket, target.host, ['http/1.1'], signal);
      if (secured.kind === 'failed') throw secured.error.cause ?? secured.error;
      socket = secured.socket;
      times.tls = clock.now() - startedAt;
    }
    if (target.http !== undefined) {
      phase = 'http';
      const startedAt = clock.now();
      const response = firstOctets(socket, signal, clock);
      socket.write(requestOf(target.http, target.authority));
      const { at, octets } = await response;
      times.http = at - startedAt;
      status = statusOf(octets);
    }
    times.total = (times.proxy ?? 0) + (times.connect ?? 0) + (times.tls ?? 0) + (times.http ?? 0);
    return { kind: 'measured', times, address, status };
  } catch (cause) {
    const because = late.signal.aborted ? `It took more than ${timeoutMs} ms.` : inWords(cause);
    return { kind: 'failed', phase, because };
  } finally {
    clearTimeout(deadline);
    socket?.destroy();
  }
}

/** Resolves at the event; rejects when the connection fails or ends before it, or at the signal. */
function happened(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('The destination closed the connection.')));
    socket.once(event, () => resolve());
    onAbort(signal, () => reject(new Error('It was given up.')));
  });
}

/** A status line's worth of octets, and when the first of them came. */
function firstOctets(
  socket: Socket,
  signal: AbortSignal,
  clock: Clock,
): Promise<{ readonly at: number; readonly octets: Buffer }> {
  let at: number | undefined;
  let octets = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on('data', (more: Buffer) => {
      at ??= clock.now();
      octets = Buffer.concat([octets, more]);
      if (octets.length >= statusLineBytes) resolve({ at, octets });
    });
    socket.on('error', reject);
    const ended = () => reject(new Error('The destination closed the connection without an answer.'));
    socket.once('end', ended).once('close', ended);
    onAbort(signal, () => reject(new Error('It was given up.')));
  });
}

/** `HTTP/1.1 200`. */
const statusLineBytes = 12;

function statusOf(octets: Buffer): number {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(octets.toString('latin1', 0, statusLineBytes)) ?? [];
  if (status === undefined) throw new Error('What came is not an HTTP/1.1 response.');
  return Number(status);
}

function requestOf({ method, path }: NonNullable<PingTarget['http']>, authority: string): string {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${authority}`, 'User-Agent: edgehop-ping', 'Accept: */*'];
  return `${[...head, 'Connection: close'].join('\r\n')}\r\n\r\n`;
}

function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}

/** Ours is a sentence already; the system's is told in the words of the error types. */
function inWords(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === undefined ? message : `${upstreamFailure(cause, false).message} (${code})`;
}
