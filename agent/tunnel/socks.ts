// Shakes hands with a SOCKS5 client and carries the tunnel that it asks for. RFC 1928.
import type { Socket } from 'node:net';
import type { Config } from '../../schemas/config.ts';
import type { SocksClients } from '../proxy/admit/client.ts';
import type { Trace } from '../proxy/ports.ts';
import { codeOf, handshake, type Progress, reply, succeeded, type Wish } from './socks5.ts';
import { type CarryPorts, carry, type Target } from './tunnel.ts';

export interface SocksPorts extends CarryPorts {
  readonly limits: CarryPorts['limits'] & Pick<Config['limits'], 'headTimeoutMs'>;
  /** Who may ask; without it everybody may. */
  readonly clients?: SocksClients | undefined;
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
    const address = client.remoteAddress ?? 'unknown';
    const wish = admitted(await shakeHands(client, ports, address), ports.clients, address);
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

/** A wish that is refused where the client may not ask. */
function admitted(wish: Wish | undefined, clients: SocksClients | undefined, address: string): Wish | undefined {
  const error = wish?.kind === 'connect' ? clients?.admit(address) : undefined;
  return error === undefined ? wish : { kind: 'refused', error, code: codeOf(error), reply: reply(codeOf(error)) };
}

/** Reads no further than the request: what came behind it is left in the socket. */
function shakeHands(client: Socket, ports: SocksPorts, address: string): Promise<Wish | undefined> {
  const { clients, limits } = ports;
  return new Promise((resolve, reject) => {
    const { take, judged, late } = handshake(clients?.asksCredentials);
    let isJudging = false;
    let isSettled = false;
    const stop = () => {
      isSettled = true;
      clearTimeout(deadline);
      client.off('readable', read).off('end', onEnd).off('close', onClose);
    };
    const settle = (wish: Wish | undefined) => {
      stop();
      resolve(wish);
    };
    const unforeseen = (cause: unknown) => {
      stop();
      reject(cause);
    };
    const goOn = (progress: Progress) => {
      if (progress.kind !== 'refused' && progress.reply.length > 0) client.write(progress.reply);
      if (progress.kind === 'incomplete') return;
      if (progress.kind === 'credentials') {
        isJudging = true;
        const { name = '', password = '' } = progress; // what is no text is nobody's
        clients?.verify(address, name, password).then((error) => {
          isJudging = false;
          if (isSettled) return;
          goOn(judged(error));
          read(); // what has come meanwhile
        }, unforeseen);
        return;
      }
      if (progress.kind === 'connect' && progress.early.length > 0) client.unshift(progress.early);
      settle(progress);
    };
    const read = () => {
      if (isJudging || isSettled) return;
      const octets = client.read() as Buffer | null;
      if (octets !== null) goOn(take(octets));
    };
    const onEnd = () => client.destroy();
    const onClose = () => settle(undefined);
    const deadline = setTimeout(() => settle(late()), limits.headTimeoutMs);
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
