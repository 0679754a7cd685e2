// The requests that are on their way to the next hop, and who waits for the answer to an equal one. RFC 9111 4.
import type { ForwardFailure } from '../../../http/caching/reuse.ts';
import type { StoredResponse } from '../../../http/caching/stored.ts';
import type { Content, Outcome } from '../ports.ts';

/** What has become of a request that others wait for. */
export type Landing =
  /** What was stored has been confirmed, or has come whole: who waits finds it in the store. */
  | { readonly kind: 'stored' }
  /** It is being stored, and may be read meanwhile by all whom it answers. */
  | {
      readonly kind: 'coming';
      readonly head: Omit<StoredResponse, 'octets'>;
      /** Of its content, where that is known. */
      readonly octets: number | undefined;
      /** Nothing where it has become too late. */
      readonly join: () => Content | undefined;
    }
  /** `outcome`: where it answers others too, who have nothing stored to stand in for it. */
  | {
      readonly kind: 'failed';
      readonly failure: ForwardFailure;
      /** By which it went: for who goes another way, it need not fail. */
      readonly way: string;
      readonly outcome: Extract<Outcome, { kind: 'failed' }> | undefined;
    }
  /** It answers nobody but the client who asked. */
  | { readonly kind: 'alone' };

/** A request of a client on its way. */
export interface Flight {
  /** Whether what comes of it was made unusable meanwhile. RFC 9111 4.4. */
  readonly isOutdated: boolean;
  /** Takes what ends the exchange at once, before its answer has come. */
  onCancel(cancel: () => void): void;
  /** The client has left. The exchange goes on while others wait for its answer. */
  leave(): void;
  /** Tells all who wait, and of what is coming also who comes until it is over. The first word holds. */
  land(landing: Landing): void;
  /** Nothing more will come of it. */
  over(): void;
  /** Hears of the landing, perhaps at once. Gives what ends the waiting. */
  wait(hear: (landing: Landing) => void): () => void;
}

export interface Flights {
  /** One more is on its way. `mayBeJoined`: whether its answer can be that of others. */
  begin(url: string, mayBeJoined: boolean, transformKey?: string): Flight;
  /** The latest request for this URL, with this transform, whose answer others may wait for, but these. */
  latest(url: string, except?: ReadonlySet<Flight>, transformKey?: string): Flight | undefined;
  /** What is on its way for this URL is nobody's but the clients' who wait already. */
  outdate(url: string): void;
}

export function createFlights(): Flights {
  const byUrl = new Map<string, Airborne[]>();
  const withdraw = (flight: Airborne) => {
    const flights = byUrl.get(flight.url) ?? [];
    const at = flights.lastIndexOf(flight);
    if (at !== -1) flights.splice(at, 1);
    if (flights.length === 0) byUrl.delete(flight.url);
  };
  return {
    begin: (url, mayBeJoined, transformKey) => {
      const flight = new Airborne(url, mayBeJoined, transformKey, withdraw);
      const flights = byUrl.get(url);
      if (flights === undefined) byUrl.set(url, [flight]);
      else flights.push(flight);
      return flight;
    },
    latest: (url, except, transformKey) =>
      byUrl.get(url)?.findLast((flight) => {
        const { mayBeJoined, isOutdated, landed } = flight;
        const isOpen = landed === undefined || landed.kind === 'coming';
        return (
          flight.transformKey === transformKey && mayBeJoined && !isOutdated && isOpen && except?.has(flight) !== true
        );
      }),
    outdate: (url) => {
      for (const flight of byUrl.get(url) ?? []) flight.isOutdated = true;
    },
  };
}

type Hear = (landing: Landing) => void;

/** There is one for each request that goes on, and hardly any is waited for or left: it holds little. */
class Airborne implements Flight {
  readonly url: string;
  readonly mayBeJoined: boolean;
  readonly transformKey: string | undefined;
  isOutdated = false;
  landed: Landing | undefined;
  readonly #withdraw: (flight: Airborne) => void;
  #waiting: Set<Hear> | undefined;
  #cancels: (() => void)[] | undefined;
  #hasLeft = false;
  #isCancelled = false;

  constructor(
    url: string,
    mayBeJoined: boolean,
    transformKey: string | undefined,
    withdraw: (flight: Airborne) => void,
  ) {
    this.transformKey = transformKey;
    this.url = url;
    this.mayBeJoined = mayBeJoined;
    this.#withdraw = withdraw;
  }

  onCancel(cancel: () => void): void {
    if (this.#isCancelled) cancel();
    else if (this.#cancels === undefined) this.#cancels = [cancel];
    else this.#cancels.push(cancel);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#cancelIfUnwatched();
  }

  land(landing: Landing): void {
    if (this.landed !== undefined) return;
    this.landed = landing;
    this.#cancels = undefined;
    for (const hear of this.#waiting ?? []) hear(landing);
    this.#waiting = undefined;
  }

  over(): void {
    this.#withdraw(this);
  }

  wait(hear: Hear): () => void {
    if (this.landed === undefined) {
      this.#waiting ??= new Set();
      this.#waiting.add(hear);
    } else hear(this.landed);
    return () => {
      if (this.#waiting?.delete(hear) === true) this.#cancelIfUnwatched();
    };
  }

  #cancelIfUnwatched(): void {
    if (this.landed !== undefined || !this.#hasLeft || (this.#waiting?.size ?? 0) > 0) return;
    this.#isCancelled = true;
    this.over();
    for (const cancel of this.#cancels ?? []) cancel();
  }
}
