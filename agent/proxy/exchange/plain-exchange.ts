// What exchanges with origins and with targets have in common: the request as it is sent, and what its response comes to.
import type { Fields } from '../../../http/fields.ts';
import { takesTrailers } from '../../../http/hop-by-hop.ts';
import type { ProxyError } from '../../../http/proxy-error.ts';
import type { Outcome, PlannedRequest, TargetRequest, UpstreamAnswer, UpstreamRequest, WalkLimits } from '../ports.ts';
import { discard } from './counted-content.ts';
import { judgeStatus } from './judge-response.ts';
import { untransformed } from './without-edge.ts';

/** The request as it goes to whoever is asked, by the name and path that it has there. */
export function sentRequest(
  request: PlannedRequest,
  { origin, path, host, fields }: TargetRequest,
  limits: WalkLimits,
): UpstreamRequest {
  return {
    origin,
    method: request.method,
    path,
    fields: [['Host', host], ...fields, ...(takesTrailers(request.fields) ? takingTrailers : [])],
    framing: request.framing,
    content: request.content,
    trailers: request.trailers,
    headDeadlineMs: limits.headDeadlineMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxOctetsHeld: limits.maxHeadBytes,
    onInterim: request.interim,
    onLeave: request.onLeave,
  };
}

/** What a response comes to; `wrong`: what else is wrong with it. Writes the record's transform. */
export function outcomeOf(
  request: PlannedRequest,
  { status, reason, fields, octets, content }: Extract<UpstreamAnswer, { kind: 'response' }>,
  wrong?: ProxyError,
): Outcome {
  const refused = wrong ?? judgeStatus(status);
  const skipped = refused === undefined ? untransformed(request, { status, fields }) : undefined;
  request.trace.transform = skipped?.transform;
  const error = refused ?? (skipped?.kind === 'failed' ? skipped.error : undefined);
  if (error !== undefined) {
    content.cancel();
    return { kind: 'failed', error, source: 'agent', mayRetry: false };
  }
  if (octets === 'none') discard(content);
  return {
    kind: 'response',
    response: {
      status,
      reason,
      fields,
      ...(skipped !== undefined && { transform: skipped.transform }),
      content: octets === 'none' ? { kind: 'none' } : { kind: 'some', octets, source: content },
    },
  };
}

/** RFC 9110 10.1.4: said by each hop for itself. */
const takingTrailers: Fields = [
  ['TE', 'trailers'],
  ['Connection', 'TE'],
];
