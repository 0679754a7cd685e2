// The shared cache before the next hop: answers from what is stored, or asks, stores and answers. RFC 9111.
import { parseCacheControl } from '../../../http/cache-control.ts';
import { invalidatedUrls } from '../../../http/caching/invalidation.ts';
import { type Reuse, reuse, validating } from '../../../http/caching/reuse.ts';
import type { CacheRequest, CacheResponse } from '../../../http/caching/stored.ts';
import { FieldNames, type Fields } from '../../../http/fields.ts';
import { endToEndResponseFields } from '../../../http/hop-by-hop.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { CacheOutcome } from '../../../schemas/cache.ts';
import type { Answer, Entry, Forward, Outcome, PlannedRequest } from '../ports.ts';
import { ask, conditions, note, type Question } from './ask.ts';
import { createBackground } from './background.ts';
import { type CacheContext, type CachePorts, createUnshared, type SharedKnowledge } from './bounds.ts';
import { beforehand, cacheRequestOf, detailOf, mayForbid, ofStored, ruled } from './by-rule.ts';
import { createFlights, type Flight } from './flights.ts';
import { keep, pass } from './keep.ts';
import { createQuick } from './quick.ts';
import { type Replied, replyFrom } from './reply.ts';
import { waitedFor } from './waited.ts';

/** How often a request waits for an equal one before it goes on by itself: the answer may be of another variant. */
const maxWaits = 2;

/** What is to be decided: anew, once a request has waited. */
interface Pending {
  readonly request: PlannedRequest;
  readonly asked: CacheRequest;
  /** What it has waited for. */
  readonly heard: ReadonlySet<Flight>;
  /** Why it would have gone on, where it has waited for an equal one. */
  readonly waited?: Question['because'];
}

/** Puts the cache before a forward. What memory holds is answered at once. */
export function createCached(ports: CachePorts): (forward: Forward) => Answer {
  return (forward) => {
    const { flights, unshared } = ports.shared ?? createShared(ports);
    const context: CacheContext = { ...ports, forward, flights, unshared };
    const revalidate = createBackground(context);
    const quick = createQuick(ports.store);
    const decide = (pending: Pending): Outcome | Promise<Outcome> => {
      const { request, asked } = pending;
      const { store, clock } = context;
      const entries = store.find(asked.url);
      const now = clock.wallTime(clock.now());
      const known = request.plan?.onResponse.cache === undefined ? quick.answer(entries, asked, now) : undefined;
      if (known !== undefined && pending.waited === undefined) {
        request.trace.cache = known.cache;
        return known.outcome;
      }
      const rule = beforehand(request);
      const decision =
        rule === undefined ? reuse(entries, asked, now, asUsual) : reuse(entries, validating(asked), now, strictly);
      switch (decision.kind) {
        case 'fresh':
        case 'stale': {
          const forbids = ofStored(request, decision.entry.stored);
          return forbids === undefined
            ? answerFrom(pending, entries, decision)
            : forbidden(pending, decision.entry, forbids);
        }
        case 'validate':
          if (rule !== undefined) return goOn(pending, { ...decision, ...byRule(rule) });
          return goOn(pending, { ...decision, detail: undefined, part: undefined });
        case 'forward':
          return goOn(pending, { ...onlyAsked, ...decision, detail: decision.detail, part: decision.part });
        case 'unsatisfiable':
          return unsatisfiable(request);
      }
    };
    const forbidden = (pending: Pending, entry: Entry, rule: NonNullable<ReturnType<typeof ofStored>>) => {
      if (rule.action === 'bypass') return passBy(context, pending.request, rule);
      if (wantsStored(pending.request)) return unsatisfiable(pending.request);
      return goOn(pending, { candidates: [entry], ...byRule(rule) });
    };
    const answerFrom = (
      pending: Pending,
      entries: readonly Entry[],
      decision: Extract<Reuse<Entry>, { kind: 'fresh' | 'stale' }>,
    ): Outcome | Promise<Outcome> => {
      const { request, asked, waited } = pending;
      const taken = (replied: Replied): Outcome | Promise<Outcome> => {
        if (replied.kind === 'lost') return decide(pending);
        if (replied.kind === 'partial') {
          return goOn(pending, { ...onlyAsked, because: 'partial', part: decision.entry });
        }
        const ttl = decision.ttlSeconds;
        const outcome: CacheOutcome = waited === undefined ? { hit: true, ttl } : { fwd: waited, collapsed: true, ttl };
        request.trace.cache = { agent: outcome };
        if (decision.kind === 'fresh') quick.note(entries, decision.entry, asked, replied.response);
        else if (decision.revalidate) revalidate(request, decision.entry);
        return replied;
      };
      const replied = replyFrom(context, decision.entry, asked, decision.ageSeconds);
      return replied instanceof Promise ? replied.then(taken) : taken(replied);
    };
    const goOn = (
      { request, asked, heard }: Pending,
      why: Pick<Question, 'because' | 'detail' | 'entry' | 'candidates' | 'part'>,
    ): Promise<Outcome> => {
      const { because } = why;
      const mayBeJoined = request.method === 'GET' && because !== 'request' && isPlain(asked.fields);
      const question: Question = { request, asked, mayBeJoined, ...why };
      const mayWait =
        mayBeJoined &&
        !mayForbid(request) &&
        heard.size < maxWaits &&
        !hasWishes(asked.fields) &&
        !unshared.has(asked.url);
      const flight = mayWait ? flights.latest(asked.url, heard, asked.transformKey) : undefined;
      if (flight === undefined) return ask(context, question); // begins at once: whoever comes next finds it on its way
      const again = { request, asked, heard: new Set([...heard, flight]), waited: because };
      return waitedFor(context, question, flight).then((waited) => (waited === 'again' ? decide(again) : waited));
    };
    return (request) => {
      const { method, content } = request;
      if (content !== undefined || (method !== 'GET' && method !== 'HEAD')) return passOn(context, request);
      const rule = beforehand(request);
      if (rule?.action === 'bypass') return passBy(context, request, rule);
      return decide({ request, asked: cacheRequestOf(request, context), heard: none });
    };
  };
}

/** To be made once for a store: an unsafe request by one walk concerns what another has under way. RFC 9111 4.4. */
export function createShared({ clock, bounds }: Pick<CachePorts, 'clock' | 'bounds'>): SharedKnowledge {
  return { flights: createFlights(), unshared: createUnshared(clock, bounds) };
}

const onlyAsked = { detail: undefined, entry: undefined, candidates: [], part: undefined } as const;

const asUsual = { mayServeStale: true } as const;

const strictly = { mayServeStale: false } as const;

/** A question that a rule has asked for: what is stored does not stand in for the answer. */
function byRule(rule: Parameters<typeof detailOf>[0]) {
  return { because: 'bypass', detail: detailOf(rule), entry: undefined, part: undefined } as const;
}

/** A request that a rule keeps away from the cache. */
async function passBy(
  { forward }: CacheContext,
  request: PlannedRequest,
  rule: Parameters<typeof detailOf>[0],
): Promise<Outcome> {
  if (wantsStored(request)) return unsatisfiable(request);
  const outcome = await forward(request);
  const fwdStatus = outcome.kind === 'response' ? { fwdStatus: outcome.response.status } : {};
  note({ request, because: 'bypass' }, { ...fwdStatus, detail: detailOf(rule) });
  return outcome;
}

const none: ReadonlySet<Flight> = new Set();

/** What a request may say so that the answer to it is no answer to others. */
const ownNames = new FieldNames([...conditions, 'range']);

function isPlain(fields: Fields): boolean {
  return !fields.some(([name]) => ownNames.has(name));
}

const wishNames = new FieldNames(['cache-control', 'pragma']);

/** Whether a client has wishes that the answer to another request may not fulfil. */
function hasWishes(fields: Fields): boolean {
  return fields.some(([name]) => wishNames.has(name));
}

/** A request that nothing stored may answer. What it changes is not stored any longer. RFC 9111 4.4. */
async function passOn(context: CacheContext, request: PlannedRequest): Promise<Outcome> {
  const { store, flights, clock } = context;
  const { method, url, trace } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  const question = { request, because: isRead ? 'bypass' : 'method' } as const;
  const askedAt = clock.now();
  const outcome = await context.forward(request);
  if (outcome.kind === 'failed') {
    note(question, {});
    return outcome;
  }
  const { response } = outcome;
  const fields = endToEndResponseFields(response.fields);
  for (const changed of invalidatedUrls({ method, url }, { status: response.status, fields })) {
    flights.outdate(changed);
    for (const entry of store.find(changed)) store.remove(entry);
  }
  const facts = { fwdStatus: response.status };
  if (method !== 'POST') {
    note(question, isRead ? { ...facts, detail: 'the request has content' } : facts);
    return outcome;
  }
  const head: CacheResponse = {
    status: response.status,
    reason: response.reason,
    fields,
    requestTime: clock.wallTime(trace.stamps['request-relayed'] ?? askedAt),
    responseTime: clock.wallTime(trace.stamps['response-received'] ?? clock.now()),
  };
  const by = ruled(request, cacheRequestOf(request, context), head, response.transform);
  const flight = flights.begin(url, false, by.asked.transformKey);
  const kept = by.mayBeStored ? keep(context, by.asked, flight, by.head, response) : pass(flight, '');
  note(question, kept.kind === 'kept' ? { ...facts, stored: true } : facts);
  return kept.kind === 'kept' ? { kind: 'response', response: kept.response } : outcome;
}

/** RFC 9111 5.2.1.7. */
function wantsStored({ forwardFields }: PlannedRequest): boolean {
  return parseCacheControl(forwardFields).onlyIfCached;
}

function unsatisfiable({ trace }: PlannedRequest): Outcome {
  trace.cache = { agent: { detail: 'only-if-cached' } };
  const message = 'Nothing that is stored can answer this request, and it asks for nothing else (only-if-cached).';
  const error = new ProxyError('http_request_denied', message, { status: 504 });
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
