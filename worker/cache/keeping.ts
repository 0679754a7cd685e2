// Gathers content on its way until it is whole. What all that are under way may hold together is bounded.
import type { Fields } from '../../http/fields.ts';
import { concatenated } from '../concatenated.ts';
import type { Keeper } from '../exchange/pour.ts';

/** Of all contents under way in this isolate. */
const maxGatheredBytes = 24 * 1024 * 1024;

/** Whoever has not let go of its share by then has been ended by the platform. */
const maxGatheringMs = 600_000;

interface Share {
  readonly since: number;
  bytes: number;
}

/** Shares of the isolate's memory. */
export interface Allowance {
  /** A share to begin with, or nothing while others hold too much. `now`: milliseconds since 1970. */
  begin(bytes: number, now: number): Share | undefined;
  /** Whether the share may have so many more. */
  add(share: Share, bytes: number): boolean;
  end(share: Share): void;
}

export function createAllowance(maxBytes: number): Allowance {
  const shares = new Set<Share>();
  const held = () => [...shares].reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    begin: (bytes, now) => {
      for (const share of shares) if (now - share.since > maxGatheringMs) shares.delete(share);
      if (held() + bytes > maxBytes) return undefined;
      const share = { since: now, bytes };
      shares.add(share);
      return share;
    },
    add: (share, bytes) => {
      share.bytes += bytes;
      return held() <= maxBytes;
    },
    end: (share) => void shares.delete(share),
  };
}

/** That of the isolate. */
export const allowance = createAllowance(maxGatheredBytes);

export interface Keeping {
  /** Of the content, where the head has announced that. */
  readonly octets: number | undefined;
  readonly maxBytes: number;
  readonly allowance: Allowance;
  readonly now: number;
  /** The content is whole. */
  readonly keep: (content: Uint8Array, trailers: Fields) => void;
  /** There will be none. Called once, if `keep` is not. */
  readonly giveUp: () => void;
}

/** Gathers content; nothing where it is known to be too much. */
export function createKeeper({ octets, maxBytes, allowance, now, keep, giveUp }: Keeping): Keeper | undefined {
  const share = octets !== undefined && octets > maxBytes ? undefined : allowance.begin(octets ?? 0, now);
  if (share === undefined) return undefined;
  let pieces: Uint8Array[] = [];
  let taken = 0;
  let isOver = false;
  const end = () => {
    if (isOver) return false;
    isOver = true;
    allowance.end(share);
    return true;
  };
  const fail = () => {
    pieces = [];
    if (end()) giveUp();
  };
  return {
    take: (piece) => {
      if (isOver) return false;
      taken += piece.length;
      const fits = taken <= (octets ?? maxBytes) && (octets !== undefined || allowance.add(share, piece.length));
      if (fits) pieces.push(piece.slice());
      else fail();
      return fits;
    },
    end: (trailers) => {
      if (octets !== undefined && taken !== octets) return fail();
      if (end()) keep(concatenated(pieces), trailers);
    },
    giveUp: fail,
  };
}
