// What Node reports becomes the RFC 9209 type that says it.
import { expect, test } from 'vitest';
import { upstreamFailure } from '../../../agent/upstream/failure.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { ErrorType } from '../../../schemas/error.ts';

/** Code, the type before a head came, and the type after. */
const codes: readonly [code: string, beforeHead: ErrorType, afterHead: ErrorType][] = [
  ['ECONNREFUSED', 'connection_refused', 'connection_refused'],
  ['ETIMEDOUT', 'connection_timeout', 'connection_timeout'],
  ['ENETUNREACH', 'destination_ip_unroutable', 'destination_ip_unroutable'],
  ['EHOSTUNREACH', 'destination_ip_unroutable', 'destination_ip_unroutable'],
  ['EADDRNOTAVAIL', 'destination_ip_unroutable', 'destination_ip_unroutable'],
  ['ENOTFOUND', 'dns_error', 'dns_error'],
  ['EAI_AGAIN', 'dns_error', 'dns_error'],
  ['ECONNRESET', 'connection_terminated', 'http_response_incomplete'],
  ['EPIPE', 'connection_terminated', 'http_response_incomplete'],
  ['CERT_HAS_EXPIRED', 'tls_certificate_error', 'tls_certificate_error'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_certificate_error', 'tls_certificate_error'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_certificate_error', 'tls_certificate_error'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_certificate_error', 'tls_certificate_error'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_certificate_error', 'tls_certificate_error'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_protocol_error', 'tls_protocol_error'],
  ['EPROTO', 'tls_protocol_error', 'tls_protocol_error'],
  ['ERR_HTTP2_STREAM_ERROR', 'http_protocol_error', 'http_protocol_error'],
  ['EMFILE', 'connection_limit_reached', 'connection_limit_reached'],
  ['ESOMETHING', 'destination_unavailable', 'http_response_incomplete'],
];

test.each(codes)('%s is %s, and %s once a head has come', (code, beforeHead, afterHead) => {
  const cause = Object.assign(new Error('secret.example'), { code });
  for (const [isHeadReceived, type] of [
    [false, beforeHead],
    [true, afterHead],
  ] as const) {
    const error = upstreamFailure(cause, isHeadReceived);
    expect(error).toMatchObject({ type, cause });
    expect(error.message).not.toContain('secret');
  }
});

test.each([undefined, null, 'text', {}])('%j is a failure too', (cause) => {
  expect(upstreamFailure(cause, false)).toMatchObject({ type: 'destination_unavailable', status: 502 });
});

test('an error of ours is told as it is, also from within', () => {
  const ours = new ProxyError('destination_ip_prohibited', 'No.', { status: 403 });
  expect(upstreamFailure(ours, true)).toBe(ours);
  expect(upstreamFailure(new Error('look-up failed', { cause: ours }), false)).toBe(ours);
  expect(upstreamFailure(new AggregateError([ours, new Error('other')]), false)).toBe(ours);
});

test('of several attempts the first is told', () => {
  const attempts = ['ECONNREFUSED', 'ENETUNREACH'].map((code) => Object.assign(new Error(code), { code }));
  expect(upstreamFailure(new AggregateError(attempts), false).type).toBe('connection_refused');
});
