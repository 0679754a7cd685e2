// A plan of rules in English: what happens to a request, sentence by sentence, and in which half.
import { beforeResponse, chosen, editsFor, type ResponseHead } from '../../http/plan/on-response.ts';
import type {
  AnswerAction,
  CacheAction,
  Chosen,
  FieldEdit,
  LogAction,
  OnResponse,
  RequestPlan,
  RuleRequest,
} from '../../http/plan/plan.ts';
import type { RespondAction, ResponseConditions, RuleActions } from '../../schemas/rule.ts';
import type { ShapeSettings } from '../../schemas/shape.ts';
import { type Transform, transformParts } from '../../schemas/transform.ts';
import { printable } from '../log/words.ts';
import { listed, quoted, responseConditionsInWords } from './condition-words.ts';
import { type WayConfig, wayOf } from './way-words.ts';

export interface Happening {
  readonly half: 'agent' | 'edge';
  readonly says: string;
}

/** What plans are made within. */
export interface PlanSetting {
  readonly request: RuleRequest;
  readonly config: WayConfig;
  /** The head of the response, where it is known: then nothing is said of what waits for another. */
  readonly head: ResponseHead | undefined;
}

/** What happens, in the order in which it does. */
export function planInWords(
  plan: RequestPlan | undefined,
  { request, config, head }: PlanSetting,
): readonly Happening[] {
  const log = logInWords(plan, head);
  const before = [
    ...(plan?.rewrite === undefined
      ? []
      : [`${quoted(plan.rewrite.rule)} asks for ${printable(plan.rewrite.action)} in place of it.`]),
    ...(plan?.requestEdits ?? []).map((edit) => editInWords(edit, 'request')),
  ];
  if (plan?.answer !== undefined) {
    const { rule, action } = plan.answer;
    return agent([`${answerInWords(quoted(rule), action, request.kind)} Nobody is asked.`, ...log]);
  }
  const way = wayOf(plan, request, config);
  if (way.kind === 'nowhere') return agent([...before, way.says, ...log]);
  const shape = shapeInWords(plan?.shape);
  if (request.kind === 'tunnel') return agent([way.says, ...shape, ...log]);
  const cache = forResponse(plan?.onResponse.cache, head, cacheInWords);
  return [
    ...agent([...before, ...cache, way.says, ...shape]),
    ...(way.kind === 'edge' ? edgeInWords(plan, head) : []),
    ...agent([...(way.kind === 'edge' ? [] : skippedAtEdge(plan, head)), ...afterwardsInWords(plan, head), ...log]),
  ];
}

/** An answer in the place of a response has the fields that it has; others get the edits. */
function afterwardsInWords(plan: RequestPlan | undefined, head: ResponseHead | undefined): string[] {
  const { answer, edits } = plan?.onResponse ?? {};
  const answers = forResponse(answer, head, (rule, action) => [answerInWords(rule, action, 'response')]);
  if (head !== undefined) {
    return answers.length > 0 ? answers : editsFor(edits, head).map((edit) => editInWords(edit, 'response'));
  }
  const edited = (edits ?? []).flatMap(({ rule, when, action }) =>
    action.map((edit) => conditional(when, editInWords({ rule, action: edit }, 'response'))),
  );
  return [...answers, ...edited];
}

function agent(sentences: readonly string[]): Happening[] {
  return sentences.map((says) => ({ half: 'agent', says }));
}

function answerInWords(rule: string, action: AnswerAction, what: 'exchange' | 'tunnel' | 'response'): string {
  const it = what === 'response' ? 'the response' : what === 'tunnel' ? 'the tunnel' : 'it';
  switch (action.kind) {
    case 'block':
      return action.block === 'drop'
        ? `${rule} blocks ${it}: the connection of the client is reset.`
        : `${rule} blocks ${it}: the client gets status ${action.block.status}.`;
    case 'respond':
      return `${rule} answers with status ${action.respond.status} and ${contentInWords(action.respond)}.`;
    case 'redirect':
      return `${rule} redirects the client with status ${action.status} to ${printable(action.location)}.`;
    case 'failed':
      return `${rule} comes to an error, and the client gets status ${action.error.status}: ${printable(action.error.message)}`;
  }
}

function contentInWords({ text, json, file, folder }: RespondAction): string {
  if (text !== undefined) return 'a text of its own';
  if (json !== undefined) return 'JSON of its own';
  if (file !== undefined) return `the content of the file ${quoted(file)}`;
  return folder === undefined ? 'no content' : `the content of a file in the folder ${quoted(folder)}`;
}

function shapeInWords(shape: Chosen<ShapeSettings> | undefined): string[] {
  if (shape === undefined) return [];
  const { preset, latencyMs, jitterMs, downBytesPerSecond, upBytesPerSecond, burstBytes, fault, probability } =
    shape.action;
  const parts = [
    ...(latencyMs === undefined
      ? []
      : [`${latencyMs} ms later${jitterMs === undefined ? '' : ` (give or take ${jitterMs})`}`]),
    ...(downBytesPerSecond === undefined ? [] : [`at most ${downBytesPerSecond} octets a second to the client`]),
    ...(upBytesPerSecond === undefined ? [] : [`at most ${upBytesPerSecond} from it`]),
    ...(burstBytes === undefined ? [] : [`${burstBytes} at once after a pause`]),
    ...(fault === undefined ? [] : [`with the fault "${fault.kind}"${chanceInWords(fault.probability)}`]),
  ];
  const what = preset === undefined ? 'a network' : `the network ${preset}`;
  return [
    `${quoted(shape.rule)} simulates ${what}${chanceInWords(probability)}: ${listed(parts, 'and') || 'as it is'}.`,
  ];
}

function chanceInWords(probability: number | undefined): string {
  return probability === undefined || probability === 1 ? '' : ` in ${Math.round(probability * 1_000) / 10} % of cases`;
}

function edgeInWords(plan: RequestPlan | undefined, head: ResponseHead | undefined): Happening[] {
  const { upstream, onResponse } = plan ?? {};
  const how = upstream?.action === 'socket' ? 'a connection of its own' : 'the platform’s fetch';
  const sentences = [
    ...(upstream === undefined ? [] : [`It reaches the origin by ${how}, as ${quoted(upstream.rule)} says.`]),
    ...forResponse(onResponse?.transform, head, (rule, action) => [transformInWords(rule, action)]),
  ];
  return sentences.map((says) => ({ half: 'edge', says }));
}

function transformInWords(rule: string, transform: Transform): string {
  const parts = transformParts.filter((part) => transform[part] !== undefined);
  return `${rule} changes the content (${parts.join(', ')}).`;
}

function skippedAtEdge(plan: RequestPlan | undefined, head: ResponseHead | undefined): string[] {
  return forResponse(plan?.onResponse.transform, head, (rule, { required }) => [
    required
      ? `It fails, since ${rule} requires that the edge changes the content, and there is no edge on this way.`
      : `The change of content that ${rule} asks for is left out: it is made at the edge only.`,
  ]);
}

function cacheInWords(rule: string, action: CacheAction): string[] {
  if (action === 'bypass') return [`No cache answers it or stores its response, as ${rule} says.`];
  if (action === 'validate') return [`No cache answers it without asking the origin, as ${rule} says.`];
  return [`Its response is fresh for ${action.freshnessSeconds} s in both caches, as ${rule} says.`];
}

function editInWords({ rule, action }: Chosen<FieldEdit>, what: 'request' | 'response'): string {
  const by = quoted(rule);
  switch (action.kind) {
    case 'set':
      return `${by} sets the ${what} field ${action.name} to ${quoted(action.value)}.`;
    case 'add':
      return `${by} adds the ${what} field ${action.name}: ${quoted(action.value)}.`;
    case 'remove':
      return `${by} removes the ${what} field ${action.name}.`;
    case 'shorten':
      return `${by} shortens the ${what} field ${action.name}.`;
    case 'remove-cookies':
      return `${by} removes the cookies ${listed(action.cookies, 'and')} from the request.`;
  }
}

function logInWords(plan: RequestPlan | undefined, head: ResponseHead | undefined): string[] {
  const candidates = plan?.onResponse.log;
  const says: Readonly<Record<LogAction, (rule: string) => string[]>> = {
    usual: (rule) => [`It is logged as usual, as ${rule} says.`],
    errors: (rule) => [`It is logged only where it fails, as ${rule} says.`],
    off: (rule) => [`It is neither logged nor remembered, as ${rule} says.`],
  };
  return forResponse(candidates, head, (rule, action) => says[action](rule));
}

/** With a head the action that is taken; without one each that may be. */
function forResponse<A>(
  candidates: OnResponse<A> | undefined,
  head: ResponseHead | undefined,
  says: (rule: string, action: A) => string[],
): string[] {
  if (candidates === undefined) return [];
  if (head !== undefined) {
    const taken = chosen(candidates, head);
    return taken === undefined ? [] : says(quoted(taken.rule), taken.action);
  }
  const isAfterOthers = candidates.length > 1;
  const otherwise = beforeResponse(candidates);
  return candidates.flatMap((each) =>
    says(quoted(each.rule), each.action).map((sentence) =>
      each === otherwise && isAfterOthers ? `Else: ${sentence}` : conditional(each.when, sentence),
    ),
  );
}

function conditional(when: ResponseConditions | undefined, sentence: string): string {
  const clauses = when === undefined ? [] : responseConditionsInWords(when).map(({ says }) => says);
  return clauses.length === 0 ? sentence : `If ${clauses.join(' and ')}: ${sentence}`;
}

/** Kinds of actions that a rule has, for those that take no part. */
export function kindsInWords(then: RuleActions): string {
  return listed(
    Object.entries(then).flatMap(([kind, action]) => (action === undefined ? [] : [kind])),
    'and',
  );
}
