// Validates what has just answered although it is stale, without a client that waits for it. RFC 5861 3.
import { unconditionalFields } from '../../../http/caching/validation.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Content, Entry, PlannedRequest, Trace } from '../ports.ts';
import { ask } from './ask.ts';
import type { CacheContext } from './bounds.ts';
import { cacheRequestOf } from './by-rule.ts';

/** Begins validations, each with a record of its own: one at a time for a URL, and no more than a bound all together. */
export function createBackground(context: CacheContext): (request: PlannedRequest, entry: Entry) => void {
  const { flights, bounds, observer } = context;
  let active = 0;
  return (request, entry) => {
    const { url } = request;
    if (active >= bounds.maxBackground || flights.latest(url, undefined, entry.stored.transformKey) !== undefined)
      return;
    active++;
    const trace = context.begin(request.trace);
    const over = () => {
      active--;
      observer.finished(trace);
    };
    const quiet = withoutClient(request, trace);
    ask(context, {
      request: quiet,
      asked: cacheRequestOf(quiet, context),
      because: 'stale',
      detail: undefined,
      entry: undefined,
      candidates: [entry],
      part: undefined,
      mayBeJoined: true,
    }).then(
      (outcome) => {
        if (outcome.kind === 'failed') {
          trace.failure = { error: outcome.error, source: outcome.source };
          over();
          return;
        }
        const { status, reason, content } = outcome.response;
        trace.response = { status, reason };
        if (content.kind === 'none') over();
        else if (trace.cache?.agent?.stored === true) drain(content.source, trace, over);
        else {
          content.source.cancel();
          over();
        }
      },
      (cause) => {
        trace.failure = { error: unforeseen(cause), source: 'agent' };
        over();
      },
    );
  };
}

/** The same request as nobody's: a GET for the whole, whose sender cannot leave. */
function withoutClient(request: PlannedRequest, trace: Trace): PlannedRequest {
  return {
    ...request,
    trace,
    method: 'GET',
    forwardFields: unconditionalFields(request.forwardFields),
    interim: nothing,
    continue: nothing,
    onLeave: nothing,
  };
}

function nothing(): void {}

/** Lets content flow into the store alone. */
function drain(content: Content, trace: Trace, over: () => void): void {
  content.flow({
    write: () => true,
    end: over,
    fail: (error) => {
      trace.failure = { error, source: 'agent' };
      over();
    },
  });
}

/** Nobody else would hear of it: no client's walk leads here. */
function unforeseen(cause: unknown): ProxyError {
  return new ProxyError('proxy_internal_error', 'edgehop failed while it validated a stored response. This is a bug.', {
    cause,
  });
}
