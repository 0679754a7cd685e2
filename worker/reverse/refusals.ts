// What clients of a reverse route are answered where no target does: they are the public, so it says little.
import type { ProxyError } from '../../http/proxy-error.ts';
import type { ErrorType } from '../../schemas/error.ts';
import { problem } from '../finish/problem.ts';
import { failureStatus } from './fields.ts';

/** Why a request goes to no target at all, if it does not. */
export function notCarried(method: string, hasContent: boolean, hasPassed: boolean): Response | undefined {
  if (hasPassed) return refused(502, 'The request has come back to a route that it went by.', 'proxy_loop_detected');
  // It would repeat what the platform adds on the way.
  if (method === 'TRACE') return refused(405, 'TRACE is not answered here.', 'http_request_denied');
  if (hasContent && (method === 'GET' || method === 'HEAD')) {
    return refused(501, 'GET and HEAD with content are not carried here.', 'http_request_error');
  }
  return undefined;
}

export function isOwnTarget(): Response {
  return refused(502, 'The target of this route is the route itself.', 'proxy_loop_detected');
}

/** Every target has failed lately; `waitMs` until one of them is asked again. */
export function nothingUp(waitMs: number): Response {
  const retryAfter = String(Math.max(1, Math.ceil(waitMs / 1000)));
  return refused(503, 'Every server behind this address has failed lately.', 'destination_unavailable', {
    'retry-after': retryAfter,
  });
}

export function targetFailed({ type, status }: ProxyError, target: string): Response {
  return problem(Math.max(status, 500), 'The server behind this address has not answered.', {
    fields: { 'proxy-status': failureStatus(type, target) },
  });
}

function refused(status: number, detail: string, type: ErrorType, fields: Record<string, string> = {}): Response {
  return problem(status, detail, { fields: { ...fields, 'proxy-status': failureStatus(type) } });
}
