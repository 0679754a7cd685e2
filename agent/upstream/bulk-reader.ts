// Reads a connection in large pieces into buffers that are used again, so that a tunnel's octets cost no allocation.
import type { OnReadOpts, Socket } from 'node:net';

/** What a connection without much to say reads into. */
const smallBytes = 8 * 1024;
/** What one reads into as long as its pieces are large. */
const largeBytes = 512 * 1024;
/** Large ones that are in use, at most; then there are only small ones. */
const maxLargeBuffers = 64;
/** Large ones that are kept for the next use, at most. */
const maxKeptBuffers = 8;

export interface BulkReader {
  /** For `net.connect()`. A socket with this emits no `data`. */
  readonly onread: OnReadOpts;
  /** Octets that have come and wait for `flow`. */
  readonly heldOctets: number;
  /** Passes on what comes from the socket, at the other's pace, as soon as it comes. Once; until then little is read. */
  flow(from: Socket, to: Socket): void;
}

/** A reader for one socket. */
export function bulkReader(): BulkReader {
  let small: Buffer | undefined;
  let large: Buffer | undefined;
  const held: Buffer[] = [];
  let ends: { readonly from: Socket; readonly to: Socket } | undefined;
  let isStopped = false;

  const onWritten = () => {
    if (!isStopped || ends === undefined || ends.to.writableLength > 0) return;
    isStopped = false;
    ends.from.resume();
  };
  /** `isFree`: no write needs the octets in it any more. */
  const giveLargeBack = (isFree: boolean) => {
    if (large !== undefined) giveBack(large, isFree);
    large = undefined;
  };
  const callback = (count: number, buffer: Uint8Array): boolean => {
    if (ends === undefined) {
      held.push(Buffer.from(buffer.subarray(0, count)));
      return false;
    }
    const { to } = ends;
    to.write(buffer.subarray(0, count), onWritten);
    // Nothing is left when the system took all of it at once. Else the buffer is needed until it has, and reading stops.
    isStopped = to.writableLength > 0;
    if (count === buffer.length) large ??= lend();
    else if (!isStopped && count < smallBytes) giveLargeBack(true);
    return !isStopped;
  };
  const next = (): Buffer => {
    if (large !== undefined) return large;
    small ??= Buffer.allocUnsafeSlow(smallBytes);
    return small;
  };
  return {
    onread: { buffer: next, callback },
    get heldOctets() {
      return held.reduce((sum, { length }) => sum + length, 0);
    },
    flow: (from, to) => {
      ends = { from, to };
      for (const octets of held.splice(0)) to.write(octets);
      from.once('close', () => giveLargeBack(to.writableLength === 0));
      from.resume();
    },
  };
}

const kept: Buffer[] = [];
let lent = 0;

function lend(): Buffer | undefined {
  if (lent === maxLargeBuffers) return undefined;
  lent++;
  return kept.pop() ?? Buffer.allocUnsafeSlow(largeBytes);
}

function giveBack(buffer: Buffer, isFree: boolean): void {
  lent--;
  if (isFree && kept.length < maxKeptBuffers) kept.push(buffer);
}
