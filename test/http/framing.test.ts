// The framing of a message is certain, or the message is refused.
import { describe, expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import {
  hasNoContent,
  parseChunkSize,
  parseContentLength,
  requestFraming,
  responseFraming,
} from '../../http/framing.ts';

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
  ['CONNECT', 200, true],
  ['CONNECT', 299, true],
  ['CONNECT', 407, false],
])('RFC 9112 6.3 (1): a %s that is answered %i has no content: %s', (method, status, isBare) => {
  expect(hasNoContent(method, status)).toBe(isBare);
});

describe('of a response', () => {
  test.each([
    ['RFC 9112 6.3 (8)', 'GET', '1.1', 200, [], { kind: 'close' }],
    ['RFC 9112 6.3 (8)', 'GET', '1.0', 404, [['Connection', 'keep-alive']], { kind: 'close' }],
    ['RFC 9112 6.3 (6)', 'GET', '1.1', 200, [['Content-Length', '5']], { kind: 'length', octets: 5 }],
    ['RFC 9112 6.3 (6)', 'GET', '1.0', 200, [['content-length', '0']], { kind: 'length', octets: 0 }],
    ['RFC 9112 6.3 (4)', 'GET', '1.1', 200, [['transfer-encoding', 'CHUNKED']], { kind: 'chunked' }],
    ['RFC 9112 6.3 (1)', 'HEAD', '1.1', 200, [['Content-Length', '5']], { kind: 'none' }],
    ['RFC 9112 6.3 (1)', 'HEAD', '1.1', 200, [chunked], { kind: 'none' }],
    ['RFC 9112 6.3 (1)', 'GET', '1.1', 304, [['Content-Length', '5']], { kind: 'none' }],
    ['RFC 9112 6.3 (1)', 'GET', '1.1', 204, [chunked], { kind: 'none' }],
    ['RFC 9112 6.3 (1)', 'GET', '1.1', 103, [['Content-Length', '5']], { kind: 'none' }],
    ['RFC 9112 6.3 (2)', 'CONNECT', '1.1', 200, [chunked], { kind: 'none' }],
    ['RFC 9112 6.3 (2)', 'CONNECT', '1.1', 502, [['Content-Length', '5']], { kind: 'length', octets: 5 }],
  ] as const)('%s: to %s, HTTP/%s %i %j', (_, method, version, status, fields, framing) => {
    expect(responseFraming(method, version, status, fields)).toEqual(framing);
  });

  test.each([
    ['B01, RFC 9112 6.3 (3)', '1.1', [['Content-Length', '5'], chunked]],
    ['B01, RFC 9112 6.1', '1.0', [chunked]],
    ['B01, RFC 9112 6.1', '1.1', [chunked, chunked]],
    ['B01, RFC 9112 6.1', '1.1', [['Transfer-Encoding', 'chunked, chunked']]],
    ['B01, RFC 9112 7.4: we do not take it off', '1.1', [['Transfer-Encoding', 'gzip, chunked']]],
    ['B01, RFC 9112 6.3 (4.1)', '1.1', [['Transfer-Encoding', 'gzip']]],
    ['B01', '1.1', [['Transfer-Encoding', '']]],
    [
      'B01, RFC 9112 6.3 (5)',
      '1.1',
      [
        ['Content-Length', '5'],
        ['Content-Length', '5'],
      ],
    ],
    ['B01, RFC 9112 6.3 (5)', '1.1', [['Content-Length', '5, 5']]],
    ['B01, RFC 9110 8.6', '1.1', [['Content-Length', '-1']]],
  ] as const)('%s: ambiguous in HTTP/%s, also where there is no content: %j', (_, version, fields) => {
    for (const [method, status] of [
      ['GET', 200],
      ['HEAD', 200],
      ['GET', 304],
      ['GET', 103],
    ] as const) {
      expect(responseFraming(method, version, status, fields).kind).toBe('ambiguous');
    }
  });
});

test.each([
  ['0', 0],
  ['5', 5],
  ['fF', 255],
  ['0000000000000005', 5],
  ['1fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['5;', 5],
  ['5;a=b;c="d;\te"', 5],
  ['5;\xe9', 5],
])('RFC 9112 7.1: %j is a chunk of %i octets', (line, octets) => {
  expect(parseChunkSize(line)).toBe(octets);
});

test.each([
  ...['', ';a', 'g', '5g', '+5', '-5', '0x5', '5_0', '5.0', ' 5', '5 ', '5 ;a', '5\t', '5\r', '5\n5', '5;a\n', '٥'],
  ...['20000000000000', '7fffffffffffffff', 'F'.repeat(16), '00000000000000005'],
])('A07, RFC 9112 7.1: %j is no size of a chunk', (line) => {
  expect(parseChunkSize(line)).toBeUndefined();
});
