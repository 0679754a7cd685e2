// Happy Eyeballs on the platform's sockets: several addresses, staggered, and the first that accepts is kept. RFC 8305.
import { attemptDelayMs } from '../../http/happy-eyeballs.ts';

export interface Raced {
  readonly socket: Socket;
  /** The one of the hosts that accepted. */
  readonly host: string;
}

export interface Race {
  /** Rejects with what the first attempt failed by when all have failed. */
  readonly won: Promise<Raced>;
  /** Ends every attempt, also one that is about to win. */
  end(): void;
}

/** Races the hosts, of which there is at least one. `open` begins to connect to one; what it throws fails that attempt. */
export function race(hosts: readonly string[], open: (host: string) => Socket): Race {
  const { promise: won, resolve, reject } = Promise.withResolvers<Raced>();
  const running = new Set<Socket>();
  const failures: unknown[] = [];
  let begun = 0;
  let isOver = false;
  let delay: ReturnType<typeof setTimeout> | null = null;

  const end = () => {
    isOver = true;
    clearTimeout(delay);
    for (const loser of running) closeSocket(loser);
    running.clear();
  };
  const lost = (cause: unknown) => {
    failures.push(cause);
    if (isOver) return;
    if (begun < hosts.length) attempt();
    else if (running.size === 0) reject(failures[0]);
  };
  const attempt = () => {
    clearTimeout(delay);
    const host = hosts[begun++] as string;
    let socket: Socket;
    try {
      socket = open(host);
    } catch (cause) {
      return lost(cause);
    }
    running.add(socket);
    socket.closed.catch(toldElsewhere);
    socket.opened.then(
      () => {
        if (!running.delete(socket)) return;
        end();
        resolve({ socket, host });
      },
      (cause: unknown) => {
        if (running.delete(socket)) lost(cause);
      },
    );
    if (begun < hosts.length) delay = setTimeout(attempt, attemptDelayMs);
  };
  attempt();
  return { won, end };
}

/** Closes a socket whatever it is doing. */
export function closeSocket(socket: Socket): void {
  socket.close().catch(toldElsewhere);
}

/** A socket's failure is told by what is awaited of it. */
export function toldElsewhere(): void {}
