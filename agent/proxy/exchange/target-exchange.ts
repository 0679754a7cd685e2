// Sends a request to a target of a pool, at the address that the configuration names.
import type { ProxyError } from '../../../http/proxy-error.ts';
import type { Clock, Observer, TargetAnswer, TargetExchange, UpstreamClient, WalkLimits } from '../ports.ts';
import { outcomeOf, sentRequest } from './plain-exchange.ts';
import { impossible } from './without-edge.ts';

export interface TargetExchangePorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: WalkLimits;
  /** Dials what pools name. */
  readonly client: UpstreamClient;
}

/** Exchanges with targets. Each try writes the stages of the record anew. */
export function createTargetExchange({ clock, observer, limits, client }: TargetExchangePorts): TargetExchange {
  return async (request, asked) => {
    const { trace } = request;
    const beforehand = impossible(request);
    trace.transform = beforehand?.transform;
    if (beforehand !== undefined) return failed(beforehand.error, 'answered');
    request.continue();
    trace.stamps['request-relayed'] = clock.now();
    trace.stamps['response-received'] = undefined; // it may be that of an earlier target
    observer.requestRelayed(trace);
    const answer = await client.send(sentRequest(request, asked, limits));
    if (answer.kind === 'failed') return failed(answer.error, answer.progress);
    trace.stamps['response-received'] = clock.now();
    trace.address = answer.address;
    trace.addressKnownBy = answer.address === undefined ? 'unknown' : 'socket';
    observer.responseReceived(trace);
    return { progress: 'answered', outcome: outcomeOf(request, answer) };
  };
}

function failed(error: ProxyError, progress: TargetAnswer['progress']): TargetAnswer {
  return { progress, outcome: { kind: 'failed', error, source: 'agent', mayRetry: false } };
}
