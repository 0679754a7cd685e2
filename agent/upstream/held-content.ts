// Content between the connection it comes from and the sink it flows into: a bounded piece is held until there is one.
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import type { Content, Sink } from '../proxy/ports.ts';

/** Where held content comes from. */
export interface ContentSource {
  pause(): void;
  resume(): void;
  /** Nobody wants the rest: ends the sending at once. */
  cancel(): void;
}

/** Takes octets from a source as they come, and gives them to one sink at the sink's pace. */
export class HeldContent implements Content {
  readonly #source: ContentSource;
  readonly #maxOctetsHeld: number;
  #sink: Sink | undefined;
  #held: Buffer[] = [];
  #heldOctets = 0;
  #ending: { readonly trailers: Fields } | { readonly error: ProxyError } | undefined;
  #isCancelled = false;

  constructor(source: ContentSource, maxOctetsHeld: number) {
    this.#source = source;
    this.#maxOctetsHeld = maxOctetsHeld;
  }

  push(octets: Buffer): void {
    if (this.#isCancelled) return;
    if (this.#sink !== undefined) {
      if (!this.#sink.write(octets)) this.#source.pause();
      return;
    }
    this.#held.push(octets);
    this.#heldOctets += octets.length;
    if (this.#heldOctets >= this.#maxOctetsHeld) this.#source.pause();
  }

  end(trailers: Fields): void {
    this.#ending ??= { trailers };
    if (this.#sink !== undefined) this.#finish(this.#sink);
  }

  fail(error: ProxyError): void {
    this.#ending ??= { error };
    if (this.#sink !== undefined) this.#finish(this.#sink);
  }

  flow(sink: Sink): void {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    let wantsMore = true;
    for (const octets of held) {
      wantsMore = sink.write(octets) && wantsMore;
      if (this.#isCancelled) return;
    }
    if (this.#ending !== undefined) this.#finish(sink);
    else if (wantsMore) this.#source.resume();
    else this.#source.pause();
  }

  resume(): void {
    if (this.#ending === undefined) this.#source.resume();
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#held = [];
    if (this.#ending === undefined) this.#source.cancel();
  }

  #finish(sink: Sink): void {
    if (this.#isCancelled || this.#ending === undefined) return;
    if ('error' in this.#ending) sink.fail(this.#ending.error);
    else sink.end(this.#ending.trailers);
  }
}
