// Node's strict HTTP/1.1 server: which requests it hands on in their turns, and what becomes of octets that it cannot parse.
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { fieldsFromFlat } from '../../../http/fields.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { upgradeProtocols } from '../../../http/upgrade.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Arrival, Message, Reply, RequestHead, Trace, UpgradeArrival } from '../ports.ts';
import { type Connections, cut, isIdle, type OpenConnection } from './connections.ts';
import { EarlyArrival } from './early-arrival.ts';
import { tooManyFields, tooManyWaiting } from './excess.ts';
import { firstOctetAt, noteFirstOctets } from './first-octet.ts';
import { hearHeads } from './heads.ts';
import type { ClientError } from './not-http.ts';
import { openTunnel, type RefusalPorts, refuseRest, refuseUnparsable, takeTurn } from './turns.ts';

export interface Http1Ports extends RefusalPorts {
  readonly limits: Config['limits'];
  readonly walk: (arrival: Arrival) => Promise<void> | void;
  /** Answers a CONNECT and carries its tunnel to the end. */
  readonly connect: (trace: Trace, message: IncomingMessage, socket: Socket, early: Buffer) => Promise<void>;
  /** Answers a request for another protocol, and carries the tunnel that it becomes to the end. */
  readonly upgrade: (arrival: UpgradeArrival, socket: Socket, early: Buffer) => Promise<void>;
  readonly isDraining: () => boolean;
}

export interface Http1 {
  /** Takes connections from nowhere: who listens with it serves them. */
  readonly server: Server;
  /** Parses what comes on a connection from now on. */
  serve(connection: OpenConnection): void;
}

export function createHttp1(ports: Http1Ports, connections: Connections): Http1 {
  const server = createServer({
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
  server.maxHeadersCount = 0; // Node would drop what is beyond a count silently; `tooManyFields` says so
  server.maxConnections = ports.limits.maxConnections;
  server.timeout = ports.limits.idleTimeoutMs + ports.limits.headDeadlineMs; // whoever waits within it says for what
  server.on('timeout', (socket: Socket) => cut(connections.of(socket)));
  const onRequest = (message: IncomingMessage, reply: ServerResponse) =>
    arrive(ports, connections.of(message.socket), message, reply);
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('connect', (message: IncomingMessage, socket: Socket, early: Buffer) =>
    arriveConnect(ports, connections.of(socket), message, early),
  );
  // A Node that does not ask (before 24.9) would hand over every request for any protocol: there it serves them all.
  if ('shouldUpgradeCallback' in server) {
    server.on('upgrade', (message: IncomingMessage, socket: Socket, early: Buffer) =>
      arriveUpgrade(ports, connections.of(socket), message, early),
    );
  }
  server.on('clientError', (cause: ClientError, socket: Socket) =>
    refuseUnparsable(ports, connections.of(socket), cause),
  );
  const [parse, ...others] = server.listeners('connection');
  if (parse === undefined || others.length > 0) throw new Error('node:http takes connections in another way now');
  server.removeAllListeners('connection');
  return {
    server,
    serve: (connection) => {
      const { socket } = connection;
      parse.call(server, socket);
      noteFirstOctets(connection, ports.clock);
      hearHeads(socket, {
        keepAliveTimeoutMs: ports.limits.keepAliveTimeoutMs + keepAliveMarginMs,
        busyTimeoutMs: server.timeout,
        mayTake: () => isIdle(connection) && !ports.isDraining(),
        take: (requestHead, make) => arriveEarly(ports, connection, requestHead, make),
      });
    },
  };
}

/** Node's own, between what it tells clients and what it does itself. */
const keepAliveMarginMs = 1000;

/** Lets a request take its turn: one after the other on a connection. */
function arrive(ports: Http1Ports, connection: OpenConnection, message: IncomingMessage, reply: ServerResponse): void {
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
  const arrival = {
    trace: beginExchange(ports, connection),
    head: message,
    message,
    reply,
  };
  takeTurn(connection, async () => {
    if (connection.socket.destroyed || (connection.closing && !ports.isDraining())) return;
    if (ports.isDraining()) reply.shouldKeepAlive = false;
    await carry(connection, arrival, ports.walk(arrival));
  });
}

/** The same for a request whose turn has come already, of which there is only a head so far. */
function arriveEarly(ports: Http1Ports, connection: OpenConnection, head: RequestHead, make: () => void): void {
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

function beginExchange(ports: Http1Ports, connection: OpenConnection): Trace {
  const trace = ports.begin('exchange', connection, firstOctetAt(connection, ports.clock));
  trace.stamps['request-received'] = ports.clock.now();
  return trace;
}

async function carry(
  connection: OpenConnection,
  { message, reply }: { readonly message: Message; readonly reply: Reply },
  carried: Promise<void> | void,
): Promise<void> {
  connection.current = message;
  await carried;
  connection.current = undefined;
  if (!reply.shouldKeepAlive) connection.closing = true;
}

function arriveConnect(ports: Http1Ports, connection: OpenConnection, message: IncomingMessage, early: Buffer): void {
  const excess = tooManyFields(message, ports.limits) ?? tunnelInside(connection);
  if (excess !== undefined) {
    refuseRest(ports, connection, { error: excess });
    return;
  }
  const trace = ports.begin('tunnel', connection, firstOctetAt(connection, ports.clock));
  openTunnel(ports, connection, trace, () => ports.connect(trace, message, connection.socket, early));
}

/** Who is taken for an origin server is no proxy. */
function tunnelInside({ intercepted }: OpenConnection): ProxyError | undefined {
  if (intercepted === undefined) return undefined;
  return new ProxyError('http_request_error', 'An origin server takes no CONNECT.', { status: 405 });
}

/** The server has let go of the connection: the reply is made by hand, when the answers before it are given. */
function arriveUpgrade(ports: Http1Ports, connection: OpenConnection, message: IncomingMessage, early: Buffer): void {
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

/** Errors of a message are told by the content's reader, those of a reply by its close. */
function toldElsewhere(): void {}
