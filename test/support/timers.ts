// A clock with timers: time passes when a test says so, and each timer fires at its time.
import type { Clock } from '../../agent/proxy/ports.ts';
import { epochMs } from './walk.ts';

export interface TestTimers {
  readonly clock: Clock;
  readonly after: (delayMs: number, then: () => void) => () => void;
  /** How many are set. */
  readonly set: number;
  /** Lets time pass; what timers begin goes on before the next fires. */
  pass(ms: number): Promise<void>;
}

export function testTimers(): TestTimers {
  const timers = new Set<{ readonly at: number; readonly then: () => void }>();
  let now = 0;
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    clock: { now: () => now, wallTime: (instant) => epochMs + instant },
    after: (delayMs, then) => {
      const timer = { at: now + delayMs, then };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    get set() {
      return timers.size;
    },
    pass: async (ms) => {
      const until = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.then();
        await settle();
      }
      now = until;
    },
  };
}
