// Sends a request to its origin from this machine.
import { hostFieldOf } from '../../../http/authority.ts';
import { isIdempotent } from '../../../http/methods.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Clock, Exchange, Observer, Outcome, PlannedRequest, UpstreamClient, WalkLimits } from '../ports.ts';
import { outcomeOf, sentRequest } from './plain-exchange.ts';
import { impossible } from './without-edge.ts';

export interface DirectPorts {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: WalkLimits;
  readonly direct: UpstreamClient;
}

/** Exchanges by the direct route. The client dials only addresses that were checked. */
export function createDirectExchange({ clock, observer, limits, direct }: DirectPorts): Exchange {
  return async (request) => {
    const { trace } = request;
    const beforehand = impossible(request);
    trace.transform = beforehand?.transform;
    if (beforehand !== undefined) return failed(beforehand.error);
    request.continue();
    trace.stamps['request-relayed'] = clock.now();
    observer.requestRelayed(trace);
    const host = hostFieldOf(request.scheme, request.host, request.port);
    const asked = { origin: `${request.scheme}://${host}`, path: request.path, host, fields: request.forwardFields };
    const answer = await direct.send(sentRequest(request, asked, limits));
    if (answer.kind === 'failed') {
      const isReplayable = request.content === undefined && isIdempotent(request.method);
      return {
        kind: 'failed',
        error: answer.error,
        source: 'agent',
        mayRetry: answer.progress === 'stale' && isReplayable,
      };
    }
    trace.stamps['response-received'] = clock.now();
    if (answer.address !== undefined) {
      trace.address = answer.address;
      trace.addressKnownBy = 'socket';
    }
    observer.responseReceived(trace);
    return outcomeOf(request, answer, ofParent(request, answer.status));
  };
}

function failed(error: ProxyError): Outcome {
  return { kind: 'failed', error, source: 'agent', mayRetry: false };
}

/** A parent proxy that is spoken to in absolute-form answers in the origin's place when it wants credentials. */
function ofParent({ scheme, parent }: PlannedRequest, status: number): ProxyError | undefined {
  if (status !== 407 || parent === undefined || scheme !== 'http') return undefined;
  const message = `The parent proxy ${parent} does not accept our credentials, or has been given none.`;
  const advice = 'Name user and password in its URL: in the environment, or under parents in edgehop.jsonc.';
  return new ProxyError('proxy_configuration_error', message, { status: 502, advice });
}
