// What comes instead of an HTTP/1.1 request, told apart by its first octets, and what its sender is told.
import { ProxyError } from '../../../http/proxy-error.ts';

/** Which protocol a connection begins with. `http` is whatever the HTTP parser is to judge. */
export type Protocol = 'http' | 'socks5' | 'socks4' | 'tls';

/** No request of HTTP begins with one of these octets. RFC 1928 3, RFC 8446 5.1. */
export function protocolOf(firstOctet: number | undefined): Protocol {
  return protocols[firstOctet ?? -1] ?? 'http';
}

const protocols: Readonly<Record<number, Protocol>> = { 4: 'socks4', 5: 'socks5', 22: 'tls' };

/** An end in words of the sender's own protocol: `octets` are the last it gets. Without them it gets an HTTP response. */
export interface Refusal {
  readonly error: ProxyError;
  readonly octets?: Buffer;
}

/**
 * TLS gets an HTTP response in plain text, not an alert: "wrong version number" is how every TLS library says that
 * the other side has no TLS, and urllib3 adds that the proxy's URL must be `http:`.
 */
export function refusalOf(protocol: 'socks4' | 'tls'): Refusal {
  return protocol === 'tls' ? { error: tlsSpoken() } : { error: socks4Spoken(), octets: socks4Refusal };
}

export interface ClientError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

/** Why the HTTP parser gave up. */
export function parseFailure(cause: ClientError): Refusal {
  const { code, reason } = cause;
  if (code === 'HPE_HEADER_OVERFLOW') return refused(431, 'The head of the request is too large.', cause);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return lateHead(cause);
  if (code === 'HPE_PAUSED_H2_UPGRADE') return { ...refused(505, onlyVersion1, cause), octets: http2Refusal };
  // The parser has the same code for a version that is followed by anything but CRLF, such as a bare line feed.
  if (code === 'HPE_INVALID_VERSION' && reason !== 'Expected CRLF after version') {
    return refused(505, onlyVersion1, cause);
  }
  return refused(400, 'What came is not an HTTP/1.1 request.', cause, 'Set this address as an HTTP or SOCKS5 proxy.');
}

/** No head, or no octet at all, within `headTimeoutMs`. */
export function lateHead(cause?: unknown): Refusal {
  return refused(408, 'The head of the request did not come in time.', cause);
}

const onlyVersion1 = 'Only HTTP/1.0 and HTTP/1.1 are spoken here.';

/** Request rejected or failed, a reply of version 4. */
const socks4Refusal = Buffer.of(0, 91, 0, 0, 0, 0, 0, 0);

/** Empty SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED: clients report that number. RFC 9113 3.4, 6.8 and 7. */
const http2Refusal = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13);

function tlsSpoken(): ProxyError {
  return new ProxyError('http_request_error', 'The client speaks TLS to the proxy, and the proxy does not.', {
    advice: "Begin the proxy's URL with http://, for https:// destinations too.",
  });
}

function socks4Spoken(): ProxyError {
  return new ProxyError(
    'http_request_error',
    'The client speaks SOCKS in version 4, and the proxy only in version 5.',
    {
      advice: 'Set this address as a SOCKS5 or an HTTP proxy.',
    },
  );
}

function refused(status: number, message: string, cause: unknown, advice?: string): Refusal {
  const details = advice === undefined ? { status, cause } : { status, cause, advice };
  return { error: new ProxyError('http_request_error', message, details) };
}
