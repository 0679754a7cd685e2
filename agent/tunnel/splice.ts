// Carries the octets of two connections to each other: half-close and backpressure kept, a reset passed on as a reset.
import type { Socket } from 'node:net';

export interface Spliced {
  /** Octets that came from the first socket, and that went to it. */
  readonly fromFirst: number;
  readonly toFirst: number;
}

/** Resolves when both connections are closed. Without an octet either way for `idleTimeoutMs` both are cut. */
export function splice(first: Socket, second: Socket, idleTimeoutMs: number): Promise<Spliced> {
  return new Promise((resolve) => {
    let open = 2;
    const start = { first: first.bytesRead, second: second.bytesRead };
    const follow = (socket: Socket, other: Socket) => {
      socket.setNoDelay(true);
      socket.setTimeout(idleTimeoutMs, () => reset(first, second));
      socket.on('error', () => reset(socket, other));
      socket.once('close', () => {
        if (!socket.readableEnded) other.resetAndDestroy();
        open--;
        if (open === 0) resolve({ fromFirst: first.bytesRead - start.first, toFirst: second.bytesRead - start.second });
      });
      socket.pipe(other); // ends the other's sending when this one's ends, and not before
      if (socket.destroyed) socket.emit('close');
    };
    follow(first, second);
    follow(second, first);
  });
}

function reset(...sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.resetAndDestroy();
}
