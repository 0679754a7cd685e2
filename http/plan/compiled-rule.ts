// One rule made ready: its conditions to be judged often, its actions to be taken.
import type { ResponseConditions, Rule, RuleActions, RuleConditions } from '../../schemas/rule.ts';
import type { ShapeSettings } from '../../schemas/shape.ts';
import { ProxyError } from '../proxy-error.ts';
import { editsOf } from './edit-fields.ts';
import { type ExchangeRequest, type Facts, pathOnly, urlPartsOf } from './facts.ts';
import { canonicalHost, hostCaptures } from './host-pattern.ts';
import { type Condition, conditionsOf, unseenInTunnels } from './matchers.ts';
import { compilePattern } from './pattern.ts';
import type { AnswerAction, FieldEdit } from './plan.ts';
import { shapeOf } from './shape-presets.ts';
import { type CompiledTarget, compileTarget } from './target.ts';
import { canonicalPathPattern, compileUrlPattern } from './url-pattern.ts';

export interface CompiledRule {
  readonly name: string;
  /** Its place in the configuration, from 0. */
  readonly index: number;
  readonly when: RuleConditions;
  readonly conditions: readonly Condition[];
  /** Whether it can hold for a tunnel that is not intercepted. */
  readonly isForTunnels: boolean;
  /** Conditions on the response, for which its actions wait. */
  readonly waits: ResponseConditions | undefined;
  readonly actions: RuleActions;
  readonly answer: ((request: ExchangeRequest) => AnswerAction) | undefined;
  /** The URL that is asked in place of the request's, or why there is none. */
  readonly rewrite: ((request: ExchangeRequest) => Targeted) | undefined;
  readonly requestEdits: readonly FieldEdit[] | undefined;
  readonly responseEdits: readonly FieldEdit[] | undefined;
  readonly shape: ShapeSettings | undefined;
}

export type Targeted =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** The name of a rule: its own, or `rule N`, counted from 1. */
export function nameOf(rule: Pick<Rule, 'name'>, index: number): string {
  return rule.name ?? `rule ${index + 1}`;
}

/** Makes a rule ready. */
export function compileRule(rule: Rule, index: number): CompiledRule {
  const { when, then } = rule;
  const name = nameOf(rule, index);
  return {
    name,
    index,
    when,
    conditions: conditionsOf(when),
    isForTunnels: unseenInTunnels(when) === undefined,
    waits: when.response,
    actions: then,
    answer: answerOf(name, when, then),
    rewrite: then.rewrite && targeted(name, when, then.rewrite.to),
    requestEdits: then.request && editsOf(then.request),
    responseEdits: then.response && editsOf(then.response),
    shape: then.shape && shapeOf(then.shape),
  };
}

/** Whether all conditions on the request hold. */
export function holds({ conditions }: CompiledRule, facts: Facts): boolean {
  for (const condition of conditions) if (!condition.holds(facts)) return false;
  return true;
}

/** The patterns that {1}, {2} and so on come from: those of `url`, else `path`, else `host`. */
export function capturesOf(when: RuleConditions): {
  /** The stars that each has. */
  readonly stars: readonly number[];
  readonly of: (request: ExchangeRequest) => readonly string[];
} {
  if (when.url !== undefined) {
    const patterns = when.url.map(compileUrlPattern);
    return {
      stars: patterns.map(({ stars }) => stars),
      of: (request) => firstOf(patterns, (pattern) => pattern.captures(urlPartsOf(request))),
    };
  }
  if (when.path !== undefined) {
    const patterns = when.path.map((each) => compilePattern(canonicalPathPattern(each)));
    return {
      stars: patterns.map(({ stars }) => stars),
      of: ({ path }) => firstOf(patterns, (pattern) => pattern.captures(pathOnly(path))),
    };
  }
  const hosts = (when.host ?? []).flatMap((each) => canonicalHost(each) ?? []);
  return {
    stars: when.host === undefined ? [0] : hosts.map((host) => (host.startsWith('*') ? 1 : 0)),
    of: ({ host }) => hostCaptures(hosts, host) ?? [],
  };
}

function answerOf(name: string, when: RuleConditions, then: RuleActions): CompiledRule['answer'] {
  const { block, respond, redirect } = then;
  if (block !== undefined) return constant({ kind: 'block', block });
  if (respond !== undefined) return constant({ kind: 'respond', respond });
  if (redirect === undefined) return undefined;
  const location = targeted(name, when, redirect.to);
  return (request) => {
    const to = location(request);
    return to.kind === 'failed' ? to : { kind: 'redirect', location: to.url, status: redirect.status };
  };
}

function constant(action: AnswerAction): () => AnswerAction {
  return () => action;
}

function targeted(name: string, when: RuleConditions, text: string): (request: ExchangeRequest) => Targeted {
  const compiled: CompiledTarget = compileTarget(text);
  const captures = capturesOf(when);
  return (request) => {
    if (compiled.kind === 'wrong') return failed(name, compiled.because);
    const filled = compiled.target.fill(request, captures.of(request));
    return filled.kind === 'url' ? filled : failed(name, filled.because);
  };
}

function failed(name: string, because: string): Targeted {
  const error = new ProxyError(
    'proxy_configuration_error',
    `The rule "${name}" makes no URL of this request: ${because}.`,
    {
      advice: `Change "to" of that rule, or its conditions. \`edgehop rules explain\` shows what it makes of a URL.`,
    },
  );
  return { kind: 'failed', error };
}

function firstOf<P>(
  patterns: readonly P[],
  captures: (pattern: P) => readonly string[] | undefined,
): readonly string[] {
  for (const pattern of patterns) {
    const found = captures(pattern);
    if (found !== undefined) return found;
  }
  return [];
}
