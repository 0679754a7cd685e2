// The edge's clock. On the platform it stands still between I/O, so it is read only around I/O.

export const clock = {
  /** Milliseconds since 1970, whole. */
  now: (): number => Date.now(),
};
