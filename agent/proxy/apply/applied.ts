// Carries out what rules say of a response, and the simulated network, around whatever answers.
import { endToEndResponseFields } from '../../../http/hop-by-hop.ts';
import { editedFields } from '../../../http/plan/edit-fields.ts';
import { chosen, editsFor } from '../../../http/plan/on-response.ts';
import type { RequestPlan } from '../../../http/plan/plan.ts';
import type { Answer, Applied, Ending, Outcome, PlannedRequest } from '../ports.ts';
import type { AnswerOf } from './answers.ts';
import { headOf, noteAfter } from './noted.ts';
import type { RulePorts } from './rule-ports.ts';

/**
 * Wraps what answers. A request without plan goes through as it is, and where the answer is at hand it stays so. An answer
 * of our own in the place of a response, and what failed, keep the fields that they have.
 */
export function createApplied(rules: RulePorts | undefined): (answering: Answer) => Applied {
  if (rules === undefined) return (answering) => answering;
  const { answer, shaping } = rules;
  return (answering) => (request) => {
    const { plan } = request;
    if (plan === undefined) return answering(request);
    const next = (shaped: PlannedRequest): Ending | Promise<Ending> => {
      const outcome = answering(shaped);
      const judged = (later: Outcome) => onResponse(answer, shaped, plan, later);
      return outcome instanceof Promise ? outcome.then(judged) : judged(outcome);
    };
    return plan.shape === undefined ? next(request) : shaping.exchange(request, plan.shape, next);
  };
}

/** What becomes of an outcome once its head is there. */
export function onResponse(
  answer: AnswerOf,
  request: PlannedRequest,
  plan: RequestPlan,
  outcome: Outcome,
): Ending | Promise<Ending> {
  if (!waits(plan)) return outcome;
  const { trace } = request;
  const head = outcome.kind === 'response' ? headOf(outcome) : undefined;
  if (outcome.kind === 'failed' || head === undefined) {
    noteAfter(trace, plan, outcome);
    return outcome;
  }
  const { response } = outcome;
  const instead = chosen(plan.onResponse.answer, head);
  if (instead !== undefined) {
    if (response.content.kind === 'some') response.content.source.cancel();
    noteAfter(trace, plan, outcome, { answer: instead });
    const ending = answer(instead, request);
    const noted = (later: Ending) => inPlaceOf(response.status, later);
    return ending instanceof Promise ? ending.then(noted) : noted(ending);
  }
  const edits = editsFor(plan.onResponse.edits, head);
  noteAfter(trace, plan, outcome, { edits });
  if (edits.length === 0) return outcome;
  return {
    kind: 'response',
    response: { ...response, fields: editedFields(endToEndResponseFields(response.fields), edits) },
  };
}

/** The hop that was asked has said something else, and that is told of it. */
function inPlaceOf(receivedStatus: number, ending: Ending): Ending {
  return ending.kind === 'response' ? { kind: 'response', response: { ...ending.response, receivedStatus } } : ending;
}

/** Whether a rule concerns itself with the response. */
function waits({ onResponse: { answer, edits, cache, transform, log } }: RequestPlan): boolean {
  return (answer ?? edits ?? cache ?? transform ?? log) !== undefined;
}
