// What is told apart by its first octets, and what is said to each.
import { describe, expect, test } from 'vitest';
import { type ClientError, parseFailure, protocolOf, refusalOf } from '../../../../agent/proxy/accept/not-http.ts';

test.each([
  [0x05, 'socks5'],
  [0x04, 'socks4'],
  [0x16, 'tls'],
  ['G'.charCodeAt(0), 'http'],
  ['P'.charCodeAt(0), 'http'],
  ['\r'.charCodeAt(0), 'http'],
  [0x00, 'http'],
  [0x80, 'http'],
  [0xff, 'http'],
  [undefined, 'http'],
])('a connection that begins with %s is for %s', (octet, protocol) => {
  expect(protocolOf(octet)).toBe(protocol);
});

test('no request of HTTP, nor an empty line before it, begins with an octet of another protocol', () => {
  const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"; // RFC 9110 5.6.2
  for (const character of `${token}\r\n`) expect(protocolOf(character.charCodeAt(0))).toBe('http');
});

describe('A23', () => {
  test('TLS gets an HTTP response in plain text', () => {
    const { error, octets } = refusalOf('tls');
    expect([error.type, error.status, octets]).toEqual(['http_request_error', 400, undefined]);
    expect(error.advice).toContain('http://');
  });

  test('SOCKS4 gets a rejection of version 4', () => {
    const { error, octets } = refusalOf('socks4');
    expect([error.type, error.status]).toEqual(['http_request_error', 400]);
    expect([...(octets ?? [])]).toEqual([0, 91, 0, 0, 0, 0, 0, 0]);
  });
});

test.each([
  ['HPE_HEADER_OVERFLOW', undefined, 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', undefined, 408],
  ['HPE_INVALID_VERSION', 'Invalid HTTP version', 505],
  ['HPE_INVALID_VERSION', 'Expected CRLF after version', 400],
  ['HPE_INVALID_METHOD', undefined, 400],
  ['HPE_INVALID_CHUNK_SIZE', undefined, 400],
])('the parser’s %s (%s) is answered with %i', (code, reason, status) => {
  const cause: ClientError = Object.assign(new Error('Parse Error'), { code, ...(reason !== undefined && { reason }) });
  expect(parseFailure(cause)).toMatchObject({ error: { type: 'http_request_error', status, cause } });
  expect(parseFailure(cause).octets).toBeUndefined();
});

test('HTTP/2 gets its own goodbye: SETTINGS, and GOAWAY with HTTP_1_1_REQUIRED. RFC 9113 6.5, 6.8 and 7', () => {
  const cause: ClientError = Object.assign(new Error('Parse Error'), { code: 'HPE_PAUSED_H2_UPGRADE' });
  const { error, octets } = parseFailure(cause);
  expect(error.status).toBe(505);
  const [settings, goaway, lastStream, http11Required] = [
    '000000040000000000',
    '000008070000000000',
    '00000000',
    '0000000d',
  ];
  expect(octets?.toString('hex')).toBe(`${settings}${goaway}${lastStream}${http11Required}`);
});
