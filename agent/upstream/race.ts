// Happy Eyeballs: connects to several addresses of one destination, staggered, and keeps the first that accepts. RFC 8305.
import type { Socket } from 'node:net';
import { attemptDelayMs, interleaved } from '../../http/happy-eyeballs.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { upstreamFailure } from './failure.ts';

/** Addresses of one destination that are tried, at most. */
export const maxAttempts = 32;

export type Raced =
  | { readonly kind: 'connected'; readonly socket: Socket; readonly address: string }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/**
 * Races the addresses. `open` begins to connect to one. An attempt stays in the race until one has won: a slow link may
 * take longer than the delay. `signal` ends the race; its reason is a ProxyError. The winner has an error handler.
 */
export function race(
  addresses: readonly string[],
  open: (address: string) => Socket,
  signal: AbortSignal,
): Promise<Raced> {
  return new Promise((resolve) => {
    const queue = interleaved(addresses).slice(0, maxAttempts);
    const running = new Set<Socket>();
    const failures: ProxyError[] = [];
    let begun = 0;
    let delay: ReturnType<typeof setTimeout> | undefined;

    const end = (raced: Raced) => {
      clearTimeout(delay);
      signal.removeEventListener('abort', giveUp);
      for (const loser of running) loser.destroy();
      running.clear();
      resolve(raced);
    };
    const giveUp = () => {
      const reason = signal.reason as ProxyError;
      end(failed(reason.type === 'connection_timeout' ? [reason, ...failures] : [reason], begun));
    };
    const attempt = () => {
      clearTimeout(delay);
      const address = queue[begun];
      if (address === undefined) return;
      begun++;
      const socket = open(address);
      running.add(socket);
      socket.once('connect', () => {
        running.delete(socket);
        end({ kind: 'connected', socket, address });
      });
      socket.on('error', (cause) => {
        if (!running.delete(socket)) return; // the race is over: whoever has the socket hears it by itself
        failures.push(upstreamFailure(cause, false));
        if (begun < queue.length) attempt();
        else if (running.size === 0) end(failed(failures, begun));
      });
      if (begun < queue.length) delay = setTimeout(attempt, attemptDelayMs);
    };

    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else if (queue.length === 0) end(failed([noAddress()], 0));
    else attempt();
  });
}

/** The error that tells most: a machine out of descriptors before a refusal, and that before silence and missing routes. */
function failed(errors: readonly ProxyError[], tried: number): Raced {
  const rank = ({ type }: ProxyError) => {
    const place = mostTelling.indexOf(type);
    return place < 0 ? mostTelling.length : place;
  };
  const [error = noAddress()] = [...errors].sort((a, b) => rank(a) - rank(b));
  if (tried < 2) return { kind: 'failed', error };
  const { type, status, message, advice, cause } = error;
  const details = { status, cause, ...(advice !== undefined && { advice }) };
  return {
    kind: 'failed',
    error: new ProxyError(type, `${message} ${tried} of its addresses were tried.`, details),
  };
}

const mostTelling: readonly ProxyError['type'][] = [
  'http_request_error', // the client has left
  'connection_limit_reached',
  'connection_refused',
  'connection_terminated',
  'connection_timeout',
  'destination_ip_unroutable',
];

function noAddress(): ProxyError {
  return new ProxyError('dns_error', 'There is no address of the destination to connect to.');
}
