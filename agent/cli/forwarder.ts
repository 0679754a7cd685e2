// Listens on a port of this machine and carries each connection through a tunnel of its own.
import { createServer, type Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import { listening } from '../proxy/accept/listening.ts';
import { type SpliceClose, splice } from '../tunnel/splice.ts';
import type { TunnelAnswer } from './connect-client.ts';

export interface ForwarderPorts {
  readonly clock: Clock;
  /** Opens a tunnel to the target for one connection, until the signal. */
  readonly open: (signal: AbortSignal) => Promise<TunnelAnswer>;
  /** Says a sentence to the person at the terminal. */
  readonly say: (sentence: string) => void;
  readonly maxConnections: number;
  /** Without an octet in either direction. */
  readonly idleTimeoutMs: number;
}

export interface Forwarder {
  readonly port: number;
  /** Stops listening and resets what is open. Gives how many connections that were, when they are closed. */
  stop(): Promise<number>;
}

/** Starts to listen. Rejects with what the system says when it cannot. */
export async function startForwarder(
  listen: { readonly host: string; readonly port: number },
  { clock, open, say, maxConnections, idleTimeoutMs }: ForwarderPorts,
): Promise<Forwarder> {
  const clients = new Map<Socket, Promise<void>>();
  let count = 0;
  const carry = async (client: Socket): Promise<void> => {
    const number = ++count;
    const acceptedAt = clock.now();
    const left = new AbortController();
    client.once('close', () => left.abort());
    const tunnel = await open(left.signal);
    if (tunnel.kind !== 'opened') {
      client.resetAndDestroy();
      say(`(${number}) not opened: ${tunnel.because}`);
      return;
    }
    const { socket, early } = tunnel;
    if (early.length > 0) socket.unshift(early);
    say(`(${number}) opened for ${addressOf(client)}, ${clients.size} active`);
    const { octets, closed } = splice(client, socket, { idleTimeoutMs });
    const because = closeInWords(await closed);
    const { fromFirst, fromSecond } = octets();
    const seconds = ((clock.now() - acceptedAt) / 1000).toFixed(3);
    say(`(${number}) closed after ${seconds} s, ${because}: ${fromFirst} octets sent, ${fromSecond} received`);
  };
  // A client may send its last octet at once: none is read, and no end is seen, before the tunnel is open.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
    client.on('error', () => undefined);
    client.once('close', () => clients.delete(client));
    clients.set(client, carry(client));
  });
  server.maxConnections = maxConnections;
  server.on('drop', () => say(`a connection was refused: ${maxConnections} are open, which is the most`));
  const port = await listening(server, listen.host, listen.port);
  server.on('error', (cause) => say(`a connection could not be accepted: ${cause.message}`));
  return {
    port,
    stop: async () => {
      const open = [...clients];
      server.close();
      for (const [client] of open) client.resetAndDestroy();
      await Promise.all(open.map(([, carried]) => carried));
      return open.length;
    },
  };
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? 'a client that has left' : `${remoteAddress} port ${remotePort}`;
}

/** The tunnel's other end speaks for the target: what happens there, the agent passes on. */
function closeInWords({ by, how }: SpliceClose): string {
  if (by === 'us') return how === 'idle' ? 'silent for too long' : 'cut here';
  const who = by === 'first' ? 'by the client' : 'by the target';
  return { end: who, reset: `reset ${who}`, lost: `lost ${who}` }[how];
}
