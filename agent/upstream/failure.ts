// Translates what Node reports, where it enters, into RFC 9209 types.
import { ProxyError } from '../../http/proxy-error.ts';
import { type UpstreamErrorType, upstreamError } from './upstream-error.ts';

/** The error of an upstream connection or response. `isHeadReceived` tells whether a head had come before it failed. */
export function upstreamFailure(cause: unknown, isHeadReceived: boolean): ProxyError {
  if (cause instanceof ProxyError) return cause;
  const deepest = innermost(cause);
  if (deepest instanceof ProxyError) return deepest;
  const { code = '' } = (deepest ?? {}) as NodeJS.ErrnoException;
  const type = failures.get(code) ?? byPattern(code);
  if (type !== undefined && (!isHeadReceived || type !== 'connection_terminated')) {
    return upstreamError(type, cause, type === 'http_request_error' ? 400 : undefined);
  }
  return isHeadReceived
    ? upstreamError('http_response_incomplete', cause)
    : upstreamError('destination_unavailable', cause, 502);
}

const failures: ReadonlyMap<string, UpstreamErrorType> = new Map<string, UpstreamErrorType>([
  ['ECONNREFUSED', 'connection_refused'],
  ['ETIMEDOUT', 'connection_timeout'],
  ['ENETUNREACH', 'destination_ip_unroutable'],
  ['EHOSTUNREACH', 'destination_ip_unroutable'],
  ['EADDRNOTAVAIL', 'destination_ip_unroutable'],
  ['ENOTFOUND', 'dns_error'],
  ['EAI_AGAIN', 'dns_error'],
  ['ECONNRESET', 'connection_terminated'],
  ['EPIPE', 'connection_terminated'],
  ['EPROTO', 'tls_protocol_error'],
  ['EMFILE', 'connection_limit_reached'],
]);

/** Codes that come in families: OpenSSL's, those of certificate verification, those of HTTP/2. */
function byPattern(code: string): UpstreamErrorType | undefined {
  if (/^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|CRL_)/.test(code)) {
    return 'tls_certificate_error';
  }
  if (/^(ERR_SSL_|ERR_TLS_)/.test(code)) return 'tls_protocol_error';
  if (code.startsWith('ERR_HTTP2_')) return 'http_protocol_error';
  return undefined;
}

/** The first of several attempts' errors, or what a wrapper was caused by. */
function innermost(cause: unknown): unknown {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors[0];
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof ProxyError ? inner : cause;
}
