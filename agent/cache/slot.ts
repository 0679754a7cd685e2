// A stored response in the store: its head as text, and as an object while it is in use; where its content is.
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { Entry } from '../proxy/ports.ts';
import { type PutFrame, putFrameOctets, storedFromText } from './frames.ts';
import type { Growing } from './growing.ts';
import type { Loading } from './loading.ts';
import type { Linked } from './recency.ts';

/** Of a cold entry beside its texts; measured with Node 26. */
const coldOverheadOctets = 350;
/** A head as an object takes so many times its text; measured, as is the next. */
const warmFactor = 4;
const heldOverheadOctets = 320;

/** Where the content of an entry is. */
export type SlotState = 'pending' | 'on disk' | 'memory only';

export class Slot implements Entry, Linked<Slot> {
  readonly key: string;
  readonly url: string;
  readonly id: number;
  readonly octets: number;
  readonly checksum: number;
  readonly head: string;
  /** Of its frame in the index. */
  readonly frameOctets: number;
  newer: Slot | undefined;
  older: Slot | undefined;
  /** The whole content, where it is in memory. */
  held: Buffer | undefined;
  /** Content on its way to the disk. */
  growing: Growing | undefined;
  /** Content on its way from the disk into memory. */
  loading: Loading | undefined;
  state: SlotState;
  isWarm = false;
  /** What being warm has last been counted as. */
  countedOctets = 0;
  #stored: StoredResponse | undefined;

  constructor(frame: Omit<PutFrame, 'kind'>, state: SlotState) {
    this.key = frame.key;
    this.url = frame.url;
    this.id = frame.id;
    this.octets = frame.octets;
    this.checksum = frame.checksum;
    this.head = frame.head;
    this.frameOctets = putFrameOctets(frame);
    this.state = state;
  }

  get stored(): StoredResponse {
    if (this.#stored !== undefined) return this.#stored;
    const stored = storedFromText(this.head, this.url, this.octets);
    if (this.isWarm) this.#stored = stored;
    return stored;
  }

  /** Leaves only what a cold entry has. */
  cool(): void {
    this.isWarm = false;
    this.#stored = undefined;
    this.held = undefined;
  }

  /** What it takes in memory, warm or cold. */
  get coldOctets(): number {
    return coldOverheadOctets + this.frameOctets;
  }

  /** What being warm adds. */
  get warmOctets(): number {
    return warmFactor * this.head.length + (this.held === undefined ? 0 : heldOverheadOctets + this.held.length);
  }
}
