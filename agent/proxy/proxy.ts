// Carries one arrival to its ending. The names are the folders beside this file, in this order.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Arrival, Ending, Outcome, Plan, Ports } from './ports.ts';

/** Composes the walk. The only catch is for the unforeseen: failures that a phase judges are values. */
export const proxy = ({ observer, accept, admit, apply, applied, cached, routed, exchange, finish }: Ports) => {
  const forward = applied(cached(routed(exchange)));
  const goOn = ({ trace }: Arrival, plan: Plan): Ending | Promise<Ending> => {
    observer.requestReceived(trace);
    if (plan.kind === 'answer') return plan.ending;
    if (plan.request.content === undefined) return forward(plan.request);
    // What came of the content with the head is parsed first: where it is malformed, nothing is asked of anybody.
    return Promise.resolve(plan.request).then(forward);
  };
  const walk = (arrival: Arrival): Ending | Promise<Ending> => {
    const accepted = accept(arrival);
    if (accepted.kind === 'refused') return refused(accepted.error);
    const { request } = accepted;
    const plan = after(admit(request), (admission): Plan | Promise<Plan> =>
      admission.kind === 'refused' ? { kind: 'answer', ending: refused(admission.error) } : apply(request),
    );
    return after(plan, (known) => goOn(arrival, known));
  };
  return (arrival: Arrival): Promise<void> | void => {
    let ending: Ending | Promise<Ending>;
    try {
      ending = walk(arrival);
    } catch (cause) {
      ending = unforeseen(cause);
    }
    if (isAtHand(ending)) return finish(arrival, ending);
    return Promise.resolve(ending)
      .catch(unforeseen)
      .then((later) => finish(arrival, later));
  };
};

/** Goes on at once where there is nothing to wait for. */
function after<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What is stored answers at once. All else waits at least until the parser has seen whether the request has content. */
function isAtHand(ending: Ending | Promise<Ending>): ending is Outcome {
  return !(ending instanceof Promise) && ending.kind === 'response' && ending.response.isStored === true;
}

function refused(error: ProxyError): Outcome {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}

function unforeseen(cause: unknown): Outcome {
  const error = new ProxyError('proxy_internal_error', 'edgehop failed on this exchange. This is a bug.', {
    advice: 'Please report it with the line in the log.',
    cause,
  });
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}
