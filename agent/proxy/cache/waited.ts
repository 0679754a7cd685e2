// Waits for the answer to an equal request that is on its way already. RFC 9111 4.
import { storedReply } from '../../../http/caching/reply.ts';
import { reuse } from '../../../http/caching/reuse.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Outcome } from '../ports.ts';
import { insteadOf, note, type Question } from './ask.ts';
import type { CacheContext } from './bounds.ts';
import { wayOf } from './by-rule.ts';
import type { Flight, Landing } from './flights.ts';

/** `again`: it is to be decided anew, since the answer may be in the store now, or is not for this request. */
export type Waited = Outcome | 'again';

/** Waits for a flight to land. The wait has a bound, and a client that leaves ends it. */
export function waitedFor(context: CacheContext, question: Question, flight: Flight): Promise<Waited> {
  return new Promise((resolve, reject) => {
    let stop: (() => void) | undefined;
    const over = (waited: Waited | Promise<Waited>) => {
      clearTimeout(deadline);
      stop?.();
      Promise.resolve(waited).then(resolve, reject);
    };
    const deadline = setTimeout(() => over('again'), context.bounds.maxCollapsedWaitMs);
    question.request.onLeave(() => over(left()));
    stop = flight.wait((landing) => over(answerOf(context, question, landing)));
  });
}

function answerOf(context: CacheContext, question: Question, landing: Landing): Waited | Promise<Waited> {
  switch (landing.kind) {
    case 'coming':
      return sharedOf(context, question, landing);
    case 'failed':
      if (landing.way !== wayOf(question.request)) return 'again';
      return insteadOf(context, question, landing.failure).then((stale) => stale ?? sharedFailure(question, landing));
    default:
      return 'again';
  }
}

function sharedFailure(question: Question, { outcome }: Extract<Landing, { kind: 'failed' }>): Waited {
  if (outcome === undefined) return 'again';
  note(question, { collapsed: true });
  return outcome;
}

/** The response on its way, where it would answer this request if it were stored already. */
function sharedOf(
  { clock }: CacheContext,
  question: Question,
  { head, octets, join }: Extract<Landing, { kind: 'coming' }>,
): Waited {
  const { asked } = question;
  const stored = { ...head, octets: octets ?? 0 };
  const decision = reuse([{ stored }], asked, clock.wallTime(clock.now()), { mayServeStale: false });
  if (decision.kind !== 'fresh') return 'again';
  const reply = storedReply(asked, stored, decision.ageSeconds, 'none');
  if (reply.kind === 'forward' || reply.status !== head.status) return 'again';
  const source = join();
  if (source === undefined) return 'again';
  note(question, { fwdStatus: head.status, collapsed: true, ttl: decision.ttlSeconds });
  const { status, reason, fields } = reply;
  const content = { kind: 'some', octets, source } as const;
  return { kind: 'response', response: { status, reason, fields, isStored: true, content } };
}

function left(): Outcome {
  const error = new ProxyError('http_request_error', 'The client left before there was an answer.', { status: 499 });
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
