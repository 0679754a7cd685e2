// What crosses a reverse route, either way.
import { expect, test } from 'vitest';
import { clientFields, hasPassedReverse, targetFields } from '../../../worker/reverse/fields.ts';

const asking = {
  scheme: 'https',
  host: 'www.example',
  httpVersion: 'HTTP/2',
  client: '2001:db8::1',
  hasOwnToken: false,
  isWebSocket: false,
} as const;

test('D03, RFC 7239: a target is told of the client by the platform’s word, not by the client’s', () => {
  const fields = targetFields(
    [
      ['accept', '*/*'],
      ['forwarded', 'for=192.0.2.1'],
      ['x-forwarded-for', '192.0.2.1'],
      ['X-Forwarded-Proto', 'http'],
      ['cf-connecting-ip', '2001:db8::1'],
    ],
    asking,
  );
  expect(fields).toEqual([
    ['accept', '*/*'],
    ['Via', '2 edgehop-edge'],
    ['Forwarded', 'for="[2001:db8::1]";by=_edgehop-edge;host=www.example;proto=https'],
    ['CDN-Loop', 'edgehop-reverse'],
  ]);
});

test('a client that the platform does not name is unknown', () => {
  expect(targetFields([], { ...asking, client: undefined, httpVersion: undefined })).toEqual([
    ['Via', '1.1 edgehop-edge'],
    ['Forwarded', 'for=unknown;by=_edgehop-edge;host=www.example;proto=https'],
    ['CDN-Loop', 'edgehop-reverse'],
  ]);
});

test('D02: our token and our own fields go to no target; the credential of the target’s own user does', () => {
  const sent = [
    ['Authorization', 'Bearer x'],
    ['Edgehop-Envelope-0', 'e30'],
    ['Connection', 'close, X-Hop'],
    ['X-Hop', '1'],
    ['Host', 'www.example'],
    ['Content-Length', '3'],
  ] as const;
  const names = (hasOwnToken: boolean) => targetFields(sent, { ...asking, hasOwnToken }).map(([name]) => name);
  expect(names(true)).toEqual(['Via', 'Forwarded', 'CDN-Loop']);
  expect(names(false)).toEqual(['Authorization', 'Via', 'Forwarded', 'CDN-Loop']);
});

test('a request for a WebSocket stays one; its key is the platform’s', () => {
  const sent = [
    ['upgrade', 'websocket'],
    ['sec-websocket-key', 'x'],
    ['sec-websocket-protocol', 'chat'],
  ] as const;
  const fields = targetFields(sent, { ...asking, isWebSocket: true });
  expect(fields).toContainEqual(['Upgrade', 'websocket']);
  expect(fields).toContainEqual(['sec-websocket-protocol', 'chat']);
  expect(fields.map(([name]) => name)).not.toContain('sec-websocket-key');
});

test('a client is told which target answered, and nothing of its connection', () => {
  const fields = clientFields(
    [
      ['content-type', 'text/plain'],
      ['keep-alive', 'timeout=5'],
      ['edgehop-envelope-0', 'e30'],
    ],
    'app.example:8443',
  );
  expect(fields).toEqual([
    ['content-type', 'text/plain'],
    ['Proxy-Status', 'edgehop-edge;next-hop="app.example:8443"'],
  ]);
});

test.each([
  ['edgehop-reverse', true],
  ['cdn.example, EdgeHop-Reverse; x=1', true],
  ['edgehop', false],
])('RFC 8586 2: CDN-Loop: %s', (value, isLoop) => {
  expect(hasPassedReverse([['cdn-loop', value]])).toBe(isLoop);
});
