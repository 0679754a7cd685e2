// A link as a simulated network has it: octets come out as they went in, at a rate and after a delay.

export interface LinkSettings {
  /** None: as fast as they come. */
  readonly bytesPerSecond?: number | undefined;
  /** That pass at once after a pause, before the rate holds. */
  readonly burstBytes?: number | undefined;
  /** How long a piece is under way, in milliseconds; asked for each. None overtakes another. */
  readonly delayMs?: (() => number) | undefined;
}

export interface Link<Octets extends Uint8Array> {
  /** Octets that went in and have not come out. Whoever puts them in sees to a bound. */
  readonly heldOctets: number;
  /** Takes octets, which must stay as they are. `now` in milliseconds, never less than before. */
  put(octets: Octets, now: number): void;
  /** What comes out now: one piece of `maxOctets` at most, or how long until there is one. */
  next(now: number, maxOctets?: number): Due<Octets>;
}

export type Due<Octets> =
  | { readonly kind: 'piece'; readonly octets: Octets }
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'empty' };

/** So long a piece lasts at the rate of its link: what is asked for is smooth for whoever looks less closely. */
const pieceMs = 10;
const maxPieceBytes = 64 * 1024;

/** What is due within so long comes out at once, since timers do not know better. */
const timerStepMs = 1;

/** A shorter gap is one of timers, or of the source's pace: the rate makes up for it. */
const maxGapMs = 50;

/** So much more it makes up for where a piece came out late, since who asks for it had other things to do. */
const maxLateMs = 500;

/** An empty link. The first octets have all of the burst. */
export function link<Octets extends Uint8Array>(settings: LinkSettings): Link<Octets> {
  const { bytesPerSecond, delayMs } = settings;
  const bytesPerMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / 1_000;
  const burstMs = bytesPerMs === undefined ? 0 : (settings.burstBytes ?? 0) / bytesPerMs;
  const pieceBytes =
    bytesPerMs === undefined
      ? Number.POSITIVE_INFINITY
      : Math.min(maxPieceBytes, Math.max(1, Math.ceil(bytesPerMs * pieceMs)));
  const arrived: { octets: Octets; readonly at: number }[] = [];
  let heldOctets = 0;
  /** When all that has been let out is through the narrow part of the link. */
  let freeAt = Number.NEGATIVE_INFINITY;
  /** By how much a piece came out late, until that is made up for. */
  let lateMs = 0;
  let lastDueAt = Number.NEGATIVE_INFINITY;
  let first: { octets: Octets; readonly dueAt: number } | undefined;

  const departure = (octets: number, at: number): number => {
    if (bytesPerMs === undefined) return at;
    const gapMs = at - freeAt;
    if (gapMs > maxGapMs + lateMs) freeAt = Math.max(freeAt, at - burstMs);
    if (gapMs <= maxGapMs || gapMs > maxGapMs + lateMs) lateMs = 0; // made up for, or given up
    freeAt += octets / bytesPerMs;
    return Math.max(at, freeAt);
  };
  const firstOf = (): typeof first => {
    const head = arrived[0];
    if (head === undefined) return undefined;
    const octets = cut(head.octets, 0, pieceBytes);
    if (octets.length === head.octets.length) arrived.shift();
    else head.octets = cut(head.octets, pieceBytes);
    lastDueAt = Math.max(lastDueAt, departure(octets.length, head.at) + (delayMs?.() ?? 0));
    return { octets, dueAt: lastDueAt };
  };
  return {
    get heldOctets() {
      return heldOctets;
    },
    put: (octets, at) => {
      if (octets.length === 0) return;
      heldOctets += octets.length;
      arrived.push({ octets, at });
    },
    next: (now, maxOctets = Number.POSITIVE_INFINITY) => {
      first ??= firstOf();
      if (first === undefined) return { kind: 'empty' };
      const waitMs = first.dueAt - now;
      if (waitMs >= timerStepMs) return { kind: 'wait', delayMs: waitMs };
      lateMs = Math.max(lateMs, Math.min(maxLateMs, -waitMs));
      const octets = cut(first.octets, 0, maxOctets);
      if (octets.length === first.octets.length) first = undefined;
      else first.octets = cut(first.octets, maxOctets);
      heldOctets -= octets.length;
      return { kind: 'piece', octets };
    },
  };
}

/** A part of the octets, which is of their own kind and shares their memory. */
function cut<Octets extends Uint8Array>(octets: Octets, from: number, to = octets.length): Octets {
  return from === 0 && to >= octets.length ? octets : (octets.subarray(from, to) as Octets);
}
