// The newest records, in memory, for who asks right after an exchange.

import { onFinished } from '../log/observers.ts';
import type { Observer, Trace } from '../proxy/ports.ts';

export interface Recent {
  readonly observer: Observer;
  /** The newest record that `matches`, if it is still there. */
  find(matches: (trace: Trace) => boolean): Trace | undefined;
  /** The newest ones, newest first, at most so many. */
  newest(count: number): Trace[];
}

/** Remembers the last `maxRecords` records. */
export function rememberRecent(maxRecords: number): Recent {
  const ring: (Trace | undefined)[] = new Array(maxRecords);
  let next = 0;
  const nth = (age: number) => ring[(next - age + maxRecords) % maxRecords];
  return {
    observer: onFinished((trace) => {
      ring[next] = trace;
      next = (next + 1) % maxRecords;
    }),
    find: (matches) => {
      for (let i = 1; i <= maxRecords; i++) {
        const trace = nth(i);
        if (trace !== undefined && matches(trace)) return trace;
      }
      return undefined;
    },
    newest: (count) => {
      const newest: Trace[] = [];
      for (let i = 1; i <= Math.min(count, maxRecords); i++) {
        const trace = nth(i);
        if (trace !== undefined) newest.push(trace);
      }
      return newest;
    },
  };
}
