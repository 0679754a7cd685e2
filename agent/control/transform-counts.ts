// How many exchanges were transformed, and how many octets that has spared the way from the edge on.
import { onFinished } from '../log/observers.ts';
import type { Observer } from '../proxy/ports.ts';

/** Since the start. What is answered from a cache is not transformed again, and does not count. */
export interface TransformCounts {
  readonly transformed: number;
  /** Octets of their content as origins sent it, and as it went on. */
  readonly octetsBefore: number;
  readonly octetsAfter: number;
}

export interface CountedTransforms {
  readonly observer: Observer;
  counts(): TransformCounts;
}

/** Counts what finished records say of transforms. Content that broke off is not counted. */
export function countTransformed(): CountedTransforms {
  let [transformed, octetsBefore, octetsAfter] = [0, 0, 0];
  return {
    observer: onFinished(({ transform }) => {
      if (transform === undefined || transform.applied.length === 0 || transform.octets === undefined) return;
      transformed++;
      octetsBefore += transform.octets.before;
      octetsAfter += transform.octets.after;
    }),
    counts: () => ({ transformed, octetsBefore, octetsAfter }),
  };
}
