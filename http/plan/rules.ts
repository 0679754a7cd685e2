// Makes rules into plans: which of them hold for a request, and what they ask for together.
import type { Rule } from '../../schemas/rule.ts';
import { circleOf, type Redirect } from './circles.ts';
import { type CompiledRule, compileRule, holds, nameOf } from './compiled-rule.ts';
import { type ExchangeRequest, Facts } from './facts.ts';
import { firstByName } from './on-response.ts';
import type { AnswerAction, Chosen, FieldEdit, OnResponse, RequestPlan, RuleRequest, RuleWorld } from './plan.ts';
import { indexed } from './rule-index.ts';
import { transformKeyOf } from './transform-key.ts';

export interface Rules {
  /** Of all rules that are enabled, in their order. */
  readonly names: readonly string[];
  /** What becomes of a request or tunnel; nothing where no rule has a part in it. */
  plan(request: RuleRequest, world: RuleWorld): RequestPlan | undefined;
}

/** Makes the rules ready to be asked for each request. A request that none of them is for costs one look-up of its host. */
export function compileRules(rules: readonly Rule[]): Rules {
  const compiled = rules.flatMap((rule, index) => (rule.enabled ? [compileRule(rule, index)] : []));
  const forExchanges = indexed(compiled);
  const forTunnels = indexed(compiled.filter(({ isForTunnels }) => isForTunnels));
  const transformKey = rememberedKeys();
  const facts = new Facts();

  const matching = (request: RuleRequest, world: RuleWorld, asked: Facts): CompiledRule[] | undefined => {
    asked.of(request, world);
    const candidates = request.kind === 'tunnel' ? forTunnels(asked) : forExchanges(asked);
    let matched: CompiledRule[] | undefined;
    for (const rule of candidates) {
      if (!holds(rule, asked)) continue;
      if (matched === undefined) matched = [rule];
      else matched.push(rule);
    }
    return matched;
  };
  const answerNow = (request: ExchangeRequest, world: RuleWorld) => (answer: Chosen<AnswerAction>) => {
    if (answer.action.kind !== 'redirect') return answer;
    const circle = circleOf(request, answer as Redirect, (next) => {
      const found = answerTo(next, matching(next, world, new Facts()) ?? []);
      return found?.action.kind === 'redirect' ? (found as Redirect) : undefined;
    });
    return circle === undefined ? answer : { rule: answer.rule, action: { kind: 'failed', error: circle } as const };
  };

  return {
    names: rules.flatMap((rule, index) => (rule.enabled ? [nameOf(rule, index)] : [])),
    plan: (request, world) => {
      const matched = matching(request, world, facts);
      if (matched === undefined) return undefined;
      if (request.kind === 'tunnel') return tunnelPlan(matched);
      return exchangePlan(request, matched, answerNow(request, world), transformKey);
    },
  };
}

function exchangePlan(
  request: ExchangeRequest,
  matched: readonly CompiledRule[],
  checked: (answer: Chosen<AnswerAction>) => Chosen<AnswerAction>,
  keyOf: (transforms: RequestPlan['onResponse']['transform']) => string | undefined,
): RequestPlan | undefined {
  const log = waiting(matched, ({ actions }) => actions.log);
  const rewriting = first(matched, ({ rewrite }) => rewrite);
  const rewritten = rewriting?.action(request);
  const unanswerable =
    rewritten?.kind === 'failed' ? { rule: (rewriting as Chosen<unknown>).rule, action: rewritten } : undefined;
  const answer = answerTo(request, matched) ?? unanswerable;
  if (answer !== undefined) return planned(matched, { answer: checked(answer), onResponse: { log } });
  const rewrite =
    rewritten?.kind === 'url' && rewritten.url !== request.url
      ? { rule: (rewriting as Chosen<unknown>).rule, action: rewritten.url }
      : undefined;
  const transform = waiting(matched, ({ actions }) => actions.transform);
  return planned(matched, {
    rewrite,
    requestEdits: someOf(firstByName(all(matched, ({ requestEdits }) => requestEdits))),
    ...routing(matched),
    onResponse: {
      answer: someOf(answersAfterwards(request, matched)),
      edits: someOf(editsAfterwards(matched)),
      cache: waiting(matched, ({ actions }) => actions.cache),
      transform,
      log,
    },
    transformKey: keyOf(transform),
  });
}

/** A tunnel shows nothing of its content: it can be closed, led, slowed down and left out of the log. */
function tunnelPlan(matched: readonly CompiledRule[]): RequestPlan | undefined {
  const log = waiting(matched, ({ actions }) => actions.log);
  const block = first(matched, ({ actions }) => actions.block);
  if (block !== undefined) {
    const answer = { rule: block.rule, action: { kind: 'block', block: block.action } as const };
    return planned(matched, { answer, onResponse: { log } });
  }
  const { upstream: _ofExchanges, ...led } = routing(matched);
  return planned(matched, { ...led, onResponse: { log } });
}

function routing(matched: readonly CompiledRule[]) {
  return {
    route: first(matched, ({ actions }) => actions.route),
    fallback: first(matched, ({ actions }) => actions.fallback),
    upstream: first(matched, ({ actions }) => actions.upstream),
    shape: first(matched, ({ shape }) => shape),
  };
}

/** The plan with the names of those rules that have a part in it; nothing where none has. */
function planned(matched: readonly CompiledRule[], plan: Omit<RequestPlan, 'rules'>): RequestPlan | undefined {
  const { onResponse, requestEdits = [], answer, rewrite, route, fallback, upstream, shape } = plan;
  const single = [answer, rewrite, route, fallback, upstream, shape].flatMap((each) => each?.rule ?? []);
  const several = [requestEdits, ...Object.values(onResponse)].flatMap((each) => each?.map(({ rule }) => rule) ?? []);
  const parts = new Set([...single, ...several]);
  if (parts.size === 0) return undefined;
  return { rules: matched.flatMap(({ name }) => (parts.has(name) ? [name] : [])), ...plan };
}

/** The first rule that answers whatever a response would be. It need not wait for those that do. */
function answerTo(request: ExchangeRequest, matched: readonly CompiledRule[]): Chosen<AnswerAction> | undefined {
  const answering = matched.find(({ answer, waits }) => answer !== undefined && waits === undefined);
  return answering?.answer && { rule: answering.name, action: answering.answer(request) };
}

/** Each answer once: its URL may need the request. */
function answersAfterwards(request: ExchangeRequest, matched: readonly CompiledRule[]): OnResponse<AnswerAction> {
  return matched.flatMap(({ name, answer, waits }) =>
    answer === undefined ? [] : [{ rule: name, when: waits, action: notToItself(name, request, answer(request)) }],
  );
}

function notToItself(rule: string, request: ExchangeRequest, action: AnswerAction): AnswerAction {
  if (action.kind !== 'redirect') return action;
  const error = circleOf(request, { rule, action }, () => undefined);
  return error === undefined ? action : { kind: 'failed', error };
}

/** Without edits of names that an earlier rule edits whatever the response is. */
function editsAfterwards(matched: readonly CompiledRule[]): OnResponse<readonly FieldEdit[]> {
  const taken = new Set<string>();
  return matched.flatMap(({ name, waits, responseEdits = [] }) => {
    const edits = responseEdits.filter((edit) => !taken.has(edit.name));
    if (waits === undefined) for (const edit of edits) taken.add(edit.name);
    return edits.length === 0 ? [] : [{ rule: name, when: waits, action: edits }];
  });
}

function first<A>(
  matched: readonly CompiledRule[],
  pick: (rule: CompiledRule) => A | undefined,
): Chosen<A> | undefined {
  for (const rule of matched) {
    const action = pick(rule);
    if (action !== undefined) return { rule: rule.name, action };
  }
  return undefined;
}

function all<A>(matched: readonly CompiledRule[], pick: (rule: CompiledRule) => A | undefined): Chosen<A>[] {
  return matched.flatMap((rule) => {
    const action = pick(rule);
    return action === undefined ? [] : [{ rule: rule.name, action }];
  });
}

/** The candidates for a kind, up to the first that holds whatever the response is. */
function waiting<A>(
  matched: readonly CompiledRule[],
  pick: (rule: CompiledRule) => A | undefined,
): OnResponse<A> | undefined {
  const candidates: OnResponse<A>[number][] = [];
  for (const rule of matched) {
    const action = pick(rule);
    if (action === undefined) continue;
    candidates.push({ rule: rule.name, when: rule.waits, action });
    if (rule.waits === undefined) break;
  }
  return someOf(candidates);
}

function someOf<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

const maxRememberedKeys = 256;

/** Keys of transforms by the rules that ask for them: whoever has the same candidates has the same key. */
function rememberedKeys(): (transforms: RequestPlan['onResponse']['transform']) => string | undefined {
  const keys = new Map<string, string>();
  return (transforms) => {
    if (transforms === undefined) return undefined;
    const names = JSON.stringify(transforms.map(({ rule }) => rule));
    const known = keys.get(names);
    if (known !== undefined) return known;
    const key = transformKeyOf(transforms);
    if (keys.size >= maxRememberedKeys) keys.clear();
    keys.set(names, key);
    return key;
  };
}
