// What ends at this hop: hop-by-hop fields, what Connection nominates, claims about a client, and names of ours.
import { describe, expect, test } from 'vitest';
import type { Field } from '../../http/fields.ts';
import {
  endToEndRequestFields,
  endToEndResponseFields,
  endToEndTrailers,
  takesTrailers,
} from '../../http/hop-by-hop.ts';

const directions = [
  ['request', endToEndRequestFields],
  ['response', endToEndResponseFields],
] as const;

test.each([
  ['RFC 9110 7.6.1', 'Connection'],
  ['RFC 9110 7.6.1', 'Keep-Alive'],
  ['RFC 9110 7.6.1', 'Proxy-Connection'],
  ['RFC 9110 7.6.1', 'TE'],
  ['RFC 9110 6.6.2', 'Trailer'],
  ['RFC 9110 7.6.1', 'Transfer-Encoding'],
  ['RFC 9110 7.8', 'Upgrade'],
  ['RFC 7540 3.2.1', 'HTTP2-Settings'],
  ['RFC 9110 11.7.1', 'Proxy-Authenticate'],
  ['RFC 9110 11.7.2', 'PROXY-AUTHORIZATION'],
  ['RFC 9110 11.7.3', 'Proxy-Authentication-Info'],
])('%s: %s goes no further, in a request or a response', (_, name) => {
  for (const [, endToEnd] of directions) expect(names(endToEnd([[name, 'x'], ...kept]))).toEqual(names(kept));
});

test.each(directions)('every field that the Connection fields of a %s nominate goes no further', (_, endToEnd) => {
  const fields: Field[] = [
    ['X-One', '1'],
    ['Connection', 'close, x-one,, X-TWO'],
    ['x-two', '2'],
    ['CONNECTION', '"x, y", X-Three'],
    ['x-three', '3'],
    ['x-one', 'again'],
  ];
  expect(endToEnd([...fields, ...kept])).toEqual(kept);
});

test.each(directions)('A19: the Connection field of a %s cannot take away what the message means', (_, endToEnd) => {
  const meaning: Field[] = [
    ['Host', 'o.example'],
    ['Content-Length', '5'],
    ['Content-Type', 'text/html'],
    ['Content-Encoding', 'gzip'],
    ['Content-Range', 'bytes 0-4/9'],
    ['Date', 'now'],
  ];
  const nominating: Field[] = [
    ['Connection', meaning.map(([name]) => name).join()],
    ['Connection', 'Connection, Transfer-Encoding, close'],
  ];
  expect(endToEnd([...nominating, ...meaning])).toEqual(meaning);
});

test('no Connection field makes a loop invisible to those who come after (RFC 9110 7.6.3, RFC 8586 2)', () => {
  const passed: Field[] = [
    ['Via', '1.1 other'],
    ['CDN-Loop', 'cdn.example'],
  ];
  expect(endToEndRequestFields([['Connection', 'Via, CDN-Loop'], ...passed])).toEqual(passed);
});

test('D03: what a client claims about a client is dropped', () => {
  const claims = ['CF-Connecting-IP', 'CF-Worker', 'CF-Ray', 'True-Client-IP', 'x-real-ip'];
  expect(endToEndRequestFields([...claims.map((name): Field => [name, '10.0.0.1']), ...kept])).toEqual(kept);
});

test('D05: the Proxy field of a request is dropped (httpoxy)', () => {
  expect(endToEndRequestFields([['Proxy', 'http://evil.example/'], ...kept])).toEqual(kept);
});

test('RFC 9110 10.1.1: an expectation was met here, so it does not go on', () => {
  expect(endToEndRequestFields([['Expect', '100-continue'], ...kept])).toEqual(kept);
});

test.each(directions)('names of ours in a %s are dropped, whoever sent them', (_, endToEnd) => {
  expect(endToEnd([['edgehop-envelope-0', 'x'], ['EdgeHop-Anything', 'y'], ...kept])).toEqual(kept);
});

test('RFC 9213 2: what an origin says to this cache alone is kept in a response, and in nothing else', () => {
  const targeted: Field[] = [['Edgehop-Cache-Control', 'max-age=5'], ...kept];
  expect(endToEndResponseFields(targeted)).toEqual(targeted);
  expect(endToEndRequestFields(targeted)).toEqual(kept);
  expect(endToEndTrailers(targeted)).toEqual(endToEndTrailers(kept));
});

test('a response keeps what is a claim only in a request', () => {
  const fields: Field[] = [
    ['CF-Ray', '1-FRA'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
  ];
  expect(endToEndResponseFields(fields)).toEqual(fields);
});

describe('trailers', () => {
  test.each([
    ['RFC 9110 6.5.1: framing', 'Content-Length'],
    ['RFC 9110 6.5.1: framing', 'Transfer-Encoding'],
    ['RFC 9110 6.5.1: framing', 'Trailer'],
    ['RFC 9110 6.5.1: routing', 'Host'],
    ['RFC 9110 6.5.1: request modifiers', 'Cache-Control'],
    ['RFC 9110 6.5.1: request modifiers', 'Max-Forwards'],
    ['RFC 9110 6.5.1: request modifiers', 'TE'],
    ['RFC 9110 6.5.1: authentication', 'Authorization'],
    ['RFC 9110 6.5.1: authentication', 'WWW-Authenticate'],
    ['RFC 9110 6.5.1: authentication', 'Proxy-Authorization'],
    ['RFC 9110 6.5.1: authentication', 'SET-COOKIE'],
    ['RFC 9110 6.5.1: response control', 'Location'],
    ['RFC 9110 6.5.1: response control', 'Vary'],
    ['RFC 9110 6.5.1: response control', 'Date'],
    ['RFC 9110 6.5.1: response control', 'Expires'],
    ['RFC 9110 6.5.1: response control', 'Age'],
    ['RFC 9110 6.5.1: what the content is', 'Content-Encoding'],
    ['RFC 9110 6.5.1: what the content is', 'Content-Type'],
    ['RFC 9110 6.5.1: what the content is', 'Content-Range'],
    ['RFC 9110 7.6.1', 'Connection'],
    ['RFC 9110 7.6.1', 'Keep-Alive'],
    ['RFC 9110 7.8', 'Upgrade'],
    ['D03', 'CF-Connecting-IP'],
    ['a name of ours', 'edgehop-envelope-0'],
  ])('%s: %s goes no further behind the content', (_, name) => {
    expect(endToEndTrailers([[name, 'x'], ...behind])).toEqual(behind);
  });

  test('others do, in their order and with duplicates', () => {
    expect(endToEndTrailers([...behind, ['server-timing', 'b']])).toEqual([...behind, ['server-timing', 'b']]);
    expect(endToEndTrailers([])).toEqual([]);
  });

  test('but those that a Connection field among them nominates', () => {
    expect(endToEndTrailers([['Connection', 'X-One'], ['x-one', '1'], ...behind])).toEqual(behind);
  });

  const behind: Field[] = [
    ['Server-Timing', 'a'],
    ['Digest', 'sha-256=x'],
    ['X-Checksum', '1'],
  ];
});

const kept: Field[] = [
  ['Accept', '*/*'],
  ['cookie', 'a=1'],
  ['Authorization', 'Bearer x'],
  ['X-Edgehop', 'not ours'],
];

function names(fields: readonly Field[]): string[] {
  return fields.map(([name]) => name);
}

test.each<[Field[], boolean]>([
  [[], false],
  [[['TE', 'trailers']], true],
  [[['te', 'gzip;q=0.5, TRAILERS ;q=1']], true],
  [
    [
      ['TE', 'gzip'],
      ['TE', 'trailers'],
    ],
    true,
  ],
  [[['TE', 'gzip']], false],
  [[['TE', 'x-trailers']], false],
  [[['Trailer', 'trailers']], false],
])('RFC 9110 10.1.4: that a client with %j takes trailers is %s', (fields, takes) => {
  expect(takesTrailers(fields)).toBe(takes);
});
