// The edge's cache around an exchange. What is right is judged by `http/caching/`; here stands what a Worker can do about it.
import { reuse, validating } from '../../http/caching/reuse.ts';
import { FieldNames } from '../../http/fields.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { CacheOutcome } from '../../schemas/cache.ts';
import { clock } from '../clock.ts';
import { type Exchange, relayed } from '../exchange/answer.ts';
import { inBackground } from '../finish/background.ts';
import { type ExchangeContext, failed } from '../finish/reply.ts';
import { ask, type Question } from './ask.ts';
import { flights, landing } from './collapse.ts';
import { revalidate } from './revalidate.ts';
import { served } from './serve.ts';
import { entriesFor, type Visit, visitOf } from './visit.ts';

/** Answers exchanges from the store where the engine allows it, and from upstream where not. */
export const cached =
  (exchange: Exchange) =>
  async (c: ExchangeContext): Promise<Response> => {
    const visit = await visitOf(c, exchange);
    if (visit === undefined) return relayed(c, await exchange(c, c.get('envelope')));
    const found = await look(visit);
    if (found.kind === 'answer') return found.response;
    return mayCollapse(visit) ? collapsed(visit, found.question) : ask(visit, found.question);
  };

type Found =
  | { readonly kind: 'answer'; readonly response: Response }
  | { readonly kind: 'question'; readonly question: Question };

/** Answers by what is stored, or says what is to be asked. `waited`: this is another look, after waiting for the like. */
async function look(visit: Visit, waited?: CacheOutcome): Promise<Found> {
  const { c, request, mode } = visit;
  const { content, method } = c.get('envelope');
  if (content || (method !== 'GET' && method !== 'HEAD')) {
    return question({ because: content && method === 'GET' ? 'bypass' : 'method' });
  }
  const entries = await entriesFor(visit);
  const decision = reuse(entries, mode === 'use' ? request : validating(request), clock.now(), {
    mayServeStale: mode === 'use',
  });
  switch (decision.kind) {
    case 'fresh':
    case 'stale': {
      const { entry, ageSeconds, ttlSeconds: ttl } = decision;
      const outcome: CacheOutcome = waited === undefined ? { hit: true, ttl } : { ...waited, collapsed: true, ttl };
      const response = await served(c, request, entry, ageSeconds, { stages: {}, cache: outcome });
      if (response === undefined) return question({ because: 'miss', detail: 'its content has been lost' });
      if (decision.kind === 'stale' && decision.revalidate) inBackground(c, revalidate(visit, entry));
      return { kind: 'answer', response };
    }
    case 'validate': {
      const { entry, candidates, because } = decision;
      return question({ because, entry, candidates });
    }
    case 'forward': {
      const { because, detail } = decision;
      return question({ because, detail });
    }
    case 'unsatisfiable': {
      const message = 'Nothing that is stored can answer this request, and it asks for nothing else (only-if-cached).';
      const error = new ProxyError('http_request_denied', message, { status: 504 });
      return { kind: 'answer', response: failed(c, error, { stages: {}, cache: { detail: 'only-if-cached' } }) };
    }
  }
}

function question(asked: Question): Found {
  return { kind: 'question', question: asked };
}

/** Whether the answer to one such request is likely to be that to another. */
function mayCollapse({ c, mode, request: { method, fields } }: Visit): boolean {
  return (
    mode === 'use' && method === 'GET' && !c.get('envelope').content && !fields.some(([name]) => particular.has(name))
  );
}

const particular = new FieldNames([
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** Waits for the answer to a like request that is under way, if there is one, and looks again. */
async function collapsed(visit: Visit, asked: Question): Promise<Response> {
  const ahead = flights.ahead(visit.flight, clock.now());
  if (ahead === undefined) return ask(visit, asked, flights.depart(visit.flight, clock.now()));
  await landing(ahead);
  const found = await look(visit, { fwd: asked.because });
  return found.kind === 'answer' ? found.response : ask(visit, found.question);
}
