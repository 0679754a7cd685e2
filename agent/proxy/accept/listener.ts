// The listening sockets: Node's strict HTTP parser, and what becomes of a connection that it cannot understand.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Config } from '../../../schemas/config.ts';
import type { Arrival, Clock, Connection, Instant, Observer, Trace } from '../ports.ts';
import { type Connections, createConnections, cut, maxPipelinedRequests, type OpenConnection } from './connections.ts';
import { firstOctetAt } from './first-octet.ts';
import { listening } from './listening.ts';

export interface ListenerPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Config['limits'];
  /** Begins the record of the next exchange or tunnel. */
  readonly begin: (kind: Trace['kind'], connection: Connection, firstOctetAt: Instant) => Trace;
  readonly walk: (arrival: Arrival) => Promise<void>;
  /** Answers a CONNECT and carries its tunnel to the end. */
  readonly connect: (trace: Trace, message: IncomingMessage, socket: Socket, early: Buffer) => Promise<void>;
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
      maxHeaderSize: ports.limits.maxHeadBytes,
      headersTimeout: ports.limits.headTimeoutMs,
      keepAliveTimeout: ports.limits.keepAliveTimeoutMs,
      requestTimeout: 0, // an upload may take days; the idle deadline is the exchange's
      connectionsCheckingInterval: Math.min(1000, ports.limits.headTimeoutMs),
      requireHostHeader: false, // judged by accept, which says why
      insecureHTTPParser: false,
      noDelay: true,
      highWaterMark: ports.limits.maxSocketBufferBytes,
    });
    created.maxHeadersCount = 0; // bounded by maxHeadBytes; a count would drop fields silently
    created.maxConnections = ports.limits.maxConnections;
    created.timeout = ports.limits.idleTimeoutMs + ports.limits.headDeadlineMs; // whoever waits within it says for what
    created.on('timeout', (socket: Socket) => cut(connections.of(socket)));
    created.on('connection', (socket: Socket) => connections.of(socket));
    const onRequest = (message: IncomingMessage, reply: ServerResponse) =>
      arrive(ports, connections.of(message.socket), message, reply, () => draining);
    created.on('request', onRequest);
    created.on('checkContinue', onRequest);
    created.on('connect', (message: IncomingMessage, socket: Socket, early: Buffer) =>
      arriveConnect(ports, connections.of(socket), message, early),
    );
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

/** Lets a request take its turn: one after the other on a connection, so that answers and effects keep their order. */
function arrive(
  ports: ListenerPorts,
  connection: OpenConnection,
  message: IncomingMessage,
  reply: ServerResponse,
  isDraining: () => boolean,
): void {
  if (connection.isRefused) return;
  const trace = ports.begin('exchange', connection, firstOctetAt(connection.socket, ports.clock));
  trace.stamps['request-received'] = ports.clock.now();
  message.on('error', toldElsewhere);
  reply.on('error', toldElsewhere);
  if (connection.waiting >= maxPipelinedRequests) {
    refuseRest(ports, connection, tooManyWaiting());
    return;
  }
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
  const trace = ports.begin('tunnel', connection, firstOctetAt(connection.socket, ports.clock));
  trace.stamps['request-received'] = ports.clock.now();
  takeTurn(connection, async () => {
    if (!connection.closing) await ports.connect(trace, message, connection.socket, early);
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

interface ClientError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

/** Octets that are no request: answered after the requests before them, then the connection is closed. */
function refuseUnparsable(ports: ListenerPorts, connection: OpenConnection, cause: ClientError): void {
  if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') {
    connection.socket.destroy();
    return;
  }
  if (connection.closing) return; // its last answer is on the way; what comes after that is nobody's
  const error = parseFailure(cause);
  // When they stand in the content of the request whose turn it is, that request fails, and its answer is the last.
  if (connection.current?.complete === false) connection.current.emit('error', error);
  refuseRest(ports, connection, error);
}

/** Answers with an error when the requests before are answered, carries out nothing after that, and closes. */
function refuseRest(ports: ListenerPorts, connection: OpenConnection, error: ProxyError): void {
  if (connection.isRefused) return;
  connection.isRefused = true;
  takeTurn(connection, async () => {
    if (connection.closing || connection.socket.destroyed) return;
    connection.closing = true;
    const trace = ports.begin('exchange', connection, ports.clock.now());
    trace.stamps['request-received'] = ports.clock.now();
    trace.failure = { error, source: 'agent' };
    trace.response = { status: error.status, reason: '' };
    ports.refuse(connection.socket, error);
    trace.stamps['response-sent'] = ports.clock.now();
    ports.observer.finished(trace);
  });
}

function tooManyWaiting(): ProxyError {
  const message = `More than ${maxPipelinedRequests} requests wait on one connection.`;
  return new ProxyError('connection_limit_reached', message, { advice: 'Open more connections, or wait for answers.' });
}

function parseFailure(cause: ClientError): ProxyError {
  if (cause.code === 'HPE_HEADER_OVERFLOW') {
    return new ProxyError('http_request_error', 'The head of the request is too large.', { status: 431, cause });
  }
  if (cause.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ProxyError('http_request_error', 'The head of the request did not come in time.', {
      status: 408,
      cause,
    });
  }
  // The parser has the same code for a version that is followed by anything but CRLF, such as a bare line feed.
  if (cause.code === 'HPE_INVALID_VERSION' && cause.reason !== 'Expected CRLF after version') {
    return new ProxyError('http_request_error', 'Only HTTP/1.0 and HTTP/1.1 are spoken here.', { status: 505, cause });
  }
  return new ProxyError('http_request_error', 'What came is not an HTTP/1.1 request.', {
    status: 400,
    advice: 'Set this address as an HTTP proxy; it does not speak TLS or another protocol.',
    cause,
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
