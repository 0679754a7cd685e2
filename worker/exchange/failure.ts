// Translates what the platform throws, where it enters, into RFC 9209 types as far as its words allow.
import { ProxyError } from '../../http/proxy-error.ts';

/** The error of an upstream that gave no response to fetch. `headDeadlineMs` is given when the deadline ended it. */
export function upstreamFailure(cause: unknown, headDeadlineMs: number | undefined): ProxyError {
  if (headDeadlineMs !== undefined) return headTimeout(headDeadlineMs, cause);
  const text = textOf(cause);
  if (/Content-Length/i.test(text)) {
    return new ProxyError('http_protocol_error', 'The origin sent an invalid Content-Length.', { cause });
  }
  if (/certificate/i.test(text)) return untrusted(cause);
  if (/DNS/i.test(text)) return new ProxyError('dns_error', "The origin's name cannot be resolved.", { cause });
  if (cause instanceof TypeError) {
    return new ProxyError('http_request_error', 'The edge cannot send a field of this request.', { cause });
  }
  return unavailable(cause);
}

/** The error of a connection that was not made, or on which TLS did not begin. */
export function connectFailure(cause: unknown): ProxyError {
  if (cause instanceof ProxyError) return cause;
  const text = textOf(cause);
  if (/TCP Loop/i.test(text)) {
    return new ProxyError('proxy_loop_detected', 'The destination is the edge itself.', { cause });
  }
  if (/prohibited/i.test(text)) {
    return new ProxyError('http_request_denied', 'The platform of the edge does not connect to this port.', { cause });
  }
  if (/certificate/i.test(text)) return untrusted(cause);
  if (cause instanceof TypeError) {
    const message = 'The edge cannot connect to a host that is written like this.';
    return new ProxyError('http_request_error', message, { status: 501, cause });
  }
  return unavailable(cause);
}

/** The error of a connection that broke off while a response was read from it. */
export function readFailure(cause: unknown, isHeadReceived: boolean): ProxyError {
  if (cause instanceof ProxyError) return cause;
  if (!isHeadReceived) return closedEarly(cause);
  return new ProxyError('http_response_incomplete', 'The content stopped before its end.', { cause });
}

export function headTimeout(headDeadlineMs: number, cause?: unknown): ProxyError {
  return new ProxyError('http_response_timeout', `The origin did not answer within ${headDeadlineMs} ms.`, { cause });
}

export function connectTimeout(connectTimeoutMs: number): ProxyError {
  const message = `The origin did not take a connection within ${connectTimeoutMs} ms.`;
  return new ProxyError('connection_timeout', message);
}

/** The platform's reference of an internal error: the log line with the same one says what really happened. */
export function referenceOf(cause: unknown): string | undefined {
  return cause instanceof Error ? /internal error; reference = ([a-z0-9]{1,64})/.exec(cause.message)?.[1] : undefined;
}

/** Refused, reset, unroutable, not to be resolved and not to be trusted are one and the same to the platform. */
function unavailable(cause: unknown): ProxyError {
  const message = 'The origin cannot be reached, or closed without an answer.';
  return new ProxyError('destination_unavailable', message, { status: 502, cause });
}

function untrusted(cause: unknown): ProxyError {
  return new ProxyError('tls_certificate_error', "The origin's certificate is not trusted.", { cause });
}

function closedEarly(cause: unknown): ProxyError {
  return new ProxyError('connection_terminated', 'The origin closed the connection without an answer.', { cause });
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
