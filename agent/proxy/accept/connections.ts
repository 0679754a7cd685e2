// The clients' connections: numbered, counted, bounded, and each one's requests answered one after the other.
import type { Socket } from 'node:net';
import type { Clock, Connection, Instant, Message, Observer } from '../ports.ts';
import type { EarlyArrival } from './early-arrival.ts';

/** A client connection with what is going on in it. */
export interface OpenConnection extends Connection {
  readonly socket: Socket;
  /** What is spoken within its TLS, once that is ended here. */
  inner: OpenConnection | undefined;
  /** Ends it once what is under way is answered, where that takes more than an end of sending. */
  leave: (() => void) | undefined;
  /** When the first octet came of the message whose head is on its way. */
  heardAt: Instant | undefined;
  /** Settles when all requests so far are answered. RFC 9112 9.3.2. */
  turn: Promise<void>;
  waiting: number;
  /** The request that is being walked without a message yet. */
  early: EarlyArrival | undefined;
  /** The request whose turn it is. */
  current: Message | undefined;
  /** The last answer is being given: nothing that comes after it is carried out. */
  closing: boolean;
  /** An error is waiting to be that last answer. */
  isRefused: boolean;
}

export interface Connections {
  /** Takes a new socket in; calls again give the same. */
  of(socket: Socket): OpenConnection;
  /** Takes in what is spoken within the TLS of a connection. For clients' counts it is no other one. */
  inside(outer: Connection, socket: Socket, authority: NonNullable<Connection['intercepted']>): OpenConnection;
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
  const byNumber = new Map<number, OpenConnection>();
  const inner = new Map<Socket, OpenConnection>();
  let count = 0;
  return {
    of: (socket) => {
      const known = open.get(socket) ?? inner.get(socket);
      if (known !== undefined) return known;
      const connection = begun(socket, {
        number: ++count,
        address: socket.remoteAddress ?? 'unknown',
        port: socket.remotePort ?? 0,
        acceptedAt: clock.now(),
      });
      open.set(socket, connection);
      byNumber.set(connection.number, connection);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        open.delete(socket);
        byNumber.delete(connection.number);
        observer.connectionClosed(connection, clock.now(), open.size);
      });
      observer.connectionAccepted(connection, open.size);
      return connection;
    },
    inside: ({ number, address, port, acceptedAt }, socket, intercepted) => {
      const connection = begun(socket, { number, address, port, acceptedAt, intercepted });
      inner.set(socket, connection);
      const around = byNumber.get(number);
      if (around !== undefined) around.inner = connection;
      socket.on('error', () => socket.destroy());
      socket.once('close', () => inner.delete(socket));
      return connection;
    },
    get active() {
      return open.size;
    },
    isBusy: () => [...open.values()].some((connection) => (connection.inner ?? connection).waiting > 0),
    closeIdle: () => {
      for (const outer of open.values()) {
        const connection = outer.inner ?? outer;
        connection.closing = true;
        if (connection.leave !== undefined) connection.leave();
        else if (connection.waiting === 0) connection.socket.end();
      }
    },
    destroyAll: () => {
      for (const connection of open.values()) cut(connection);
    },
  };
}

function begun(socket: Socket, connection: Connection): OpenConnection {
  return {
    ...connection,
    socket,
    inner: undefined,
    leave: undefined,
    heardAt: undefined,
    turn: Promise.resolve(),
    waiting: 0,
    early: undefined,
    current: undefined,
    closing: false,
    isRefused: false,
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
