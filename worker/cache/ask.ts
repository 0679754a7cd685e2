// Goes upstream for what the store cannot answer: asks whether what is stored is still good, and stores what comes.
import { ageSeconds, ttlSeconds } from '../../http/caching/freshness.ts';
import { type ForwardFailure, mayServeOnError } from '../../http/caching/reuse.ts';
import type { CacheResponse } from '../../http/caching/stored.ts';
import { judgeValidation, validationFields } from '../../http/caching/validation.ts';
import { FieldNames, type Fields } from '../../http/fields.ts';
import { endToEndResponseFields } from '../../http/hop-by-hop.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcome, ForwardReason } from '../../schemas/cache.ts';
import { clock } from '../clock.ts';
import { type AnsweredResponse, relayed } from '../exchange/answer.ts';
import { failed, type UpstreamFacts } from '../finish/reply.ts';
import { keeperOf, keepHeads, type Land, storingOf, update } from './keep.ts';
import { served } from './serve.ts';
import type { Entry } from './store.ts';
import type { Visit } from './visit.ts';

/** What is to be asked upstream, and why. */
export interface Question {
  readonly because: ForwardReason;
  readonly detail?: string | undefined;
  /** What answers if that fails, where it may. */
  readonly entry?: Entry;
  /** Whose validators go along. */
  readonly candidates?: readonly Entry[];
}

/** Goes upstream, and answers with what comes of it. */
export async function ask(visit: Visit, question: Question, land: Land = nobodyWaits): Promise<Response> {
  try {
    return await attempt(visit, question, question.candidates ?? [], land);
  } catch (cause) {
    land('over');
    throw cause;
  }
}

async function attempt(visit: Visit, question: Question, candidates: readonly Entry[], land: Land): Promise<Response> {
  const { c, exchange, request } = visit;
  const envelope = c.get('envelope');
  const isValidation = candidates.length > 0;
  const fields = isValidation ? validationFields({ ...request, fields: envelope.fields }, candidates) : envelope.fields;
  const requestTime = clock.now();
  const answer = await exchange(c, { ...envelope, fields });
  if (answer.kind === 'failed') {
    land('over');
    const isTheirs = answer.error.status >= 500; // below, it says something of this request
    const stale = isTheirs ? await insteadOf(visit, question, { kind: 'disconnected' }, answer.facts) : undefined;
    return stale ?? relayed(c, answer, outcomeOf(question));
  }
  const head = headOf(answer, requestTime);
  if (head.status === 304 && !isValidation && !isConditional(envelope.fields)) {
    land('over');
    answer.discard();
    return failed(c, unasked(), { ...answer.facts, cache: outcomeOf(question, 304) });
  }
  if (isValidation && head.status === 304) {
    answer.discard();
    const confirmed = await confirm(visit, question, candidates, head, answer.facts);
    if (confirmed === undefined) return attempt(visit, question, [], land);
    land('stored');
    return confirmed;
  }
  if (head.status >= 500) {
    const stale = await insteadOf(visit, question, { kind: 'status', status: head.status }, answer.facts);
    if (stale !== undefined) {
      land('over');
      answer.discard();
      return stale;
    }
  }
  await update(visit, head);
  return keepAndRelay(visit, question, head, answer, land);
}

/** RFC 9110 15.4.5: only a condition can be answered so. */
function isConditional(fields: Fields): boolean {
  return fields.some(([name]) => conditions.has(name));
}

const conditions = new FieldNames(['if-none-match', 'if-modified-since']);

function unasked(): ProxyError {
  const message = 'The origin says that something is unchanged which nobody has asked about.';
  return new ProxyError('http_protocol_error', message);
}

/** The head of an answer as the engine judges it. */
export function headOf({ head: { status, reason, fields } }: AnsweredResponse, requestTime: number): CacheResponse {
  return { status, reason, fields: endToEndResponseFields(fields), requestTime, responseTime: clock.now() };
}

function outcomeOf({ because, detail }: Question, fwdStatus?: number): CacheOutcome {
  return { fwd: because, ...(fwdStatus !== undefined && { fwdStatus }), ...(detail !== undefined && { detail }) };
}

/** What is stored, where it may answer in place of a failure. RFC 5861 4, RFC 9111 4.2.4. */
async function insteadOf(
  { c, mode, request }: Visit,
  question: Question,
  failure: ForwardFailure,
  facts: UpstreamFacts,
): Promise<Response | undefined> {
  const { entry } = question;
  const now = clock.now();
  // An agent that validates has an entry of its own to fall back on.
  if (entry === undefined || mode !== 'use' || !mayServeOnError(entry.stored, request, now, failure)) return undefined;
  const cache: CacheOutcome = {
    ...outcomeOf(question, failure.kind === 'status' ? failure.status : undefined),
    ttl: ttlSeconds(entry.stored, now),
    detail: 'stale, since upstream failed',
  };
  return served(c, request, entry, ageSeconds(entry.stored, now), { ...facts, transform: undefined, cache });
}

/** Answers with what a 304 is about; nothing where that is nothing that is stored. RFC 9111 4.3.3. */
async function confirm(
  visit: Visit,
  question: Question,
  candidates: readonly Entry[],
  head: CacheResponse,
  facts: UpstreamFacts,
): Promise<Response | undefined> {
  const { c, request } = visit;
  const validation = judgeValidation(request, candidates, head);
  if (validation.kind !== 'freshened') return undefined;
  await keepHeads(visit, validation.kept);
  const stored = { ...validation.head, octets: validation.entry.stored.octets };
  const now = clock.now();
  const cache = { ...outcomeOf(question, 304), ttl: ttlSeconds(stored, now) };
  const entry = { stored, content: validation.entry.content };
  return served(c, request, entry, ageSeconds(stored, now), { ...facts, cache });
}

function keepAndRelay(
  visit: Visit,
  question: Question,
  head: CacheResponse,
  answer: AnsweredResponse,
  land: Land,
): Response | Promise<Response> {
  const outcome = outcomeOf(question, head.status);
  const storing = storingOf(visit, head);
  if (storing.kind === 'refuse') {
    land('unshared');
    return answer.relay({ detail: storing.because, ...outcome });
  }
  const keeper = keeperOf(visit, head, storing.head, answer.octets, land);
  return keeper === undefined
    ? answer.relay({ detail: 'it is too large', ...outcome })
    : answer.relay({ ...outcome, stored: true }, keeper);
}

function nobodyWaits(): void {}
