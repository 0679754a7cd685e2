// Notices an origin that neither takes nor gives an octet for too long. Time in which the client is the slower one is not its.

/** How finely quiet time is counted: it is noticed after the whole of it, and at most this part of it later. */
const ticksPerTimeout = 4;

/** To take what is sent, or to send. */
export type Turn = 'take' | 'give';

export interface IdleWatch {
  /** What the origin is to do next. Its end is a sign of life. */
  during<T>(turn: Turn, work: Promise<T>): Promise<T>;
  stop(): void;
}

/**
 * Calls once when something has been waited for without a sign of life: with `take` where the origin was to take
 * something, whatever else it was to do. Until it is stopped it holds a timer.
 */
export function watchIdle(idleTimeoutMs: number, onIdle: (turn: Turn) => void): IdleWatch {
  const awaited = { take: 0, give: 0 };
  let quietTicks = 0;
  // One timer for all: a download is a great many reads.
  const timer = setInterval(() => {
    if (awaited.take + awaited.give === 0) quietTicks = 0;
    else if (++quietTicks > ticksPerTimeout) {
      clearInterval(timer);
      onIdle(awaited.take > 0 ? 'take' : 'give');
    }
  }, idleTimeoutMs / ticksPerTimeout);
  return {
    during: async (turn, work) => {
      awaited[turn]++;
      try {
        return await work;
      } finally {
        awaited[turn]--;
        quietTicks = 0;
      }
    },
    stop: () => clearInterval(timer),
  };
}
