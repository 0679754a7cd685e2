// Equal requests at the same time: one asks, the others wait a while for what it stores, and then look. Nothing of one
// request is touched by another: what crosses is a promise of nothing but its time.

/** `unshared`: what came is for nobody else. `over`: it came to nothing. */
export type Landing = 'stored' | 'unshared' | 'over';

export interface Flights {
  /** Whoever has set out for this already; nothing where nobody has, or too long ago. Milliseconds since 1970. */
  ahead(key: string, now: number): Promise<void> | undefined;
  /** Sets out: the result is to be called when the answer is stored, or will not be. Nobody waits where that was in vain lately. */
  depart(key: string, now: number): (landing: Landing) => void;
}

/** How many are known of at once. Beyond it each request goes its own way. */
const maxFlights = 1_000;

/** A leader can be ended by the platform without a word, and a slow one is not to be waited for. */
export const maxWaitMs = 3_000;

/** How long it is remembered that the answer to a request was for nobody else, and of how many. */
export const unsharedMs = 60_000;
const maxUnshared = 1_000;

export function createFlights(): Flights {
  const flights = new Map<string, { readonly since: number; readonly landed: Promise<void> }>();
  /** Key to the time until which it is remembered; the oldest first. */
  const unshared = new Map<string, number>();
  const note = (key: string, now: number) => {
    unshared.delete(key);
    unshared.set(key, now + unsharedMs);
    if (unshared.size > maxUnshared) unshared.delete(unshared.keys().next().value as string);
  };
  return {
    ahead: (key, now) => {
      const flight = flights.get(key);
      if (flight === undefined || now - flight.since <= maxWaitMs) return flight?.landed;
      flights.delete(key);
      return undefined;
    },
    depart: (key, now) => {
      const isAlone = flights.size >= maxFlights || (unshared.get(key) ?? 0) > now;
      const { promise: landed, resolve } = Promise.withResolvers<void>();
      const flight = { since: now, landed };
      if (!isAlone) flights.set(key, flight);
      return (landing) => {
        if (landing === 'unshared') note(key, now);
        else if (landing === 'stored') unshared.delete(key);
        if (flights.get(key) === flight) flights.delete(key);
        resolve();
      };
    },
  };
}

/** The isolate's. */
export const flights = createFlights();

/** Waits until it has landed, with a timer of this request's own: a promise of another's is no reason to live on. */
export async function landing(landed: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, maxWaitMs);
  });
  await Promise.race([landed, late]);
  clearTimeout(timer);
}
