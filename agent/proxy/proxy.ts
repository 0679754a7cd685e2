// Carries one arrival to its outcome. The names are the folders beside this file, in this order.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Admission, Arrival, Outcome, Ports } from './ports.ts';

/** Composes the walk. The only catch is for the unforeseen: failures that a phase judges are values. */
export const proxy = ({ observer, accept, admit, apply, cached, routed, exchange, finish }: Ports) => {
  const forward = cached(routed(exchange));
  const goOn = ({ trace }: Arrival, admission: Admission): Outcome | Promise<Outcome> => {
    observer.requestReceived(trace);
    if (admission.kind === 'refused') return refused(admission.error);
    const plan = apply(admission.request);
    if (plan.kind === 'answer') return plan.outcome;
    if (plan.request.content === undefined) return forward(plan.request);
    // What came of the content with the head is parsed first: where it is malformed, nothing is asked of anybody.
    return Promise.resolve(plan.request).then(forward);
  };
  const walk = (arrival: Arrival): Outcome | Promise<Outcome> => {
    const accepted = accept(arrival);
    if (accepted.kind === 'refused') return refused(accepted.error);
    const admission = admit(accepted.request);
    return admission instanceof Promise ? admission.then((later) => goOn(arrival, later)) : goOn(arrival, admission);
  };
  return (arrival: Arrival): Promise<void> | void => {
    let outcome: Outcome | Promise<Outcome>;
    try {
      outcome = walk(arrival);
    } catch (cause) {
      outcome = unforeseen(cause);
    }
    if (isAtHand(outcome)) return finish(arrival, outcome);
    return Promise.resolve(outcome)
      .catch(unforeseen)
      .then((later) => finish(arrival, later));
  };
};

/** What is stored answers at once. All else waits at least until the parser has seen whether the request has content. */
function isAtHand(outcome: Outcome | Promise<Outcome>): outcome is Outcome {
  return !(outcome instanceof Promise) && outcome.kind === 'response' && outcome.response.isStored === true;
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
