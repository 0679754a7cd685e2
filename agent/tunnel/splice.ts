// Carries the octets of two connections to each other: half-close and backpressure kept, a reset passed on as a reset.
import type { Socket } from 'node:net';
import type { BulkReader } from '../upstream/bulk-reader.ts';

type Side = 'first' | 'second';

/**
 * Who closed, and how. `end`: both sides ended their sending, this one before the other. `reset`: this one's connection
 * was reset. `lost`: the system gave it up. By `us`: nothing came for too long (`idle`), or somebody else in this process
 * closed one of the connections (`stop`).
 */
export type SpliceClose =
  | { readonly by: Side; readonly how: 'end' | 'reset' | 'lost' }
  | { readonly by: 'us'; readonly how: 'idle' | 'stop' };

export interface SpliceOptions {
  /** Without an octet either way for so long both connections are cut. */
  readonly idleTimeoutMs: number;
  /**
   * Sees the first pieces of the first connection, each after it was passed on, until it answers `enough`. From then on
   * no code of ours runs for a piece.
   */
  readonly peek?: (octets: Buffer) => 'more' | 'enough';
  /** Reads the second connection, if that was made with it. */
  readonly secondReader?: BulkReader | undefined;
  /** Begins to carry both ways, ends included, in the place of pipes. Not together with a reader. */
  readonly carry?: ((first: Socket, second: Socket) => void) | undefined;
}

export interface Splice {
  /** Octets that came from each connection so far, with those that were waiting in it when the splice began. */
  octets(): { readonly fromFirst: number; readonly fromSecond: number };
  /** Settles when both connections are closed. */
  readonly closed: Promise<SpliceClose>;
}

/** Begins to carry between two connections that may each be half-open. */
export function splice(first: Socket, second: Socket, options: SpliceOptions): Splice {
  const { idleTimeoutMs, peek, secondReader, carry } = options;
  const before = { first: consumed(first), second: consumed(second) - (secondReader?.heldOctets ?? 0) };
  const { promise, resolve } = Promise.withResolvers<SpliceClose>();
  let open = 2;
  let endedFirst: Side | undefined;
  let cutBecause: SpliceClose | undefined;
  let unread: Socket | undefined;

  const cut = (because: SpliceClose) => {
    cutBecause ??= because;
    reset(first);
    reset(second);
  };
  /** Its other side is closed, as TLS is with the end of its sending: nobody gets what would still come. */
  const letGo = (socket: Socket) => {
    unread = socket;
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  };
  const follow = (side: Side, socket: Socket, other: Socket, reader?: BulkReader) => {
    const onEnd = () => {
      endedFirst ??= side;
    };
    const onError = (cause: Error) => cut({ by: side, how: howBroken(cause) });
    const onClose = () => {
      if (unread !== socket && (!socket.readableEnded || !socket.writableFinished)) cut({ by: 'us', how: 'stop' });
      else if (!other.readableEnded && !other.destroyed) letGo(other);
      open--;
      if (open === 0) resolve(cutBecause ?? { by: endedFirst ?? side, how: 'end' });
    };
    socket.on('error', onError);
    socket.once('close', onClose);
    socket.once('end', onEnd);
    socket.setNoDelay(true);
    socket.setTimeout(idleTimeoutMs, () => cut({ by: 'us', how: 'idle' }));
    // Each ends the other's sending when this one's ends, and not before.
    if (socket.readableEnded) {
      onEnd();
      other.end();
    } else if (reader !== undefined) {
      socket.once('end', () => other.end());
      reader.flow(socket, other);
    } else if (carry === undefined) socket.pipe(other);
    if (socket.errored) onError(socket.errored);
    if (socket.closed) onClose();
  };
  follow('first', first, second);
  follow('second', second, first, secondReader);
  carry?.(first, second);
  if (peek !== undefined) watch(first, peek);
  return {
    octets: () => ({ fromFirst: first.bytesRead - before.first, fromSecond: second.bytesRead - before.second }),
    closed: promise,
  };
}

/** Octets that were taken out of the connection: those that wait in it are yet to be carried. */
function consumed(socket: Socket): number {
  return socket.bytesRead - socket.readableLength;
}

/** A second listener beside that of the pipe, which was there first and so has passed the piece on. */
function watch(socket: Socket, peek: NonNullable<SpliceOptions['peek']>): void {
  const onData = (octets: Buffer) => {
    if (peek(octets) === 'enough') socket.off('data', onData);
  };
  socket.on('data', onData);
}

/** A connection that the other end has reset fails when it is read, or when it is written to after that. */
function howBroken(cause: NodeJS.ErrnoException): 'reset' | 'lost' {
  return cause.code === 'ECONNRESET' || cause.code === 'EPIPE' ? 'reset' : 'lost';
}

/** Cuts a connection so that its other end sees a reset, where it can. */
export function reset(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch {
    socket.destroy(); // only TCP has resets; an end of TLS without its notice is what a reader takes for one
  }
}
