// The listening sockets: who gets a connection by its first octet, Node's strict HTTP parser, and what that cannot parse.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { fieldsFromFlat } from '../../../http/fields.ts';
import { upgradeProtocols } from '../../../http/upgrade.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Arrival, RequestHead, Trace } from '../ports.ts';
import { type Connections, createConnections, cut, isIdle, type OpenConnection } from './connections.ts';
import { EarlyArrival } from './early-arrival.ts';
import { tooManyFields, tooManyWaiting } from './excess.ts';
import { firstOctetAt, noteFirstOctets } from './first-octet.ts';
import { hearHeads } from './heads.ts';
import { listening } from './listening.ts';
import { type ClientError, lateHead, protocolOf, refusalOf } from './not-http.ts';
import { sniff } from './sniff.ts';
import { type RefusalPorts, refuseRest, refuseUnparsable, takeTurn } from './turns.ts';

export interface ListenerPorts extends RefusalPorts {
  readonly limits: Config['limits'];
  /** Who may connect, by address. A connection that has entered is told of when it leaves. */
  readonly clients: { readonly enters: (address: string) => boolean; readonly leaves: (address: string) => void };
  readonly walk: (arrival: Arrival) => Promise<void> | void;
  /** Answers a CONNECT and carries its tunnel to the end. */
  readonly connect: (trace: Trace, message: IncomingMessage, socket: Socket, early: Buffer) => Promise<void>;
  /** Answers a request for another protocol, and carries the tunnel that it becomes to the end. */
  readonly upgrade: (arrival: Arrival, socket: Socket, early: Buffer) => Promise<void>;
  /** Reads what a SOCKS5 client wants; gives what answers it, or nothing when the client has left. */
  readonly socks: (socket: Socket) => Promise<((trace: Trace) => Promise<void>) | undefined>;
}

export interface Listener {
  /** Listens on every address, all on one port; 0 chooses one. Gives the port. */
  listen(hosts: readonly string[], port: number): Promise<number>;
  /** Stops listening, lets what is going on finish, and cuts what is left after `drainTimeoutMs`. */
  drain(drainTimeoutMs: number): Promise<void>;
  /** Cuts everything at once. */
  stop(): void;
}

export function createListener(ports: ListenerPorts): Listener {
  const connections = createConnections(ports.clock, ports.observer);
  const servers: Server[] = [];
  let draining = false;
  const server = () => {
    const created = createServer({
      maxHeaderSize: ports.limits.maxHeadBytes + 1, // Node refuses from there on, not beyond it
      headersTimeout: ports.limits.headTimeoutMs,
      keepAliveTimeout: ports.limits.keepAliveTimeoutMs,
      requestTimeout: 0, // an upload may take days; the idle deadline is the exchange's
      connectionsCheckingInterval: Math.min(1000, ports.limits.headTimeoutMs),
      requireHostHeader: false, // judged by accept, which says why
      insecureHTTPParser: false,
      noDelay: true,
      highWaterMark: ports.limits.maxSocketBufferBytes,
      // The others are served as plain requests.
      shouldUpgradeCallback: ({ httpVersion, rawHeaders }) =>
        upgradeProtocols(httpVersion, fieldsFromFlat(rawHeaders)).length > 0,
    });
    created.maxHeadersCount = 0; // Node would drop what is beyond a count silently; `tooManyFields` says so
    created.maxConnections = ports.limits.maxConnections;
    created.timeout = ports.limits.idleTimeoutMs + ports.limits.headDeadlineMs; // whoever waits within it says for what
    created.on('timeout', (socket: Socket) => cut(connections.of(socket)));
    hearFirst(created, ports, connections, () => draining);
    const onRequest = (message: IncomingMessage, reply: ServerResponse) =>
      arrive(ports, connections.of(message.socket), message, reply, () => draining);
    created.on('request', onRequest);
    created.on('checkContinue', onRequest);
    created.on('connect', (message: IncomingMessage, socket: Socket, early: Buffer) =>
      arriveConnect(ports, connections.of(socket), message, early),
    );
    // A Node that does not ask (before 24.9) would hand over every request for any protocol: there it serves them all.
    if ('shouldUpgradeCallback' in created) {
      created.on('upgrade', (message: IncomingMessage, socket: Socket, early: Buffer) =>
        arriveUpgrade(ports, connections.of(socket), message, early),
      );
    }
    created.on('clientError', (cause: ClientError, socket: Socket) =>
      refuseUnparsable(ports, connections.of(socket), cause),
    );
    return created;
  };
  return {
    listen: async (hosts, port) => {
      let chosen = port;
      for (const host of hosts) {
        const created = server();
        try {
          chosen = await listening(created, host, chosen);
          servers.push(created);
        } catch (cause) {
          // A machine without IPv6 has no [::1]; the first address must be there.
          if (servers.length === 0 || !isAddressMissing(cause)) throw cause;
        }
      }
      return chosen;
    },
    drain: async (drainTimeoutMs) => {
      draining = true;
      const closed = servers.map((each) => new Promise<void>((resolve) => each.close(() => resolve())));
      connections.closeIdle();
      await drained(connections, drainTimeoutMs);
      connections.destroyAll();
      await Promise.all(closed);
    },
    stop: () => {
      for (const each of servers) each.close();
      connections.destroyAll();
    },
  };
}

/** Node's own, between what it tells clients and what it does itself. */
const keepAliveMarginMs = 1000;

function isAddressMissing(cause: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

/**
 * Gives a connection to who speaks its protocol. Node's own listener, which begins to parse, is called when the first
 * octet has come rather than at once, so that no parser has ever touched a connection that is not HTTP's. (Taking it
 * over at the parser's first error would leave the parser and its head timeout on the socket.)
 */
function hearFirst(server: Server, ports: ListenerPorts, connections: Connections, isDraining: () => boolean): void {
  const [parse, ...others] = server.listeners('connection');
  if (parse === undefined || others.length > 0) throw new Error('node:http takes connections in another way now');
  server.removeAllListeners('connection');
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
        if (protocol === 'http') {
          parse.call(server, socket);
          noteFirstOctets(connection, ports.clock);
          hearHeads(socket, {
            keepAliveTimeoutMs: ports.limits.keepAliveTimeoutMs + keepAliveMarginMs,
            busyTimeoutMs: server.timeout,
            mayTake: () => isIdle(connection) && !isDraining(),
            take: (head, make) => arriveEarly(ports, connection, head, make),
          });
        } else if (protocol === 'socks5') arriveSocks(ports, connection);
        else refuseRest(ports, connection, refusalOf(protocol));
      },
      late: () => refuseRest(ports, connection, lateHead()),
    });
  });
}

/** Lets a request take its turn: one after the other on a connection. */
function arrive(
  ports: ListenerPorts,
  connection: OpenConnection,
  message: IncomingMessage,
  reply: ServerResponse,
  isDraining: () => boolean,
): void {
  if (connection.isRefused) return;
  message.on('error', toldElsewhere);
  reply.on('error', toldElsewhere);
  if (connection.early !== undefined) {
    connection.early.take(message, reply);
    return;
  }
  const excess = tooManyWaiting(connection, ports.limits) ?? tooManyFields(message, ports.limits);
  if (excess !== undefined) {
    refuseRest(ports, connection, { error: excess });
    return;
  }
  const arrival = { trace: beginExchange(ports, connection), head: message, message, reply };
  takeTurn(connection, async () => {
    if (connection.socket.destroyed || (connection.closing && !isDraining())) return;
    if (isDraining()) reply.shouldKeepAlive = false;
    await carry(connection, arrival, ports.walk(arrival));
  });
}

/** The same for a request whose turn has come already, of which there is only a head so far. */
function arriveEarly(ports: ListenerPorts, connection: OpenConnection, head: RequestHead, make: () => void): void {
  if (tooManyFields(head, ports.limits) !== undefined) {
    make();
    return;
  }
  const kept = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(ports.limits.keepAliveTimeoutMs / 1000)}\r\n`;
  const early = new EarlyArrival(beginExchange(ports, connection), head, kept, make);
  connection.early = early;
  const carried = ports.walk(early);
  if (!early.isAnswered) takeTurn(connection, () => carry(connection, early, carried));
  else if (carried !== undefined) takeTurn(connection, () => carried);
  connection.early = undefined;
}

function beginExchange(ports: ListenerPorts, connection: OpenConnection): Trace {
  const trace = ports.begin('exchange', connection, firstOctetAt(connection, ports.clock));
  trace.stamps['request-received'] = ports.clock.now();
  return trace;
}

async function carry(
  connection: OpenConnection,
  { message, reply }: Arrival,
  carried: Promise<void> | void,
): Promise<void> {
  connection.current = message;
  await carried;
  connection.current = undefined;
  if (!reply.shouldKeepAlive) connection.closing = true;
}

function arriveConnect(
  ports: ListenerPorts,
  connection: OpenConnection,
  message: IncomingMessage,
  early: Buffer,
): void {
  const excess = tooManyFields(message, ports.limits);
  if (excess !== undefined) {
    refuseRest(ports, connection, { error: excess });
    return;
  }
  const trace = ports.begin('tunnel', connection, firstOctetAt(connection, ports.clock));
  openTunnel(ports, connection, trace, () => ports.connect(trace, message, connection.socket, early));
}

/** The server has let go of the connection: the reply is made by hand, when the answers before it are given. */
function arriveUpgrade(
  ports: ListenerPorts,
  connection: OpenConnection,
  message: IncomingMessage,
  early: Buffer,
): void {
  const excess = tooManyWaiting(connection, ports.limits) ?? tooManyFields(message, ports.limits);
  if (excess !== undefined) {
    refuseRest(ports, connection, { error: excess });
    return;
  }
  const { socket } = connection;
  const trace = ports.begin('exchange', connection, firstOctetAt(connection, ports.clock));
  openTunnel(ports, connection, trace, () => {
    const reply = new ServerResponse(message);
    reply.on('error', toldElsewhere);
    reply.shouldKeepAlive = false;
    reply.assignSocket(socket);
    return ports.upgrade({ trace, head: message, message, reply }, socket, early);
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

/** Nothing comes after a tunnel on its connection. */
function openTunnel(ports: ListenerPorts, connection: OpenConnection, trace: Trace, carry: () => Promise<void>): void {
  trace.stamps['request-received'] = ports.clock.now();
  takeTurn(connection, async () => {
    if (!connection.closing) await carry();
    connection.closing = true;
  });
}

/** Errors of a message are told by the content's reader, those of a reply by its close. */
function toldElsewhere(): void {}

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
