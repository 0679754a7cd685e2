// The clients' connections: numbered, counted, bounded, and each one's requests answered one after the other.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Connection, Instant, Observer } from '../ports.ts';
import type { EarlyArrival } from './early-arrival.ts';

/** A client connection with what is going on in it. */
export interface OpenConnection extends Connection {
  readonly socket: Socket;
  /** When the first octet came of the message whose head is on its way. */
  heardAt: Instant | undefined;
  /** Settles when all requests so far are answered. RFC 9112 9.3.2. */
  turn: Promise<void>;
  waiting: number;
  /** The request that is being walked without a message yet. */
  early: EarlyArrival | undefined;
  /** The request whose turn it is. */
  current: IncomingMessage | undefined;
  /** The last answer is being given: nothing that comes after it is carried out. */
  closing: boolean;
  /** An error is waiting to be that last answer. */
  isRefused: boolean;
}

export interface Connections {
  /** Takes a new socket in; calls again give the same. */
  of(socket: Socket): OpenConnection;
  readonly active: number;
  /** Whether any request is being answered or any tunnel is open. */
  isBusy(): boolean;
  /** Ends those without work; the others are told to close after their answer. */
  closeIdle(): void;
  destroyAll(): void;
}

/** Follows every client socket from accept to close. */
export function createConnections(clock: Clock, observer: Observer): Connections {
  const open = new Map<Socket, OpenConnection>();
  let count = 0;
  return {
    of: (socket) => {
      const known = open.get(socket);
      if (known !== undefined) return known;
      const connection: OpenConnection = {
        number: ++count,
        address: socket.remoteAddress ?? 'unknown',
        port: socket.remotePort ?? 0,
        acceptedAt: clock.now(),
        socket,
        heardAt: undefined,
        turn: Promise.resolve(),
        waiting: 0,
        early: undefined,
        current: undefined,
        closing: false,
        isRefused: false,
      };
      open.set(socket, connection);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        open.delete(socket);
        observer.connectionClosed(connection, clock.now(), open.size);
      });
      observer.connectionAccepted(connection, open.size);
      return connection;
    },
    get active() {
      return open.size;
    },
    isBusy: () => [...open.values()].some(({ waiting }) => waiting > 0),
    closeIdle: () => {
      for (const connection of open.values()) {
        connection.closing = true;
        if (connection.waiting === 0) connection.socket.end();
      }
    },
    destroyAll: () => {
      for (const connection of open.values()) cut(connection);
    },
  };
}

/** Whether the next request's turn comes at once. */
export function isIdle({ waiting, closing, isRefused }: OpenConnection): boolean {
  return waiting === 0 && !closing && !isRefused;
}

/** Ends a connection at once. Within an answer never cleanly: without length or chunks that would be the content's end. */
export function cut({ socket, waiting }: OpenConnection): void {
  if (waiting > 0) socket.resetAndDestroy();
  else socket.destroy();
}
