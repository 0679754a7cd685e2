// Looks at a connection's first octet before anything reads it, and ends a connection with its last octets.
import type { Socket } from 'node:net';

/**
 * Calls `heard` once, with the first octet or with nothing when the client has ended without any; every octet is still
 * to be read then. Calls `late` instead when none has come for `timeoutMs`, and neither when the connection breaks.
 */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  { heard, late }: { readonly heard: (octet: number | undefined) => void; readonly late: () => void },
): void {
  const stop = () => {
    socket.setTimeout(0);
    socket.off('timeout', onTimeout);
    socket.off('readable', onReadable);
  };
  const onTimeout = () => {
    stop();
    late();
  };
  const onReadable = () => {
    stop();
    const octets = socket.read() as Buffer | null;
    if (octets !== null) socket.unshift(octets);
    heard(octets?.[0]);
  };
  socket.setTimeout(timeoutMs);
  socket.on('timeout', onTimeout);
  socket.on('readable', onReadable);
}

const lingerMs = 2_000;

/** Writes the last octets that a client gets and ends. What still comes is dropped, and not for longer than `lingerMs`. */
export function endWith(socket: Socket, octets: Buffer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(octets);
  const deadline = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(deadline));
  socket.resume();
}
