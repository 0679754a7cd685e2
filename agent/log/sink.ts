// Where log lines go: a file descriptor, written behind the request path, in large pieces.
import { write } from 'node:fs';

export interface LineSink {
  /** Takes a line, or what makes one: then many are made at once, which is far cheaper than each between two exchanges. */
  write(line: string | (() => string)): void;
  /** Writes what is held, and ends. Resolves when that is done, or after `endTimeoutMs`. */
  end(): Promise<void>;
}

const minPieceCharacters = 64 * 1024;
const maxUnmadeLines = 64;
const flushIntervalMs = 50;
const endTimeoutMs = 1_000;

/**
 * A sink to an open file descriptor. A reader that is gone or a full disk loses lines and nothing else. No more than
 * `maxHeldCharacters` are held for one that has stopped reading, and what comes then is dropped, so that proxying goes on.
 */
export function lineSink(fd: number, maxHeldCharacters: number): LineSink {
  let held: string[] = [];
  let heldCharacters = 0;
  let unmade: (string | (() => string))[] = [];
  let piece: Buffer = Buffer.alloc(0);
  let isWriting = false;
  let isEnding = false;
  let onEmpty = (): void => undefined;

  const makeLines = (): void => {
    for (const line of unmade) {
      const made = typeof line === 'string' ? line : line();
      held.push(made);
      heldCharacters += made.length + 1;
    }
    unmade = [];
  };
  const flush = (): void => {
    if (isWriting) return;
    makeLines();
    if (piece.length === 0) {
      if (held.length === 0) {
        onEmpty();
        return;
      }
      piece = octetsOf(held);
      held = [];
      heldCharacters = 0;
    }
    isWriting = true;
    write(fd, piece, (error, octets) => {
      isWriting = false;
      if (error?.code === 'EAGAIN') return; // a full pipe: the next interval tries again
      piece = piece.subarray(error === null ? octets : piece.length);
      // What little has come meanwhile waits for more, or for the interval.
      if (piece.length > 0 || heldCharacters >= minPieceCharacters || isEnding) flush();
    });
  };
  const timer = setInterval(flush, flushIntervalMs);
  timer.unref();

  return {
    write: (line) => {
      if (heldCharacters >= maxHeldCharacters) return;
      unmade.push(line);
      if (unmade.length < maxUnmadeLines) return;
      makeLines();
      if (heldCharacters >= minPieceCharacters) flush();
    },
    end: () =>
      new Promise((resolve) => {
        const deadline = setTimeout(done, endTimeoutMs);
        function done(): void {
          clearTimeout(deadline);
          clearInterval(timer);
          resolve();
        }
        onEmpty = done;
        isEnding = true;
        flush();
      }),
  };
}

/**
 * Lines as they are written, each with its end. What else would end a line or steer a terminal, and JSON leaves as it
 * is, is escaped as JSON has it.
 */
export function octetsOf(lines: readonly string[]): Buffer {
  const text = `${lines.join('\n')}\n`;
  const octets = Buffer.from(text);
  // Hardly any line has one, and all that is ASCII is seen at once.
  if (octets.length === text.length && !octets.includes(0x7f)) return octets;
  return Buffer.from(
    text.replace(/[\x7f-\x9f\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
