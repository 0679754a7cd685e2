// Writes into the record which rules had a part in an exchange, and whether it is to be logged.
import { beforeResponse, certain, chosen, type ResponseHead } from '../../../http/plan/on-response.ts';
import type { AnswerAction, Chosen, FieldEdit, LogAction, RequestPlan } from '../../../http/plan/plan.ts';
import { rulesTaken } from '../../../http/plan/taken.ts';
import type { Ending, Trace } from '../ports.ts';

/** Notes what is known before there is a response. What has to wait for one is held back until then. */
export function noteBefore(trace: Trace, plan: RequestPlan): void {
  trace.rules = named(rulesTaken(plan, []));
  const { log } = plan.onResponse;
  if (log !== undefined) trace.log = certain(log)?.action ?? 'errors';
}

/** What a response has made of a plan: the answer in its place, and the edits of its fields. */
export interface Taken {
  readonly answer?: Chosen<AnswerAction> | undefined;
  readonly edits?: readonly Chosen<FieldEdit>[] | undefined;
}

/** Notes what the head of a response, or of an answer of our own, has made certain. */
export function noteAfter(trace: Trace, plan: RequestPlan, ending: Ending, { answer, edits = [] }: Taken = {}): void {
  const { cache, log } = plan.onResponse;
  const head = headOf(ending);
  const level: Chosen<LogAction> | undefined = head === undefined ? beforeResponse(log) : chosen(log, head);
  trace.log = levelFor(level?.action ?? 'usual', answer ?? plan.answer);
  const heeded = head === undefined ? beforeResponse(cache) : chosen(cache, head);
  trace.rules = named(rulesTaken(plan, [answer, ...edits, heeded, trace.transform, level]));
}

/** What a response is judged by: as it goes on, with its length where that is known. */
export function headOf(ending: Ending): ResponseHead | undefined {
  if (ending.kind === 'dropped') return undefined;
  if (ending.kind === 'failed') return { status: ending.error.status, fields: [] };
  const { status, fields, content } = ending.response;
  if (content.kind === 'none' || content.octets === undefined) return { status, fields };
  const others = fields.filter(([name]) => name.length !== lengthName.length || name.toLowerCase() !== lengthName);
  return { status, fields: [...others, [lengthName, String(content.octets)]] };
}

const lengthName = 'content-length';

/** What a rule blocks has not failed: `errors` leaves it out, unless it is to look like the failure of a server. */
function levelFor(level: LogAction, answer: Chosen<AnswerAction> | undefined): LogAction {
  if (level !== 'errors' || answer?.action.kind !== 'block') return level;
  const { block } = answer.action;
  return block !== 'drop' && block.status >= 500 ? level : 'off';
}

/** No names where no rule had a part. */
function named(rules: readonly string[]): readonly string[] | undefined {
  return rules.length === 0 ? undefined : rules;
}
