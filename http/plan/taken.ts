// Which rules of a plan have had an effect: what the record names, and what cases expect.
import { certain } from './on-response.ts';
import type { RequestPlan } from './plan.ts';

interface OfRule {
  readonly rule: string;
}

/**
 * The rules, in their order, whose part waits for no response, and those of the actions that were taken once its head was
 * known (`later`).
 */
export function rulesTaken(plan: RequestPlan, later: readonly (OfRule | undefined)[]): readonly string[] {
  const { answer, rewrite, requestEdits = [], route, fallback, upstream, shape, onResponse } = plan;
  const atOnce = [answer, rewrite, ...requestEdits, route, fallback, upstream, shape];
  const parts = [...atOnce, certain(onResponse.cache), certain(onResponse.log), ...later];
  const names = new Set(parts.map((part) => part?.rule));
  return plan.rules.filter((name) => names.has(name));
}
