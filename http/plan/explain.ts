// Says of each rule whether it holds for a request, and where not, why not.
import type { Rule, RuleConditions } from '../../schemas/rule.ts';
import { type CompiledRule, compileRule, nameOf } from './compiled-rule.ts';
import { Facts } from './facts.ts';
import { tunnelConditions, unseenInTunnels } from './matchers.ts';
import type { RequestPlan, RuleRequest, RuleWorld } from './plan.ts';

export type Verdict =
  /** Its conditions on the request hold, and it has a part in the plan. */
  | { readonly kind: 'takes-part' }
  /** They hold, but rules ahead of it have done all that it would do, or a tunnel allows none of that. */
  | { readonly kind: 'outdone' }
  /** `condition`: the key of the first that does not hold. */
  | { readonly kind: 'fails'; readonly condition: string }
  /** What a tunnel shows of itself fits. `condition`: the key of the first that no tunnel can fulfil. */
  | { readonly kind: 'unseen'; readonly condition: string }
  | { readonly kind: 'disabled' };

export interface JudgedRule {
  readonly name: string;
  readonly when: RuleConditions;
  readonly verdict: Verdict;
}

/** Every rule in its order, judged for a request whose plan is given. It takes its time: it is for people. */
export function judgedRules(
  rules: readonly Rule[],
  request: RuleRequest,
  world: RuleWorld,
  plan: RequestPlan | undefined,
): readonly JudgedRule[] {
  const facts = new Facts().of(request, world);
  return rules.map((rule, index) => {
    const name = nameOf(rule, index);
    if (!rule.enabled) return { name, when: rule.when, verdict: { kind: 'disabled' } };
    return { name, when: rule.when, verdict: verdictOf(compileRule(rule, index), facts, plan) };
  });
}

function verdictOf({ name, when, conditions }: CompiledRule, facts: Facts, plan: RequestPlan | undefined): Verdict {
  const unseen = facts.request.kind === 'tunnel' ? unseenInTunnels(when) : undefined;
  const seen = unseen === undefined ? conditions : conditions.filter(({ key }) => tunnelConditions.has(key));
  const failing = seen.find((condition) => !condition.holds(facts));
  if (failing !== undefined) return { kind: 'fails', condition: failing.key };
  if (unseen !== undefined) return { kind: 'unseen', condition: unseen };
  return plan?.rules.includes(name) ? { kind: 'takes-part' } : { kind: 'outdone' };
}
