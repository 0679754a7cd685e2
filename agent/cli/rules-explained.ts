// Explains what rules do with a request or tunnel: which match and why, and what comes of it.
import { judgedRules, type Verdict } from '../../http/plan/explain.ts';
import type { ResponseHead } from '../../http/plan/on-response.ts';
import type { RequestPlan, RuleRequest, RuleWorld } from '../../http/plan/plan.ts';
import { compileRules } from '../../http/plan/rules.ts';
import type { Config } from '../../schemas/config.ts';
import type { RuleActions, RuleConditions } from '../../schemas/rule.ts';
import { conditionsInWords, listed, quoted, responseConditionsInWords } from './condition-words.ts';
import { type Happening, kindsInWords, planInWords } from './plan-words.ts';
import type { WayConfig } from './way-words.ts';

export interface Explained {
  readonly kind: 'exchange' | 'tunnel';
  /** The method and the URL, or host and port. */
  readonly asked: string;
  readonly rules: readonly ExplainedRule[];
  readonly happens: readonly Happening[];
  readonly plan: RequestPlan | undefined;
}

export interface ExplainedRule {
  readonly name: string;
  readonly verdict: Verdict['kind'];
  readonly says: string;
}

/** What the rules of a configuration do. `head`: that of the response, where one is supposed. */
export function explained(
  config: Pick<Config, 'rules'> & WayConfig,
  request: RuleRequest,
  world: RuleWorld,
  head: ResponseHead | undefined,
): Explained {
  const { rules } = config;
  const plan = compileRules(rules).plan(request, world);
  const { kind } = request;
  const judged = judgedRules(rules, request, world, plan);
  return {
    kind,
    asked: request.kind === 'tunnel' ? `${request.host}:${request.port}` : `${request.method} ${request.url}`,
    rules: judged.map(({ name, when, verdict }, index) => ({
      name,
      verdict: verdict.kind,
      says: verdictInWords(name, when, rules[index]?.then ?? {}, verdict),
    })),
    happens: planInWords(plan, { request, config, head }),
    plan,
  };
}

/** An explanation as lines. All rules where `all`, else those whose conditions hold, and what cannot match a tunnel. */
export function explanationInWords({ kind, asked, rules, happens }: Explained, all: boolean): string {
  const shown = rules.filter(({ verdict }) => all || verdict === 'takes-part' || verdict === 'outdone');
  const unseen = rules.filter(({ verdict }) => verdict === 'unseen').map(({ name }) => quoted(name));
  const none = rules.length === 0 ? 'There are no rules.' : 'No rule matches.';
  const blind =
    kind === 'tunnel' && unseen.length > 0 && !all
      ? [`${listed(unseen, 'and')} cannot match a tunnel, which shows host, port, client and time only.`]
      : [];
  return [
    kind === 'tunnel' ? `Tunnel to ${asked}` : asked,
    ...[...(shown.length === 0 ? [none] : shown.map(({ says }) => says)), ...blind].map((line) => `  rules  ${line}`),
    ...happens.map(({ half, says }) => `  ${half.padEnd(5)}  ${says}`),
  ].join('\n');
}

function verdictInWords(name: string, when: RuleConditions, then: RuleActions, verdict: Verdict): string {
  const rule = quoted(name);
  const clauses = conditionsInWords(when);
  const why =
    clauses.length === 0 ? 'it has no conditions on the request' : clauses.map(({ says }) => says).join(', and ');
  switch (verdict.kind) {
    case 'takes-part':
      return `${rule} matches: ${why}.${waitingInWords(when)}`;
    case 'outdone':
      return `${rule} matches, but has no part in it (${kindsInWords(then)}): ${why}.${waitingInWords(when)}`;
    case 'fails': {
      const says = clauses.find(({ key }) => key === verdict.condition)?.says ?? verdict.condition;
      return `${rule} does not match: it asks that ${says}.`;
    }
    case 'unseen':
      return `${rule} cannot match a tunnel: it has a condition on "${verdict.condition}".`;
    case 'disabled':
      return `${rule} is not enabled.`;
  }
}

function waitingInWords({ response }: RuleConditions): string {
  const clauses = response === undefined ? [] : responseConditionsInWords(response).map(({ says }) => says);
  return clauses.length === 0 ? '' : ` It waits for the response, and asks that ${clauses.join(' and ')}.`;
}
