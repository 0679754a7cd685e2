// One thing after the other on a connection: answers and effects keep their order, and an error is the last answer.

import type { Socket } from 'node:net';
import type { ProxyError } from '../../../http/proxy-error.ts';
import type { Clock, Connection, Instant, Observer, Trace } from '../ports.ts';
import { cut, type OpenConnection } from './connections.ts';
import { firstOctetAt } from './first-octet.ts';
import { type ClientError, parseFailure, type Refusal } from './not-http.ts';
import { endWith } from './sniff.ts';

export interface RefusalPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  /** Begins the record of the next exchange or tunnel. */
  readonly begin: (kind: Trace['kind'], connection: Connection, firstOctetAt: Instant) => Trace;
  /** Answers octets that are no request. */
  readonly refuse: (socket: Socket, error: ProxyError) => void;
}

/** RFC 9112 9.3.2. */
export function takeTurn(connection: OpenConnection, carry: () => Promise<void>): void {
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

/** Nothing comes after a tunnel on its connection. */
export function openTunnel(
  ports: Pick<RefusalPorts, 'clock'>,
  connection: OpenConnection,
  trace: Trace,
  carry: () => Promise<void>,
): void {
  trace.stamps['request-received'] = ports.clock.now();
  takeTurn(connection, async () => {
    if (!connection.closing) await carry();
    connection.closing = true;
  });
}

/** Octets that are no request: answered after the requests before them, then the connection is closed. */
export function refuseUnparsable(ports: RefusalPorts, connection: OpenConnection, cause: ClientError): void {
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
export function refuseRest(ports: RefusalPorts, connection: OpenConnection, { error, octets }: Refusal): void {
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
