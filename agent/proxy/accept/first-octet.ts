// When the first octet of the request that is being parsed came.
import type { Socket } from 'node:net';
import type { Clock, Instant } from '../ports.ts';

interface ParsingSocket extends Socket {
  readonly parser?: { duration?: () => number } | null;
}

/**
 * Node's parser measures how long the current message has taken since its first octet, for its own head timeout.
 * That is not documented, so without it the time is that of the whole head, which is later by how slowly the head came.
 */
export function firstOctetAt(socket: Socket, clock: Clock): Instant {
  const now = clock.now();
  const duration = (socket as ParsingSocket).parser?.duration?.();
  return typeof duration === 'number' && duration > 0 ? now - duration : now;
}
