// Carries one arrival to its outcome. The names are the folders beside this file, in this order.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Arrival, Outcome, Ports } from './ports.ts';

/** Composes the walk. The only catch is for the unforeseen: failures that a phase judges are values. */
export const proxy = ({ observer, accept, admit, apply, routed, exchange, finish }: Ports) => {
  const forward = routed(exchange);
  const walk = async (arrival: Arrival): Promise<Outcome> => {
    const accepted = accept(arrival);
    if (accepted.kind === 'refused') return refused(accepted.error);
    const admission = await admit(accepted.request);
    observer.requestReceived(arrival.trace);
    if (admission.kind === 'refused') return refused(admission.error);
    const plan = apply(admission.request);
    return plan.kind === 'answer' ? plan.outcome : await forward(plan.request);
  };
  return async (arrival: Arrival): Promise<void> => {
    let outcome: Outcome;
    try {
      outcome = await walk(arrival);
    } catch (cause) {
      outcome = unforeseen(cause);
    }
    await finish(arrival, outcome);
  };
};

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
