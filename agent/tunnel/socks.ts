// Shakes hands with a SOCKS5 client and carries the tunnel that it asks for. RFC 1928.
import type { Socket } from 'node:net';
import type { Config } from '../../schemas/config.ts';
import type { Trace } from '../proxy/ports.ts';
import { codeOf, handshake, reply, succeeded, type Wish } from './socks5.ts';
import { type CarryPorts, carry, type Target } from './tunnel.ts';

export interface SocksPorts extends CarryPorts {
  readonly limits: CarryPorts['limits'] & Pick<Config['limits'], 'headTimeoutMs'>;
  /** Writes the last octets that a client gets, and closes. */
  readonly end: (socket: Socket, octets: Buffer) => void;
}

/**
 * Reads what a client wants, for `headTimeoutMs` at most, and gives what answers it and carries its tunnel to the end;
 * nothing when the client leaves before.
 */
export function createSocks(
  ports: SocksPorts,
): (client: Socket) => Promise<((trace: Trace) => Promise<void>) | undefined> {
  return async (client) => {
    const wish = await shakeHands(client, ports.limits.headTimeoutMs);
    if (wish === undefined) return undefined;
    return (trace) => {
      trace.method = 'SOCKS5';
      return carry(ports, trace, targetOf(wish, trace), {
        socket: client,
        accept: () => {
          trace.response = { status: 200, reason: inWords(succeeded) };
          client.write(reply(succeeded));
        },
        refuse: (error) => {
          const refused = wish.kind === 'refused' ? wish : { code: codeOf(error), reply: reply(codeOf(error)) };
          trace.response = { status: error.status, reason: inWords(refused.code) };
          ports.end(client, refused.reply);
        },
      });
    };
  };
}

/** Reads no further than the request: what came behind it is left in the socket. */
function shakeHands(client: Socket, timeoutMs: number): Promise<Wish | undefined> {
  return new Promise((resolve) => {
    const { take, late } = handshake();
    const settle = (wish: Wish | undefined) => {
      clearTimeout(deadline);
      client.off('readable', read).off('end', onEnd).off('close', onClose);
      resolve(wish);
    };
    const read = () => {
      const octets = client.read() as Buffer | null;
      if (octets === null) return;
      const progress = take(octets);
      if (progress.kind !== 'refused' && progress.reply.length > 0) client.write(progress.reply);
      if (progress.kind === 'incomplete') return;
      if (progress.kind === 'connect' && progress.early.length > 0) client.unshift(progress.early);
      settle(progress);
    };
    const onEnd = () => client.destroy();
    const onClose = () => settle(undefined);
    const deadline = setTimeout(() => settle(late()), timeoutMs);
    client.on('readable', read).once('end', onEnd).once('close', onClose);
    read(); // what has come before
  });
}

function targetOf(wish: Wish, trace: Trace): Target {
  if (wish.kind === 'refused') return { kind: 'failed', error: wish.error };
  const { host, port } = wish;
  trace.url = `${host}:${port}`;
  trace.host = host;
  trace.port = port;
  return { kind: 'target', host, port };
}

function inWords(code: number): string {
  return `SOCKS5 reply ${code}`;
}
