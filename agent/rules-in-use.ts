// The rules of a configuration, made ready to be carried out.
import type { RuleWorld } from '../http/plan/plan.ts';
import { compileRules } from '../http/plan/rules.ts';
import type { Rule } from '../schemas/rule.ts';
import { boundary } from './boundary.ts';
import type { Clock } from './clock.ts';
import { createAnswers } from './proxy/apply/answers.ts';
import type { RulePorts } from './proxy/apply/rule-ports.ts';
import { createRuleWorld } from './rule-world.ts';

export interface RulesInUsePorts extends Pick<RuleWorld, 'isListed'>, Pick<RulePorts, 'shaping'> {
  readonly clock: Clock;
  /** The folder from which paths of the configuration count. */
  readonly folder: string;
}

/** Nothing where there are no rules, so that they cost nothing. */
export function rulesInUse(
  given: readonly Rule[],
  { isListed, shaping, clock, folder }: RulesInUsePorts,
): RulePorts | undefined {
  if (!given.some(({ enabled }) => enabled)) return undefined;
  const rules = compileRules(given);
  const world = createRuleWorld({ clock, isListed });
  return {
    planOf: (request) => rules.plan(request, world),
    answer: createAnswers({ clock, folder, boundary }),
    shaping,
  };
}
