// How often each rule had a part in an exchange or tunnel, for who asks what rules are worth.
import { onFinished } from '../log/observers.ts';
import type { Observer } from '../proxy/ports.ts';

export interface RuleCounts {
  readonly observer: Observer;
  /** Exchanges and tunnels that have ended since the start. */
  finished(): number;
  /** Of how many a rule of this name had a part in. */
  matches(rule: string): number;
}

/** Names that are counted. Rules come and go with the configuration; the name that matched first is forgotten for one more. */
export const maxCountedRules = 20_000;

/** Counts what finished records say of rules. */
export function countRules(): RuleCounts {
  const counts = new Map<string, number>();
  let finished = 0;
  return {
    observer: onFinished(({ rules }) => {
      finished++;
      if (rules === undefined) return;
      for (const rule of rules) {
        const known = counts.get(rule);
        if (known === undefined && counts.size >= maxCountedRules) counts.delete(counts.keys().next().value as string);
        counts.set(rule, (known ?? 0) + 1);
      }
    }),
    finished: () => finished,
    matches: (rule) => counts.get(rule) ?? 0,
  };
}
