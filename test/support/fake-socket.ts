// A connection whose other side is the test itself: octets come exactly when it says so, without a network.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Connected } from '../../agent/upstream/connect.ts';

export class FakeSocket extends Duplex {
  /** Each character is one octet. */
  written = '';
  timeout = 0;
  /** The times that were set, in their order; 0 sets none. */
  readonly timeouts: number[] = [];
  cuts = 0;
  /** Holds back that what is written has been taken. */
  isStuck = false;
  #taken: (() => void) | undefined;

  override _read(): void {}

  override _write(octets: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    this.written += octets.toString('latin1');
    if (this.isStuck) this.#taken = taken;
    else taken();
  }

  /** Takes what was held back. */
  unstick(): void {
    this.isStuck = false;
    this.#taken?.();
  }

  setTimeout(timeoutMs: number): this {
    this.timeout = timeoutMs;
    this.timeouts.push(timeoutMs);
    return this;
  }

  /** The octets come, all in one piece. */
  comes(octets: string): void {
    this.push(Buffer.from(octets, 'latin1'));
  }

  get listening(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.eventNames().map((name) => [String(name), this.listenerCount(name)]));
  }
}

/** The connection as a pool is given it. */
export function connectedBy(socket: FakeSocket): Connected {
  return {
    socket: socket as unknown as Socket,
    protocol: 'http/1.1',
    address: '192.0.2.1',
    absoluteForm: undefined,
    cut: () => {
      socket.cuts++;
      socket.destroy();
    },
  };
}
