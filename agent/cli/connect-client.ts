// Asks a proxy for a tunnel by CONNECT, with the times of it, and says in words why there is none. RFC 9110 9.3.6.
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { parseContentLength } from '../../http/framing.ts';
import { problem } from '../../schemas/api.ts';
import type { Clock, Instant } from '../clock.ts';
import { printable } from '../log/words.ts';
import { upstreamFailure } from '../upstream/failure.ts';
import { type ProxyAddress, proxyAuthorization } from './running-agent.ts';

export interface TunnelRequest {
  readonly proxy: ProxyAddress;
  /** `host:port`, canonical. */
  readonly target: string;
  /** For the whole: connection, CONNECT, and the words of a refusal. */
  readonly timeoutMs: number;
  /** Gives up at once. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

export type TunnelAnswer =
  | {
      readonly kind: 'opened';
      /** Half-open is allowed. It is paused, and its errors are the caller's to hear. */
      readonly socket: Socket;
      /** What the destination has said already. */
      readonly early: Buffer;
      /** When the connection to the proxy was asked for, when it stood, and when the proxy had connected. */
      readonly startedAt: Instant;
      readonly connectedAt: Instant;
      readonly openedAt: Instant;
    }
  /** The proxy is there and does not open the tunnel. The sentence is the proxy's where it gives one. */
  | { readonly kind: 'refused'; readonly status: number; readonly because: string }
  /** The proxy is not there, or breaks off. */
  | { readonly kind: 'failed'; readonly because: string };

/** Most of a refusal's content that is read for its words. */
const maxRefusalBytes = 16 * 1024;
const maxHeadBytes = 64 * 1024;

/** Opens a tunnel. Never rejects. */
export function openTunnel({ proxy, target, timeoutMs, signal, clock }: TunnelRequest): Promise<TunnelAnswer> {
  return new Promise((resolve) => {
    const startedAt = clock.now();
    let connectedAt = startedAt;
    let isAnswered = false;
    const socket = connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true });
    socket.once('connect', () => {
      connectedAt = clock.now();
    });
    const answer = (given: TunnelAnswer) => {
      if (isAnswered) return;
      isAnswered = true;
      clearTimeout(deadline);
      signal.removeEventListener('abort', giveUp);
      if (given.kind !== 'opened') socket.destroy();
      resolve(given);
    };
    const fail = (because: string) => answer({ kind: 'failed', because });
    const giveUp = () => fail('it is not wanted any more.');
    signal.addEventListener('abort', giveUp, { once: true });
    const deadline = setTimeout(() => fail(`${proxy.name} did not answer within ${timeoutMs} ms.`), timeoutMs);
    const asked = request({
      method: 'CONNECT',
      path: target,
      headers: { Host: target, 'User-Agent': 'edgehop', ...proxyAuthorization(proxy.userinfo) },
      setHost: false,
      maxHeaderSize: maxHeadBytes,
      createConnection: () => socket,
    });
    asked.on('error', (cause) => fail(inWords(cause, proxy)));
    asked.once('connect', (message, _socket, early) => {
      socket.on('error', () => undefined);
      const status = message.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        answer({ kind: 'opened', socket, early, startedAt, connectedAt, openedAt: clock.now() });
      } else {
        void contentOf(message, socket, early).then((content) =>
          answer({ kind: 'refused', status, because: refusalInWords(proxy, status, content) }),
        );
      }
    });
    asked.end();
  });
}

/** A refusal's content, up to its announced length, the bound or the end of the connection. */
function contentOf({ headers }: IncomingMessage, socket: Socket, early: Buffer): Promise<Buffer> {
  const wanted = Math.min(parseContentLength(headers['content-length'] ?? '') ?? maxRefusalBytes, maxRefusalBytes);
  return new Promise((resolve) => {
    let content = early;
    const done = () => resolve(content.subarray(0, wanted));
    if (content.length >= wanted) return done();
    socket.on('data', (octets: Buffer) => {
      content = Buffer.concat([content, octets]);
      if (content.length >= wanted) done();
    });
    socket.once('end', done).once('close', done);
  });
}

/** Our own agent says it as problem details; of another proxy only the status is known. */
function refusalInWords(proxy: ProxyAddress, status: number, content: Buffer): string {
  const parsed = problem.safeParse(parsedJson(content));
  if (!parsed.success) return `${proxy.name} answered ${status}.`;
  const { detail, advice } = parsed.data;
  return printable(`${detail}${advice === undefined ? '' : ` ${advice}`} (${status} by ${proxy.name})`);
}

function parsedJson(octets: Buffer): unknown {
  try {
    return JSON.parse(octets.toString('utf8'));
  } catch {
    return undefined;
  }
}

function inWords(cause: Error, proxy: ProxyAddress): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED')
    return `${proxy.name} is not there: nothing listens at ${proxy.host} port ${proxy.port}.`;
  if (code === 'ECONNRESET' || code === 'EPIPE') return `${proxy.name} broke off without an answer.`;
  if (code?.startsWith('HPE_')) return `${proxy.name} did not answer in HTTP.`;
  return `${proxy.name} cannot be asked: ${upstreamFailure(cause, false).message}`;
}
