// The head of a response is sound, or nothing of it is passed on.
import { describe, expect, test } from 'vitest';
import { judgeResponse } from '../../../../agent/proxy/exchange/judge-response.ts';
import type { Field } from '../../../../http/fields.ts';

const none = { kind: 'none' };

describe('sound', () => {
  test.each([
    ['RFC 9112 6.3 (8)', 'GET', 200, [], { kind: 'some', octets: undefined }],
    ['RFC 9112 6.3 (6)', 'GET', 200, [['Content-Length', '010']], { kind: 'some', octets: 10 }],
    ['RFC 9112 6.3 (4)', 'GET', 200, [['Transfer-Encoding', 'Chunked']], { kind: 'some', octets: undefined }],
    ['RFC 9112 6.3 (1)', 'HEAD', 200, [['Content-Length', '10']], none],
    ['RFC 9112 6.3 (1)', 'GET', 304, [['Content-Length', '10']], none],
    ['RFC 9112 6.3 (1)', 'GET', 204, [], none],
    ['B11: nobody follows', 'GET', 302, [['Location', '//evil.example']], { kind: 'some', octets: undefined }],
    ['B12: octets from 0x80 on', 'GET', 599, [['X', 'caf\xe9']], { kind: 'some', octets: undefined }],
  ] as const)('%s: %s is answered %i with %j', (_, method, status, fields, content) => {
    expect(judgeResponse(method, status, fields)).toEqual({ kind: 'sound', fields, content });
  });
});

describe('refused', () => {
  test.each([
    [
      'B01: both',
      200,
      [
        ['Content-Length', '1'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    [
      'B01: two lengths',
      200,
      [
        ['Content-Length', '1'],
        ['content-length', '1'],
      ],
    ],
    ['B01: a length that is none', 200, [['Content-Length', '-1']]],
    ['B01: a list of lengths', 200, [['Content-Length', '1, 1']]],
    ['B01: a coding that nobody takes off', 200, [['Transfer-Encoding', 'xchunked']]],
    [
      'B01: a coding twice',
      200,
      [
        ['Transfer-Encoding', 'chunked'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    [
      'B01: also where there is no content',
      304,
      [
        ['Content-Length', '1'],
        ['Transfer-Encoding', 'chunked'],
      ],
    ],
    ['B03: a switch that nobody asked for', 101, []],
    ['B03: an interim status', 103, []],
    ['a status that is none', 600, []],
    ['D10: 407 of an origin', 407, [['Proxy-Authenticate', 'Basic']]],
  ] as [string, number, Field[]][])('%s', (_, status, fields) => {
    expect(judgeResponse('GET', status, fields)).toMatchObject({
      kind: 'refused',
      error: { type: 'http_protocol_error', status: 502 },
    });
  });
});
