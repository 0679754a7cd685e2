// The listening sockets: who gets a connection by its first octet, and what is inside of those whose TLS is ended here.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Config } from '../../../schemas/config.ts';
import type { Connection, Trace } from '../ports.ts';
import { type Connections, createConnections, cut, type OpenConnection } from './connections.ts';
import { firstOctetAt } from './first-octet.ts';
import { createHttp1, type Http1, type Http1Ports } from './http1.ts';
import { serveHttp2 } from './http2.ts';
import { listening } from './listening.ts';
import { lateHead, protocolOf, refusalOf } from './not-http.ts';
import { sniff } from './sniff.ts';
import { openTunnel, refuseRest } from './turns.ts';

export interface ListenerPorts extends Omit<Http1Ports, 'isDraining'> {
  readonly limits: Config['limits'];
  /** Who may connect, by address. A connection that has entered is told of when it leaves. */
  readonly clients: {
    readonly enters: (address: string) => boolean;
    readonly leaves: (address: string) => void;
  };
  /** Reads what a SOCKS5 client wants; gives what answers it, or nothing when the client has left. */
  readonly socks: (socket: Socket) => Promise<((trace: Trace) => Promise<void>) | undefined>;
}

export interface Listener {
  /** Listens on every address, all on one port; 0 chooses one. Gives the port. */
  listen(hosts: readonly string[], port: number): Promise<number>;
  /**
   * Serves the HTTP of a connection whose TLS has been ended here, for the host and port that it stands for. Resolves when
   * it is closed.
   */
  serveInside(socket: TLSSocket, outer: Connection, authority: NonNullable<Connection['intercepted']>): Promise<void>;
  /** Stops listening, lets what is going on finish, and cuts what is left after `drainTimeoutMs`. */
  drain(drainTimeoutMs: number): Promise<void>;
  /** Cuts everything at once. */
  stop(): void;
}

export function createListener(given: ListenerPorts): Listener {
  let draining = false;
  const ports = { ...given, isDraining: () => draining };
  const connections = createConnections(ports.clock, ports.observer);
  const listeners: Http1[] = [];
  return {
    listen: async (hosts, port) => {
      let chosen = port;
      for (const host of hosts) {
        const http1 = createHttp1(ports, connections);
        hearFirst(http1, ports, connections);
        try {
          chosen = await listening(http1.server, host, chosen);
          listeners.push(http1);
        } catch (cause) {
          // A machine without IPv6 has no [::1]; the first address must be there.
          if (listeners.length === 0 || !isAddressMissing(cause)) throw cause;
        }
      }
      return chosen;
    },
    serveInside: (socket, outer, authority) =>
      new Promise((resolve) => {
        const inner = connections.inside(outer, socket, authority);
        socket.once('close', resolve);
        if (socket.destroyed) resolve();
        else if (socket.alpnProtocol === 'h2') serveHttp2(ports, inner);
        else listeners[0]?.serve(inner);
      }),
    drain: async (drainTimeoutMs) => {
      draining = true;
      const closed = listeners.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
      connections.closeIdle();
      await drained(connections, drainTimeoutMs);
      connections.destroyAll();
      await Promise.all(closed);
    },
    stop: () => {
      for (const { server } of listeners) server.close();
      connections.destroyAll();
    },
  };
}

function isAddressMissing(cause: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

/**
 * Gives a connection to who speaks its protocol. Node's parser is put on it when the first octet has come rather than at
 * once, so that no parser has ever touched a connection that is not HTTP's. (Taking it over at the parser's first error
 * would leave the parser and its head timeout on the socket.)
 */
function hearFirst({ server, serve }: Http1, ports: ListenerPorts, connections: Connections): void {
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = 'unknown' } = socket;
    // Node's own bound is that of one address, and there are two.
    if (connections.active >= ports.limits.maxConnections || !ports.clients.enters(remoteAddress)) {
      socket.destroy();
      return;
    }
    socket.once('close', () => ports.clients.leaves(remoteAddress));
    const connection = connections.of(socket);
    sniff(socket, ports.limits.headTimeoutMs, {
      heard: (octet) => {
        connection.heardAt = ports.clock.now();
        const protocol = protocolOf(octet);
        if (protocol === 'http') serve(connection);
        else if (protocol === 'socks5') arriveSocks(ports, connection);
        else refuseRest(ports, connection, refusalOf(protocol));
      },
      late: () => refuseRest(ports, connection, lateHead()),
    });
  });
}

/** All of the handshake is its request. */
function arriveSocks(ports: ListenerPorts, connection: OpenConnection): void {
  const answered = (answer: ((trace: Trace) => Promise<void>) | undefined) => {
    if (answer === undefined) return;
    const trace = ports.begin('tunnel', connection, firstOctetAt(connection, ports.clock));
    openTunnel(ports, connection, trace, () => answer(trace));
  };
  ports.socks(connection.socket).then(answered, () => cut(connection));
}

/** Resolves when nothing is going on any more, or when the time is up. */
function drained(connections: Connections, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(finish, timeoutMs);
    const poll = setInterval(() => {
      if (!connections.isBusy()) finish();
    }, 20);
    function finish() {
      clearTimeout(deadline);
      clearInterval(poll);
      resolve();
    }
    if (!connections.isBusy()) finish();
  });
}
