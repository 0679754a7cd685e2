// The listening sockets: who gets a connection by its first octet, Node's strict HTTP parser, and what that cannot parse.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { fieldsFromFlat } from '../../../http/fields.ts';
import type { ProxyError } from '../../../http/proxy-error.ts';
import { upgradeProtocols } from '../../../http/upgrade.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Arrival, Clock, Connection, Instant, Observer, Trace } from '../ports.ts';
import { type Connections, createConnections, cut, type OpenConnection } from './connections.ts';
import { tooManyFields, tooManyWaiting } from './excess.ts';
import { firstOctetAt, noteFirstOctets } from './first-octet.ts';
import { listening } from './listening.ts';
import { type ClientError, lateHead, parseFailure, protocolOf, type Refusal, refusalOf } from './not-http.ts';
import { endWith, sniff } from './sniff.ts';

export interface ListenerPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Config['limits'];
  /** Who may connect, by address. A connection that has entered is told of when it leaves. */
  readonly clients: { readonly enters: (address: string) => boolean; readonly leaves: (address: string) => void };
  /** Begins the record of the next exchange or tunnel. */
  readonly begin: (kind: Trace['kind'], connection: Connection, firstOctetAt: Instant) => Trace;
  readonly walk: (arrival: Arrival) => Promise<void> | void;
  /** Answers a CONNECT and carries its tunnel to the end. */
  readonly connect: (trace: Trace, message: IncomingMessage, socket: Socket, early: Buffer) => Promise<void>;
  /** Answers a request for another protocol, and carries the tunnel that it becomes to the end. */
  readonly upgrade: (arrival: Arrival, socket: Socket, early: Buffer) => Promise<void>;
  /** Reads what a SOCKS5 client wants; gives what answers it, or nothing when the client has left. */
  readonly socks: (socket: Socket) => Promise<((trace: Trace) => Promise<void>) | undefined>;
  /** Answers octets that are no request. */
  readonly refuse: (socket: Socket, error: ProxyError) => void;
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
    hearFirst(created, ports, connections);
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

function isAddressMissing(cause: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((cause as NodeJS.ErrnoException).code ?? '');
}

/**
 * Gives a connection to who speaks its protocol. Node's own listener, which begins to parse, is called when the first
 * octet has come rather than at once, so that no parser has ever touched a connection that is not HTTP's. (Taking it
 * over at the parser's first error would leave the parser and its head timeout on the socket.)
 */
function hearFirst(server: Server, ports: ListenerPorts, connections: Connections): void {
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
        } else if (protocol === 'socks5') arriveSocks(ports, connection);
        else refuseRest(ports, connection, refusalOf(protocol));
      },
      late: () => refuseRest(ports, connection, lateHead()),
    });
  });
}

/** Lets a request take its turn: one after the other on a connection, so that answers and effects keep their order. */
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
  const excess = tooManyWaiting(connection, ports.limits) ?? tooManyFields(message, ports.limits);
  if (excess !== undefined) {
    refuseRest(ports, connection, { error: excess });
    return;
  }
  const trace = ports.begin('exchange', connection, firstOctetAt(connection, ports.clock));
  trace.stamps['request-received'] = ports.clock.now();
  const carry = async () => {
    if (connection.socket.destroyed || (connection.closing && !isDraining())) return;
    if (isDraining()) reply.shouldKeepAlive = false;
    connection.current = message;
    await ports.walk({ trace, message, reply });
    connection.current = undefined;
    if (!reply.shouldKeepAlive) connection.closing = true;
  };
  takeTurn(connection, carry);
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
    return ports.upgrade({ trace, message, reply }, socket, early);
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

function takeTurn(connection: OpenConnection, carry: () => Promise<void>): void {
  connection.waiting++;
  const done = () => {
    connection.waiting--;
  };
  const carried = connection.waiting === 1 ? carry() : connection.turn.then(carry);
  connection.turn = carried.then(done, () => {
    cut(connection);
    done();
  });
}

/** Octets that are no request: answered after the requests before them, then the connection is closed. */
function refuseUnparsable(ports: ListenerPorts, connection: OpenConnection, cause: ClientError): void {
  if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') {
    connection.socket.destroy();
    return;
  }
  if (connection.closing) return; // its last answer is on the way; what comes after that is nobody's
  const refusal = parseFailure(cause);
  // When they stand in the content of the request whose turn it is, that request fails, and its answer is the last.
  if (connection.current?.complete === false) connection.current.emit('error', refusal.error);
  refuseRest(ports, connection, refusal);
}

/** Answers with an error when the requests before are answered, carries out nothing after that, and closes. */
function refuseRest(ports: ListenerPorts, connection: OpenConnection, { error, octets }: Refusal): void {
  if (connection.isRefused) return;
  connection.isRefused = true;
  takeTurn(connection, async () => {
    if (connection.closing || connection.socket.destroyed) return;
    connection.closing = true;
    const trace = ports.begin('exchange', connection, firstOctetAt(connection, ports.clock));
    trace.stamps['request-received'] = ports.clock.now();
    trace.failure = { error, source: 'agent' };
    trace.response = { status: error.status, reason: '' };
    if (octets === undefined) ports.refuse(connection.socket, error);
    else endWith(connection.socket, octets);
    trace.stamps['response-sent'] = ports.clock.now();
    ports.observer.finished(trace);
  });
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
