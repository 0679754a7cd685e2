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
  if (type === 'tls_certificate_error')
    return upstreamError(type, cause, undefined, inWords(deepest as NodeJS.ErrnoException));
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

const certificateCode =
  /^(?:(?:CERT|ERR_TLS_CERT|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|CRL|CA|EE_KEY|AKID|PERMITTED|EXCLUDED|UNSUPPORTED)_|HOSTNAME_MISMATCH|INVALID_)/;

/** Codes that come in families: OpenSSL's, those of certificate verification, those of HTTP/2. */
function byPattern(code: string): UpstreamErrorType | undefined {
  if (code === unspecified || certificateFaults.has(code) || certificateCode.test(code)) {
    return 'tls_certificate_error';
  }
  if (/^(ERR_SSL_|ERR_TLS_)/.test(code)) return 'tls_protocol_error';
  if (code.startsWith('ERR_HTTP2_')) return 'http_protocol_error';
  return undefined;
}

/** What OpenSSL has against a certificate. */
function inWords({ code = '', message }: NodeJS.ErrnoException): string | undefined {
  if (code === unspecified) return message;
  return certificateFaults.get(code) ?? (code === '' ? undefined : code.toLowerCase().replaceAll('_', ' '));
}

/** What Node calls each fault of a certificate that it has no code for. */
const unspecified = 'UNSPECIFIED';

const certificateFaults: ReadonlyMap<string, string> = new Map([
  ['CERT_HAS_EXPIRED', 'it has expired'],
  ['CERT_NOT_YET_VALID', 'it is not valid yet; is the clock of this machine right?'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'it is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its issuer is nobody who is trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its issuer is not known, or an intermediate certificate is missing'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its issuer is not known, or an intermediate certificate is missing'],
  ['INVALID_PURPOSE', 'it is not for servers'],
  ['INVALID_CA', 'its issuer may issue none'],
  ['PATH_LENGTH_EXCEEDED', 'its issuer may issue none that far down'],
]);

/** The first of several attempts' errors, or what a wrapper was caused by. */
function innermost(cause: unknown): unknown {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors[0];
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof ProxyError ? inner : cause;
}
