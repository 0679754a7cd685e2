// Cases of a file against rules: what was expected, and what the rules do.
import type { Field } from '../../http/fields.ts';
import { editedFields } from '../../http/plan/edit-fields.ts';
import { beforeResponse, chosen, editsFor, type ResponseHead } from '../../http/plan/on-response.ts';
import type { Chosen, OnResponse, RequestPlan, RuleRequest, RuleWorld } from '../../http/plan/plan.ts';
import type { Rules } from '../../http/plan/rules.ts';
import { rulesTaken } from '../../http/plan/taken.ts';
import { weekdays } from '../../schemas/rule.ts';
import type { RuleCase } from '../../schemas/rule-case.ts';
import { transformParts } from '../../schemas/transform.ts';
import { minuteOf, supposedHead, understood } from './rule-request.ts';

export interface CaseResult {
  readonly name: string;
  /** What differs from what was expected; empty where nothing does. Sentences. */
  readonly differences: readonly string[];
}

/** Judges one case. `isListed` says what lists have. */
export function caseResult(rules: Rules, isListed: RuleWorld['isListed'], given: RuleCase): CaseResult {
  const { request, response, expect } = given;
  const asked = understood(request.url, { ...request, fields: fieldsOf(request.fields) });
  const name = given.name ?? `${asked.kind === 'tunnel' ? 'tunnel to' : request.method} ${request.url}`;
  if (asked.kind === 'wrong') return { name, differences: [asked.because] };
  const ruleRequest = asked.kind === 'tunnel' ? asked.tunnel : asked.exchange;
  const weekday = weekdays.indexOf(request.weekday);
  const world = { isListed, localTime: () => ({ weekday, minute: minuteOf(request.at) ?? 0 }) };
  const plan = rules.plan(ruleRequest, world);
  const head = response && supposedHead({ ...response, fields: fieldsOf(response.fields) });
  const found: Readonly<Record<string, unknown>> = {
    ...foundIn(plan, ruleRequest, head),
    request: expect.request && namedFields(expect.request, requestFields(plan, ruleRequest)),
    response: expect.response && namedFields(expect.response, responseFields(plan, head)),
  };
  const differences = Object.entries(expect).flatMap(([key, expected]) => {
    const actual = key === 'shape' ? shapeLike(expected as string | null, plan) : found[key];
    return isSame(expected, actual) ? [] : [`${key}: expected ${shown(expected)}, and it is ${shown(actual)}`];
  });
  return { name, differences };
}

function foundIn(plan: RequestPlan | undefined, request: RuleRequest, head: ResponseHead | undefined) {
  const { onResponse } = plan ?? {};
  const answer = plan?.answer ?? (head && chosen(onResponse?.answer, head));
  const action = answer?.action;
  const transform = taken(onResponse?.transform, head);
  return {
    rules: plan === undefined ? [] : namesOf(plan, head),
    answer: action === undefined ? null : action.kind === 'block' && action.block === 'drop' ? 'drop' : action.kind,
    status: statusOf(action),
    location: action?.kind === 'redirect' ? action.location : null,
    url:
      plan?.answer !== undefined ? null : (plan?.rewrite?.action ?? (request.kind === 'exchange' ? request.url : null)),
    route: plan?.route?.action ?? null,
    fallback: plan?.fallback?.action ?? null,
    upstream: plan?.upstream?.action ?? null,
    transform: transform === null ? null : transformParts.filter((part) => transform[part] !== undefined),
    cache: taken(onResponse?.cache, head),
    log: taken(onResponse?.log, head),
  };
}

type Answer = NonNullable<RequestPlan['answer']>['action'];

function statusOf(action: Answer | undefined): number | null {
  switch (action?.kind) {
    case undefined:
      return null;
    case 'block':
      return action.block === 'drop' ? null : action.block.status;
    case 'respond':
      return action.respond.status;
    case 'redirect':
      return action.status;
    case 'failed':
      return action.error.status;
  }
}

function taken<A>(candidates: OnResponse<A> | undefined, head: ResponseHead | undefined): A | null {
  return takenOf(candidates, head)?.action ?? null;
}

function takenOf<A>(candidates: OnResponse<A> | undefined, head: ResponseHead | undefined): Chosen<A> | undefined {
  return head === undefined ? beforeResponse(candidates) : chosen(candidates, head);
}

/** The rules that have a part, as a record would name them; without a response those whose part waits for none. */
function namesOf(plan: RequestPlan, head: ResponseHead | undefined): readonly string[] {
  const { onResponse } = plan;
  const { cache, transform, log } = onResponse;
  const answer = plan.answer ?? (head && chosen(onResponse.answer, head));
  const edits = head === undefined ? onResponse.edits?.filter(({ when }) => when === undefined) : onResponse.edits;
  return rulesTaken(plan, [
    answer,
    ...(answer === undefined ? editsFor(edits, head ?? anyHead) : []),
    ...[takenOf(cache, head), takenOf(transform, head), takenOf(log, head)],
  ]);
}

const anyHead: ResponseHead = { status: 200, fields: [] };

/** The preset or the rule, whichever was named. */
function shapeLike(expected: string | null, plan: RequestPlan | undefined): string | null {
  if (plan?.shape === undefined) return null;
  const { rule, action } = plan.shape;
  return expected === rule ? rule : (action.preset ?? rule);
}

function requestFields(plan: RequestPlan | undefined, request: RuleRequest): readonly Field[] {
  return request.kind === 'tunnel' ? [] : editedFields(request.fields, plan?.requestEdits ?? []);
}

function responseFields(plan: RequestPlan | undefined, head: ResponseHead | undefined): readonly Field[] {
  const supposed = head ?? anyHead;
  return editedFields(supposed.fields, editsFor(plan?.onResponse.edits, supposed));
}

/** Of the names that are expected, what the fields have; several lines are joined as RFC 9110 5.2 does it. */
function namedFields(
  expected: Readonly<Record<string, unknown>>,
  fields: readonly Field[],
): Record<string, string | null> {
  return Object.fromEntries(
    Object.keys(expected).map((name) => {
      const lines = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
      return [name, lines.length === 0 ? null : lines.join(', ')];
    }),
  );
}

function fieldsOf(given: RuleCase['request']['fields']): Field[] {
  return Object.entries(given).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((line): Field => [name, line]),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shown(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : JSON.stringify(value);
}
