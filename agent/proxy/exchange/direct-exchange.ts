// Sends a request to its origin from this machine.
import { hostFieldOf } from '../../../http/authority.ts';
import type { Fields } from '../../../http/fields.ts';
import { takesTrailers } from '../../../http/hop-by-hop.ts';
import { isIdempotent } from '../../../http/methods.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Clock, Exchange, Observer, Outcome, PlannedRequest, UpstreamClient, WalkLimits } from '../ports.ts';
import { discard } from './counted-content.ts';
import { judgeStatus } from './judge-response.ts';

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
    request.continue();
    trace.stamps['request-relayed'] = clock.now();
    observer.requestRelayed(trace);
    const host = hostFieldOf(request.scheme, request.host, request.port);
    const answer = await direct.send({
      origin: `${request.scheme}://${host}`,
      method: request.method,
      path: request.path,
      fields: [['Host', host], ...request.forwardFields, ...(takesTrailers(request.fields) ? takingTrailers : [])],
      framing: request.framing,
      content: request.content,
      trailers: request.trailers,
      headDeadlineMs: limits.headDeadlineMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      maxOctetsHeld: limits.maxHeadBytes,
      onInterim: request.interim,
      onLeave: request.onLeave,
    });
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
    const { status, reason, fields, octets, content } = answer;
    const wrong = ofParent(request, status) ?? judgeStatus(status);
    if (wrong !== undefined) {
      content.cancel();
      return { kind: 'failed', error: wrong, source: 'agent', mayRetry: false };
    }
    if (octets === 'none') discard(content);
    return {
      kind: 'response',
      response: {
        status,
        reason,
        fields,
        content: octets === 'none' ? { kind: 'none' } : { kind: 'some', octets, source: content },
      },
    } satisfies Outcome;
  };
}

/** RFC 9110 10.1.4: said by each hop for itself. */
const takingTrailers: Fields = [
  ['TE', 'trailers'],
  ['Connection', 'TE'],
];

/** A parent proxy that is spoken to in absolute-form answers in the origin's place when it wants credentials. */
function ofParent({ scheme, parent }: PlannedRequest, status: number): ProxyError | undefined {
  if (status !== 407 || parent === undefined || scheme !== 'http') return undefined;
  const message = `The parent proxy ${parent} does not accept our credentials, or has been given none.`;
  const advice = 'Name user and password in its URL: in the environment, or under parents in edgehop.jsonc.';
  return new ProxyError('proxy_configuration_error', message, { status: 502, advice });
}
