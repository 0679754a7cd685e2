// Content of a request as it goes through a simulated network: at its rate, and with the client's pace kept.
import { finished, Readable } from 'node:stream';
import type { Link } from '../../../http/pacing.ts';
import type { Clock } from '../ports.ts';
import type { After } from './paced-content.ts';

/** What the reader may have ahead, beside one piece of the source. */
const maxAheadBytes = 16 * 1024;

/** Reads the source no faster than the link lets it through. It fails and ends as the source does. */
export class PacedRequest extends Readable {
  readonly #source: Readable;
  readonly #clock: Clock;
  readonly #after: After;
  readonly #link: Link<Buffer>;
  #callOff: (() => void) | undefined;
  #isWanted = false;
  #isEnded = false;

  constructor(source: Readable, { clock, after, link }: PacedRequestPorts) {
    super({ highWaterMark: maxAheadBytes });
    this.#source = source;
    this.#clock = clock;
    this.#after = after;
    this.#link = link;
    source.on('readable', () => this.#drain());
    finished(source, { writable: false }, (cause) => {
      if (cause != null) this.destroy(cause);
      this.#isEnded = true;
      this.#drain();
    });
    // A reader that comes later finds the error; without one it is nobody's.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#drain();
  }

  override _destroy(cause: Error | null, done: (cause?: Error | null) => void): void {
    this.#callOff?.();
    this.#source.destroy();
    done(cause);
  }

  #drain(): void {
    while (this.#isWanted && this.#callOff === undefined && !this.destroyed) {
      const due = this.#link.next(this.#clock.now());
      if (due.kind === 'wait') {
        this.#callOff = this.#after(due.delayMs, () => {
          this.#callOff = undefined;
          this.#drain();
        });
      } else if (due.kind === 'piece') this.#isWanted = this.push(due.octets);
      else {
        const octets = this.#source.read() as Buffer | null;
        if (octets !== null) this.#link.put(octets, this.#clock.now());
        else {
          if (this.#isEnded) this.push(null);
          return;
        }
      }
    }
  }
}

export interface PacedRequestPorts {
  readonly clock: Clock;
  readonly after: After;
  /** Of this content alone. */
  readonly link: Link<Buffer>;
}
