// The exchanges and tunnels that are going on, for who asks while they do.
import { only } from '../log/observers.ts';
import type { Observer, Trace } from '../proxy/ports.ts';

export interface Open {
  readonly observer: Observer;
  readonly count: number;
  /** The newest ones, newest first, at most so many. */
  newest(count: number): Trace[];
  /** The newest record that `matches`, if it is still open. */
  find(matches: (trace: Trace) => boolean): Trace | undefined;
}

/** Follows what is open from its judged head to its finished record; the oldest is forgotten where it would be more than `maxOpen`. */
export function followOpen(maxOpen: number): Open {
  const open = new Set<Trace>(); // in the order in which they came
  return {
    observer: only({
      requestReceived: (trace) => {
        open.add(trace);
        if (open.size <= maxOpen) return;
        for (const oldest of open) {
          open.delete(oldest);
          return;
        }
      },
      finished: (trace) => void open.delete(trace),
    }),
    get count() {
      return open.size;
    },
    newest: (count) => [...open].reverse().slice(0, count),
    find: (matches) => [...open].findLast(matches),
  };
}
