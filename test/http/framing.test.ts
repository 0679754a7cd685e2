// The framing of a request is certain, or the request is refused.
import { describe, expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import { hasNoContent, parseContentLength, requestFraming } from '../../http/framing.ts';

const chunked: Field = ['Transfer-Encoding', 'chunked'];

describe('certain', () => {
  test.each([
    ['RFC 9112 6.3 (7)', '1.1', [], { kind: 'none' }],
    ['RFC 9112 6.3 (7)', '1.0', [], { kind: 'none' }],
    ['RFC 9112 6.3 (6)', '1.1', [['Content-Length', '5']], { kind: 'length', octets: 5 }],
    ['RFC 9112 6.3 (6)', '1.1', [['content-length', '0']], { kind: 'length', octets: 0 }],
    ['A05, RFC 9110 8.6', '1.1', [['Content-Length', '010']], { kind: 'length', octets: 10 }],
    ['RFC 9112 6.3 (4)', '1.1', [chunked], { kind: 'chunked' }],
    ['A02, RFC 9112 7', '1.1', [['transfer-encoding', 'ChunKed']], { kind: 'chunked' }],
  ] as const)('%s: HTTP/%s %j', (_, version, fields, framing) => {
    expect(requestFraming(version, fields)).toEqual(framing);
  });
});

describe('ambiguous', () => {
  test.each([
    ['A01, RFC 9112 6.3 (3)', [['Content-Length', '5'], chunked]],
    ['A01, RFC 9112 6.3 (3)', [chunked, ['Content-Length', '0']]],
    ['A03, RFC 9112 6.1: applied twice', [chunked, chunked]],
    ['A03, RFC 9112 6.1: applied twice', [['Transfer-Encoding', 'chunked, chunked']]],
    ['A03, RFC 9112 6.1: not known here', [['Transfer-Encoding', 'identity, chunked']]],
    ['A03, RFC 9112 6.1: not known here', [['Transfer-Encoding', 'gzip']]],
    ['A03', [['Transfer-Encoding', ',chunked']]],
    ['A03', [['Transfer-Encoding', '\x0bchunked']]],
    ['A03', [['Transfer-Encoding', 'chunked\xa0']]],
    ['A03', [['Transfer-Encoding', 'xchunked']]],
    ['A03', [['Transfer-Encoding', '']]],
    ['A04, RFC 9112 6.3 (5)', [['Content-Length', '5, 5']]],
    [
      'A04, RFC 9112 6.3 (5)',
      [
        ['Content-Length', '5'],
        ['content-length', '5'],
      ],
    ],
  ] as const)('%s: %j', (_, fields) => {
    expect(requestFraming('1.1', fields).kind).toBe('ambiguous');
  });

  test('A06, RFC 9112 6.1: HTTP/1.0 has no chunks', () => {
    expect(requestFraming('1.0', [chunked]).kind).toBe('ambiguous');
  });

  test.each(['+5', '-5', '0x5', '5_0', '5e0', '5.0', '', '5 5', ' 5', '٥', '9007199254740992', '9'.repeat(21)])(
    'A04, RFC 9110 8.6: %j is no Content-Length',
    (value) => {
      expect(parseContentLength(value)).toBeUndefined();
      expect(requestFraming('1.1', [['Content-Length', value]]).kind).toBe('ambiguous');
    },
  );
});

test.each([
  ['HEAD', 200, true],
  ['GET', 199, true],
  ['GET', 204, true],
  ['POST', 304, true],
  ['GET', 200, false],
  ['GET', 205, false],
  ['GET', 404, false],
])('RFC 9112 6.3 (1): a %s that is answered %i has no content: %s', (method, status, isBare) => {
  expect(hasNoContent(method, status)).toBe(isBare);
});
