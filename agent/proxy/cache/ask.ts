// Asks the next hop, and judges its answer: what it confirms, and what answers in its place. RFC 9111 4.3.
import { ageSeconds, ttlSeconds } from '../../../http/caching/freshness.ts';
import { completingFields } from '../../../http/caching/parts.ts';
import { judgePreconditions } from '../../../http/caching/preconditions.ts';
import { storedReply } from '../../../http/caching/reply.ts';
import { type ForwardFailure, mayServeOnError } from '../../../http/caching/reuse.ts';
import { selected } from '../../../http/caching/select.ts';
import type { CacheRequest, CacheResponse } from '../../../http/caching/stored.ts';
import { freshenedByHead, judgeValidation, validationFields } from '../../../http/caching/validation.ts';
import { FieldNames, type Fields } from '../../../http/fields.ts';
import { endToEndResponseFields } from '../../../http/hop-by-hop.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { remembered } from '../../../http/remembered.ts';
import type { CacheOutcome, ForwardReason } from '../../../schemas/cache.ts';
import type { Entry, Outcome, PlannedRequest, UpstreamResponse } from '../ports.ts';
import type { CacheContext } from './bounds.ts';
import { ruled, wayOf } from './by-rule.ts';
import type { Flight } from './flights.ts';
import { keep, pass } from './keep.ts';
import { completed } from './parts.ts';
import { replyFrom } from './reply.ts';

/** A request of a client that what is stored cannot answer. */
export interface Question {
  readonly request: PlannedRequest;
  readonly asked: CacheRequest;
  readonly because: ForwardReason;
  readonly detail: string | undefined;
  /** What answers when the next hop fails, where that is allowed. */
  readonly entry: Entry | undefined;
  /** Stored responses that the next hop is asked about. */
  readonly candidates: readonly Entry[];
  /** All that is stored of what is asked for: only the rest need come. */
  readonly part: Entry | undefined;
  /** Whether others may wait for the answer. */
  readonly mayBeJoined: boolean;
}

/** How a question is put to the next hop. */
type Manner =
  | { readonly kind: 'as-asked' }
  | { readonly kind: 'validating'; readonly candidates: readonly Entry[]; readonly fields: Fields }
  | { readonly kind: 'completing'; readonly part: Entry; readonly fields: Fields };

const asAsked: Manner = { kind: 'as-asked' };

function mannerOf({ store }: CacheContext, { asked, candidates, part, mayBeJoined }: Question): Manner {
  if (candidates.length > 0) return { kind: 'validating', candidates, fields: validationFields(asked, candidates) };
  if (part === undefined || !mayBeJoined || store.octets(part) === undefined) return asAsked; // whoever wants a part gets that
  const fields = completingFields(asked.fields, part.stored);
  return fields === undefined ? asAsked : { kind: 'completing', part, fields };
}

/** Sends a question on, and gives what answers the client. */
export async function ask(context: CacheContext, question: Question): Promise<Outcome> {
  const { request } = question;
  const { clock } = context;
  const flight = context.flights.begin(request.url, question.mayBeJoined, question.asked.transformKey);
  request.onLeave(() => flight.leave());
  try {
    let manner = mannerOf(context, question);
    for (;;) {
      const askedAt = clock.now();
      const outcome = await context.forward(putIn(manner, request, flight));
      if (outcome.kind === 'failed') return await failedBy(context, question, flight, outcome);
      const { response } = outcome;
      const { stamps } = request.trace;
      const head: CacheResponse = {
        status: response.status,
        reason: response.reason,
        fields: endToEndResponseFields(response.fields),
        requestTime: clock.wallTime(stamps['request-relayed'] ?? askedAt),
        responseTime: clock.wallTime(stamps['response-received'] ?? clock.now()),
      };
      if (manner.kind === 'as-asked') return answered(context, question, flight, head, response);
      const judged = await judgedBy(context, question, flight, manner, head, response);
      if (judged !== 'again') return judged;
      cancel(response);
      manner = asAsked;
    }
  } catch (cause) {
    flight.over();
    throw cause;
  } finally {
    flight.land({ kind: 'alone' });
  }
}

function putIn(manner: Manner, request: PlannedRequest, flight: Flight): PlannedRequest {
  const onLeave = (cancel: () => void) => flight.onCancel(cancel);
  if (manner.kind === 'as-asked') return { ...request, onLeave };
  const { fields: forwardFields } = manner;
  return {
    ...request,
    onLeave,
    forwardFields,
    ...(manner.kind === 'validating' && { edgeCache: 'validate' as const }),
  };
}

/** What the answer to a request as it was asked comes to. */
function answered(
  context: CacheContext,
  question: Question,
  flight: Flight,
  head: CacheResponse,
  response: UpstreamResponse,
): Outcome {
  if (head.status === 304 && !isConditional(question.request.forwardFields)) {
    flight.over();
    note(question, { fwdStatus: 304 });
    return unasked();
  }
  return { kind: 'response', response: answeredBy(context, question, flight, head, response) };
}

/** What an answer comes to; `again`: it answers nobody, so that the request has to go on as it is. */
async function judgedBy(
  context: CacheContext,
  question: Question,
  flight: Flight,
  manner: Exclude<Manner, { kind: 'as-asked' }>,
  head: CacheResponse,
  response: UpstreamResponse,
): Promise<Outcome | 'again'> {
  if (manner.kind === 'completing') {
    const whole = head.status === 206 ? completed(context.store, manner.part, head, response) : undefined;
    if (whole === undefined && (head.status === 206 || head.status === 416)) return 'again';
    const answer = answeredBy(context, question, flight, whole?.head ?? head, whole?.response ?? response);
    if (whole !== undefined) note(question, { ...question.request.trace.cache?.agent, fwdStatus: 206 });
    return { kind: 'response', response: answer };
  }
  const validated = await validatedBy(context, question, flight, manner.candidates, head);
  if (validated === undefined) {
    const answer = answeredBy(context, question, flight, head, response);
    return { kind: 'response', response: unlessKnown(question, answer, head) };
  }
  if (validated !== 'again') cancel(response);
  return validated;
}

/** There is no answer: what is stored may stand in for it. */
async function failedBy(
  context: CacheContext,
  question: Question,
  flight: Flight,
  outcome: Extract<Outcome, { kind: 'failed' }>,
): Promise<Outcome> {
  flight.over();
  note(question, {});
  if (outcome.error.status < 500) return outcome; // says something of this request, not of the next hop
  flight.land({ kind: 'failed', failure: disconnected, way: wayOf(question.request), outcome });
  return (await insteadOf(context, question, disconnected)) ?? outcome;
}

const disconnected: ForwardFailure = { kind: 'disconnected' };

/** What is stored, where it may answer in place of a failure. RFC 5861 4, RFC 9111 4.2.4. */
export async function insteadOf(
  context: CacheContext,
  question: Pick<Question, 'request' | 'asked' | 'because' | 'entry'>,
  failure: ForwardFailure,
): Promise<Outcome | undefined> {
  const { asked, entry } = question;
  const now = context.clock.wallTime(context.clock.now());
  if (entry === undefined || !mayServeOnError(entry.stored, asked, now, failure)) return undefined;
  const replied = await replyFrom(context, entry, asked, ageSeconds(entry.stored, now));
  if (replied.kind !== 'response') return undefined;
  note(question, {
    ...(failure.kind === 'status' && { fwdStatus: failure.status }),
    ttl: ttlSeconds(entry.stored, now),
    detail: 'stale, since the next hop failed',
  });
  return replied;
}

/** What an answer says of what is stored: an outcome where that answers the client. */
async function validatedBy(
  context: CacheContext,
  question: Question,
  flight: Flight,
  candidates: readonly Entry[],
  head: CacheResponse,
): Promise<Outcome | 'again' | undefined> {
  const { request, asked } = question;
  const { store, clock } = context;
  const by = ruled(request, asked, head);
  const validation = judgeValidation(asked, candidates, by.head);
  if (validation.kind === 'mismatched') return 'again';
  if (validation.kind === 'replaced') {
    if (head.status < 500) return undefined;
    const failure = { kind: 'status', status: head.status } as const;
    const stale = await insteadOf(context, question, failure);
    if (stale === undefined) return undefined;
    flight.over();
    flight.land({ kind: 'failed', failure, way: wayOf(request), outcome: undefined });
    return stale;
  }
  let entry: Entry | undefined = validation.entry;
  for (const kept of validation.kept) {
    const updated = store.update(kept.entry, kept.head);
    if (kept.entry === validation.entry) entry = updated;
  }
  if (entry === undefined) return 'again';
  const stored = { ...validation.head, octets: entry.stored.octets };
  const now = clock.wallTime(clock.now());
  const replied = await replyFrom(context, entry, asked, ageSeconds(stored, now), stored);
  if (replied.kind !== 'response') return 'again';
  note(question, { fwdStatus: 304, ttl: ttlSeconds(stored, now), detail: by.detail ?? question.detail });
  flight.over();
  flight.land({ kind: 'stored' });
  return replied;
}

/** The answer itself goes to the client, and into the store where it may. */
function answeredBy(
  context: CacheContext,
  question: Question,
  flight: Flight,
  head: CacheResponse,
  response: UpstreamResponse,
): UpstreamResponse {
  const { request, asked, mayBeJoined } = question;
  const { unshared, store } = context;
  if (request.method === 'HEAD') {
    for (const entry of selected(store.find(request.url), asked)) {
      const verdict = freshenedByHead(asked, entry.stored, head);
      if (verdict.kind === 'freshened') store.update(entry, verdict.head);
      else if (verdict.kind === 'outdated') store.remove(entry);
    }
  }
  const by = ruled(request, asked, head, response.transform);
  const kept = by.mayBeStored ? keep(context, by.asked, flight, by.head, response) : pass(flight, by.detail ?? '');
  if (kept.kind === 'passed') {
    if (mayBeJoined && head.status < 500) unshared.note(request.url);
    const words = `${question.because} ${head.status} ${question.detail ?? kept.because}`;
    request.trace.cache = { ...request.trace.cache, agent: passedOn(words) };
    return response;
  }
  unshared.forget(request.url);
  note(question, { fwdStatus: head.status, stored: true, detail: by.detail });
  return kept.response;
}

const maxRemembered = 256;

/** What is said of a response that is not stored: few words, over and over. */
const passedOn = remembered(maxRemembered, (words): CacheOutcome => {
  const [fwd, fwdStatus, ...detail] = words.split(' ');
  return { fwd: fwd as ForwardReason, fwdStatus: Number(fwdStatus), detail: detail.join(' ') };
});

/** The client's own condition went no further than here, and may hold of the new response. RFC 9110 13.1.2. */
function unlessKnown({ asked }: Question, response: UpstreamResponse, head: CacheResponse): UpstreamResponse {
  if (judgePreconditions(asked, head) === 'proceed') return response;
  const reply = storedReply(
    asked,
    { ...head, url: asked.url, selecting: [], octets: 0 },
    ageSeconds(head, head.responseTime),
    'none',
  );
  if (reply.kind === 'forward') return response;
  cancel(response); // it goes on into the store where little is left of it
  const { status, reason, fields } = reply;
  return { status, reason, fields, isStored: true, content: { kind: 'none' } };
}

/** Writes what has become of a question into the record. */
export function note(
  { request: { trace }, because }: Pick<Question, 'request' | 'because'>,
  facts: CacheOutcome,
): void {
  trace.cache = { ...trace.cache, agent: { fwd: because, ...facts } };
}

/** Fields by which an answer may say that the client has what it asks for. RFC 9110 13. */
export const conditions = new FieldNames([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);

function isConditional(fields: Fields): boolean {
  return fields.some(([name]) => conditions.has(name));
}

function cancel({ content }: UpstreamResponse): void {
  if (content.kind === 'some') content.source.cancel();
}

/** RFC 9110 15.4.5: only a condition can be answered so. */
function unasked(): Outcome {
  const message = 'The origin says that something is unchanged which nobody has asked about.';
  return { kind: 'failed', error: new ProxyError('http_protocol_error', message), source: 'agent', mayRetry: false };
}
