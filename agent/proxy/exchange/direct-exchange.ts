// Sends a request to its origin from this machine.
import { flatFromFields } from '../../../http/fields.ts';
import type { Clock, Exchange, Observer, Outcome, PlannedRequest, UpstreamClient, WalkLimits } from '../ports.ts';
import { counted, discard } from './counted-content.ts';
import { isIdempotent, judgeResponse } from './judge-response.ts';

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
    const answer = await direct.send({
      origin: `${request.scheme}://${hostWithPort(request)}`,
      method: request.method,
      path: request.path,
      flatFields: ['Host', hostWithPort(request), ...flatFromFields(request.forwardFields), ...lengthField(request)],
      content: request.content,
      headDeadlineMs: limits.headDeadlineMs,
      idleTimeoutMs: limits.idleTimeoutMs,
      maxOctetsHeld: limits.maxHeadBytes,
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
    const judged = judgeResponse(request.method, answer.status, answer.fields());
    if (judged.kind === 'refused') {
      answer.content.cancel();
      return { kind: 'failed', error: judged.error, source: 'agent', mayRetry: false };
    }
    const { status, reason } = answer;
    const head = { status, reason, fields: judged.fields };
    if (judged.content.kind === 'none') {
      discard(answer.content);
      return { kind: 'response', response: { ...head, content: { kind: 'none' } } };
    }
    const { octets } = judged.content;
    return {
      kind: 'response',
      response: { ...head, content: { kind: 'some', octets, source: counted(answer.content, octets) } },
    } satisfies Outcome;
  };
}

/** The authority as the Host field has it: the port only when it is not the scheme's own. RFC 9110 7.2. */
function hostWithPort({ scheme, host, port }: PlannedRequest): string {
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
}

/** Content-Length in canonical digits. RFC 9110 8.6. Chunked content gets its framing from the client. */
function lengthField({ framing }: PlannedRequest): string[] {
  return framing.kind === 'length' ? ['Content-Length', String(framing.octets)] : [];
}
