// Notices an origin that neither takes nor gives an octet for too long. Time in which the client is the slower one is not its.

/** How finely quiet time is counted: it is noticed after the whole of it, and at most this part of it later. */
const ticksPerTimeout = 4;

export interface IdleWatch {
  /** What the origin is to do next. Its end is a sign of life. */
  during<T>(work: Promise<T>): Promise<T>;
  stop(): void;
}

/** Calls once when something has been waited for without a sign of life. Until it is stopped it holds a timer. */
export function watchIdle(idleTimeoutMs: number, onIdle: () => void): IdleWatch {
  let awaited = 0;
  let quietTicks = 0;
  // One timer for all: a download is a great many reads.
  const timer = setInterval(() => {
    if (awaited === 0) quietTicks = 0;
    else if (++quietTicks > ticksPerTimeout) {
      clearInterval(timer);
      onIdle();
    }
  }, idleTimeoutMs / ticksPerTimeout);
  return {
    during: async (work) => {
      awaited++;
      try {
        return await work;
      } finally {
        awaited--;
        quietTicks = 0;
      }
    },
    stop: () => clearInterval(timer),
  };
}
