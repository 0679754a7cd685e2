// Contents that are whole in memory and wait to be written to disk, a few at a time.
import { diskOctets } from './content-file.ts';
import type { Growing } from './growing.ts';

/** Node has four threads for all files and names. */
const maxWritesAtOnce = 2;
interface Waiting {
  readonly id: number;
  readonly growing: Growing;
  readonly octets: number;
}

export class WriteQueue {
  readonly #maxWaitingOctets: number;
  #waiting: Waiting[] = [];
  #waitingOctets = 0;
  readonly #active = new Set<number>();

  /** `maxWaitingOctets`: in blocks of the disk. */
  constructor(maxWaitingOctets: number) {
    this.#maxWaitingOctets = maxWaitingOctets;
  }

  get hasRoom(): boolean {
    return this.#waitingOctets < this.#maxWaitingOctets;
  }

  /** `growing` is whole. */
  add(id: number, growing: Growing, octets: number): void {
    this.#waitingOctets += diskOctets(octets);
    this.#waiting.push({ id, growing, octets });
    this.#go();
  }

  /** What has this id is written, or will not be. */
  settled(id: number): void {
    if (this.#active.delete(id)) this.#go();
  }

  #go(): void {
    while (this.#active.size < maxWritesAtOnce) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#waitingOctets -= diskOctets(next.octets);
      if (next.growing.isGivenUp) continue;
      this.#active.add(next.id);
      next.growing.toFile();
    }
  }
}
