// Which way a request goes: by the platform's fetch where that changes nothing, else by a connection of the edge's own.
import { METHODS } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SocketReason } from '../../../schemas/upstream.ts';
import { chooseAgain, chooseUpstream, type Sent } from '../../../worker/dial/choose-upstream.ts';
import {
  envelopeFor,
  envelopeOf,
  exchange,
  failureOf,
  responseOf,
  startEmbeddedEdge,
  type TestEdge,
} from '../../support/edge.ts';
import { message, startOrigin } from '../../support/origin.ts';

type Fields = Sent['fields'];
const octets = (text: string) => Buffer.from(text).toString('latin1');
const embedded = { fetchesAddresses: true };
const deployed = { fetchesAddresses: false };

const sent = (parts: Partial<Sent> = {}): Sent => ({
  method: 'GET',
  content: false,
  fields: [],
  upstream: 'fetch',
  host: 'o.example',
  path: '/',
  ...parts,
});

/** The fields that fetch is given, the reason of a socket, or the status of a refusal. */
function chosen(parts: Partial<Sent>, platform = embedded): unknown {
  const upstream = chooseUpstream(sent(parts), platform);
  if (upstream.kind === 'fetch') return upstream.fields;
  return upstream.kind === 'socket' ? upstream.because : upstream.error.status;
}

test.each<[string, Fields, Fields | SocketReason | number]>([
  ['none', [], []],
  [
    'duplicates, in their order',
    [
      ['X-A', '1'],
      ['x-a', '2'],
    ],
    [
      ['X-A', '1'],
      ['x-a', '2'],
    ],
  ],
  ['Host, which the URL says', [['Host', 'a.example']], []],
  ['Content-Length, which the content says', [['content-length', '5']], []],
  [
    'cookies of several lines, RFC 9113 8.2.3',
    [
      ['Cookie', 'a=1'],
      ['cookie', 'b=2'],
    ],
    [['Cookie', 'a=1; b=2']],
  ],
  ['a tab', [['X-A', 'a\tb']], [['X-A', 'a\tb']]],
  ['TE without trailers', [['TE', 'deflate;q=0.5']], [['TE', 'deflate;q=0.5']]],
  ['TE with trailers, RFC 9110 10.1.4', [['TE', 'deflate, Trailers']], 'trailers'],
  ['UTF-8', [['X-A', octets('café')]], 'octets'],
  ['Latin-1', [['X-A', 'caf\xe9']], 'octets'],
  ['half a character', [['Cookie', '\xc3']], 'octets'],
  ['an empty name', [['', 'a']], 400],
  ['white space in a name', [['X A', 'a']], 400],
  ['a colon in a name', [['X:A', 'a']], 400],
  ['a line break', [['X-A', 'a\r\nX-B: b']], 400],
  ['a line feed in a cookie', [['Cookie', 'a\nb']], 400],
  ['NUL', [['X-A', 'a\0b']], 400],
  ['a control octet', [['X-A', 'a\x01b']], 400],
  ['DEL', [['X-A', 'a\x7fb']], 400],
  ['what is no octet', [['X-A', 'a\u0161b']], 400],
  ['what would be a line break as octets', [['X-A', 'a\u010d\u010ab']], 400],
])('fields: %s', (_, fields, way) => {
  expect(chosen({ fields })).toEqual(way);
});

test.each<[string, Partial<Sent>, unknown, unknown]>([
  ['a name', {}, [], []],
  ['an IPv4 address, which a deployed fetch answers with error 1003', { host: '192.0.2.1' }, [], 'ip-literal'],
  ['an IPv6 address', { host: '[2001:db8::1]' }, [], 'ip-literal'],
  ['a name of digits and a label', { host: '192.0.2.1.nip.example' }, [], []],
  ['what is configured', { upstream: 'socket' }, 'configured', 'configured'],
  ['a GET with content', { content: true }, 'content', 'content'],
  ['a HEAD with content', { method: 'HEAD', content: true }, 'content', 'content'],
  ['a POST with content', { method: 'POST', content: true }, [], []],
  ['LINK', { method: 'LINK' }, 'method', 'method'],
  ['OPTIONS', { method: 'OPTIONS' }, [], []],
  ['OPTIONS of *, RFC 9112 3.2.4', { method: 'OPTIONS', path: '*' }, 'asterisk', 'asterisk'],
  ['get, which is not GET', { method: 'get' }, 'method', 'method'],
  ['no method', { method: '' }, 400, 400],
  ['a method that is more than one', { method: 'GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET', upstream: 'socket' }, 400, 400],
  ['CONNECT, which asks for no exchange', { method: 'CONNECT' }, 501, 501],
])('%s', (_, parts, ofEmbedded, ofDeployed) => {
  expect(chosen(parts, embedded)).toEqual(ofEmbedded);
  expect(chosen(parts, deployed)).toEqual(ofDeployed);
});

test('A19 D03: on a connection of its own nothing of an envelope frames the message or speaks of the connection', () => {
  const fields: Fields = [
    ['zEbRa', '1'],
    ['Host', 'evil.example'],
    ['Content-Length', '5'],
    ['Transfer-Encoding', 'chunked'],
    ['Connection', 'X-Mine, Host'],
    ['X-Mine', '1'],
    ['TE', 'trailers'],
    ['Upgrade', 'h2c'],
    ['Proxy-Authorization', 'Basic c2VjcmV0'],
    ['edgehop-envelope-0', 'x'],
    ['CF-Connecting-IP', '192.0.2.1'],
    ['Cookie', 'a=1'],
    ['Cookie', 'b=2'],
  ];
  expect(chooseUpstream(sent({ fields, upstream: 'socket' }), embedded)).toEqual({
    kind: 'socket',
    because: 'configured',
    fields: [
      ['zEbRa', '1'],
      ['Cookie', 'a=1'],
      ['Cookie', 'b=2'],
    ],
    trailers: true,
  });
});

test.each<[string, Partial<Sent>, boolean]>([
  ['a GET', {}, true],
  ['a PUT without content', { method: 'PUT' }, true],
  ['a PUT whose content has gone', { method: 'PUT', content: true }, false],
  ['a POST, RFC 9110 9.2.2', { method: 'POST' }, false],
  ['a method that nobody knows', { method: 'BREW' }, false],
])('what fetch has altered is asked for again or not: %s', (_, parts, isAsked) => {
  expect(chooseAgain(sent(parts))?.because).toBe(isAsked ? 'unfetchable' : undefined);
});

describe('on workerd', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEmbeddedEdge();
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  const ownMethods = 'BIND LINK M-SEARCH MKCALENDAR REBIND SOURCE UNBIND UNLINK get Post BREW'.split(' ');
  const carriedMethods = METHODS.filter((method) => !['CONNECT', ...ownMethods].includes(method));

  test.each(carriedMethods)('%s arrives as it is, by fetch', async (method) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    const response = responseOf(await exchange(edge.direct, envelopeFor(origin.url, { method })));
    expect([response.status, response.upstream]).toEqual([204, undefined]);
    expect(origin.requests[0]?.head).toMatch(`${method} / HTTP/1.1\r\n`);
  });

  test.each(ownMethods)('%s arrives as it is, by a connection of its own', async (method) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    const response = responseOf(await exchange(edge.direct, envelopeFor(origin.url, { method })));
    expect(response).toMatchObject({ status: 204, upstream: { kind: 'socket', because: 'method' } });
    expect(origin.requests[0]?.head).toMatch(`${method} / HTTP/1.1\r\n`);
  });

  test.each([
    ['CONNECT', 501],
    ['', 400],
    ['GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET', 400],
  ])('%j is refused with %i and not sent', async (method, status) => {
    await using origin = await startOrigin(() => undefined);
    const { error } = failureOf(await exchange(edge.direct, envelopeFor(origin.url, { method })));
    expect(error).toMatchObject({ type: 'http_request_error', status });
    expect(origin.connections).toBe(0);
  });

  const withContent = carriedMethods.filter((method) => method !== 'GET' && method !== 'HEAD');
  test.each(withContent)('%s carries content by fetch', async (method) => {
    await using origin = await startOrigin(async (request, socket) => {
      await request.content;
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    responseOf(await exchange(edge.direct, envelopeFor(origin.url, { method, content: true }), 'hello'));
    expect((await origin.requests[0]?.content)?.toString()).toBe('hello');
  });

  test.each(['GET', 'HEAD'])('A13: %s carries content by a connection of its own', async (method) => {
    await using origin = await startOrigin(async (request, socket) => {
      await request.content;
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    const reply = await exchange(edge.direct, envelopeFor(origin.url, { method, content: true }), 'hello');
    expect(responseOf(reply).upstream?.because).toBe('content');
    expect((await origin.requests[0]?.content)?.toString()).toBe('hello');
    expect(origin.requests[0]?.values('content-length')).toEqual(['5']);
  });

  // By fetch too UTF-8 would go there and back as it is; Latin-1 and halves of characters would not.
  test.each(['café', '日本語', '🦊', '\ufeffmark', '\u0080'].map(octets).concat('caf\xe9', '\xc3', '\xff\xfe'))(
    'B12: %j goes octet for octet both ways',
    async (text) => {
      const value = `a${text}b`;
      await using origin = await startOrigin((_, socket) => {
        socket.write(message(['HTTP/1.1 200 OK', `X-A: ${value}`, `Set-Cookie: c=${value}`, 'Content-Length: 0']));
      });
      for (const fields of [[], [['X-A', value]]] as const) {
        const envelope = envelopeOf(await exchange(edge.direct, envelopeFor(origin.url, { fields })));
        expect(envelope).toMatchObject({ kind: 'response', status: 200 });
        const relayed = 'fields' in envelope ? envelope.fields.map(([name, each]) => [name.toLowerCase(), each]) : [];
        expect(relayed).toEqual(
          expect.arrayContaining([
            ['x-a', value],
            ['set-cookie', `c=${value}`],
          ]),
        );
      }
      expect(origin.requests.at(-1)?.values('x-a')).toEqual([value]);
    },
  );
});
