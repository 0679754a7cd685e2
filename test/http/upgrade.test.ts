// Which protocols a client may ask an origin for through this hop, and whether the origin's 101 answers that.
import { expect, test } from 'vitest';
import type { Fields } from '../../http/fields.ts';
import { changesAsAsked, upgradeProtocols } from '../../http/upgrade.ts';

const connection = ['Connection', 'Upgrade'] as const;

test.each<[string, Fields, readonly string[]]>([
  ['WebSocket', [connection, ['Upgrade', 'websocket']], ['websocket']],
  [
    'names in any case, among other options',
    [
      ['connection', 'keep-alive, UPGRADE'],
      ['upgrade', 'WebSocket'],
    ],
    ['WebSocket'],
  ],
  [
    'several protocols, with versions, over several lines',
    [connection, ['Upgrade', 'a/1, b'], ['Upgrade', 'c']],
    ['a/1', 'b', 'c'],
  ],
  [
    'any protocol that is not HTTP',
    [connection, ['Upgrade', 'TLS/1.3, IRC/6.9, h2o, httpx']],
    ['TLS/1.3', 'IRC/6.9', 'h2o', 'httpx'],
  ],
  ['a length of zero', [connection, ['Upgrade', 'websocket'], ['Content-Length', '0']], ['websocket']],
  [
    'A22: h2c',
    [
      ['Connection', 'Upgrade, HTTP2-Settings'],
      ['Upgrade', 'h2c'],
      ['HTTP2-Settings', 'AAMAAABk'],
    ],
    [],
  ],
  ['A22: h2c among others', [connection, ['Upgrade', 'h2c, websocket, H2C']], ['websocket']],
  ['A22: HTTP by any other name', [connection, ['Upgrade', 'HTTP/2.0, h2, h3, h2c-14, http']], []],
  ['an Upgrade that is for another hop', [['Upgrade', 'websocket']], []],
  ['an option without a protocol', [connection], []],
  ['what is no protocol', [connection, ['Upgrade', 'web socket, a/b/c, é, /1, "x"']], []],
  ['content of some length', [connection, ['Upgrade', 'websocket'], ['Content-Length', '5']], []],
  ['content in chunks', [connection, ['Upgrade', 'websocket'], ['Transfer-Encoding', 'chunked']], []],
  ['an ambiguous length', [connection, ['Upgrade', 'websocket'], ['Content-Length', '0'], ['Content-Length', '0']], []],
])('RFC 9110 7.8: %s', (_, fields, protocols) => {
  expect(upgradeProtocols('1.1', fields)).toEqual(protocols);
});

test('RFC 9110 7.8: an Upgrade of HTTP/1.0 is ignored', () => {
  expect(upgradeProtocols('1.0', [connection, ['Upgrade', 'websocket']])).toEqual([]);
});

test.each<[Fields, boolean]>([
  [[['Upgrade', 'websocket']], true],
  [[['upgrade', 'WebSocket']], true],
  [[['Upgrade', 'websocket, irc']], true],
  [
    [
      ['Upgrade', 'irc'],
      ['Upgrade', 'websocket'],
    ],
    true,
  ],
  [[['Upgrade', 'websocket, h2c']], false],
  [[['Upgrade', 'h2c']], false],
  [[['Upgrade', '']], false],
  [[], false],
])('RFC 9110 15.2.2: a 101 with %j is an answer to websocket and irc: %s', (fields, expected) => {
  expect(changesAsAsked(['websocket', 'IRC'], fields)).toBe(expected);
});
