// Translates what the platform throws, where it enters, into RFC 9209 types as far as its words allow.
import { ProxyError } from '../../http/proxy-error.ts';

/** The error of an upstream that gave no response. `headDeadlineMs` is given when the deadline ended it. */
export function upstreamFailure(cause: unknown, headDeadlineMs: number | undefined): ProxyError {
  if (headDeadlineMs !== undefined) {
    return new ProxyError('http_response_timeout', `The origin did not answer within ${headDeadlineMs} ms.`, { cause });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/Content-Length/i.test(text)) {
    return new ProxyError('http_protocol_error', 'The origin sent an invalid Content-Length.', { cause });
  }
  if (/certificate/i.test(text)) {
    return new ProxyError('tls_certificate_error', "The origin's certificate is not trusted.", { cause });
  }
  if (/DNS/i.test(text)) return new ProxyError('dns_error', "The origin's name cannot be resolved.", { cause });
  if (cause instanceof TypeError) {
    return new ProxyError('http_request_error', 'The edge cannot send a field of this request.', { cause });
  }
  // Refused, reset and unroutable are one and the same to the platform.
  return new ProxyError('destination_unavailable', 'The origin cannot be reached, or closed without an answer.', {
    status: 502,
    cause,
  });
}

/** The platform's reference of an internal error: the log line with the same one says what really happened. */
export function referenceOf(cause: unknown): string | undefined {
  return cause instanceof Error ? /internal error; reference = ([a-z0-9]{1,64})/.exec(cause.message)?.[1] : undefined;
}
