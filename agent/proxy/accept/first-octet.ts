// When the first octet of each request came.
import type { Clock, Instant } from '../ports.ts';
import type { OpenConnection } from './connections.ts';
import { parserOf } from './parser.ts';

/**
 * Notes when each message begins. Node's parser tells that to whoever fills the place that it keeps free for it; without
 * it the time is that of the whole head, which is later by how slowly the head came.
 */
export function noteFirstOctets(connection: OpenConnection, clock: Clock): void {
  const parser = parserOf(connection.socket);
  const event = parser?.constructor.kOnMessageBegin;
  if (parser === undefined || event === undefined) return;
  parser[event] = () => {
    connection.heardAt ??= clock.now();
  };
}

/** When the first octet of the request came whose head is complete now. Asked once for each. */
export function firstOctetAt(connection: OpenConnection, clock: Clock): Instant {
  const { heardAt } = connection;
  connection.heardAt = undefined;
  return heardAt ?? clock.now();
}
