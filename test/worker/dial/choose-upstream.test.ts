// What the platform's fetch may carry, and that what it would alter is refused.
import { METHODS } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chooseUpstream } from '../../../worker/dial/choose-upstream.ts';
import { envelopeFor, exchange, failureOf, responseOf, startEmbeddedEdge, type TestEdge } from '../../support/edge.ts';
import { message, startOrigin } from '../../support/origin.ts';

type Fields = (readonly [string, string])[];
const octets = (text: string) => Buffer.from(text).toString('latin1');

function fieldsGiven(fields: Fields): unknown {
  const upstream = chooseUpstream({ method: 'GET', content: false, fields });
  return upstream.kind === 'fetch' ? upstream.fields : upstream.error.status;
}

test.each<[string, Fields, unknown]>([
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
  ['UTF-8, as text', [['X-A', octets('café')]], [['X-A', 'café']]],
  ['a byte order mark, kept', [['X-A', octets('\ufeffa')]], [['X-A', '\ufeffa']]],
  ['a tab', [['X-A', 'a\tb']], [['X-A', 'a\tb']]],
  ['Latin-1', [['X-A', 'caf\xe9']], 501],
  ['an overlong form', [['X-A', '\xc0\xaf']], 501],
  ['half a character', [['Cookie', '\xc3']], 501],
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
])('fields: %s', (_, fields, given) => {
  expect(fieldsGiven(fields)).toEqual(given);
});

test.each(['GET', 'HEAD'])('%s with content is refused', (method) => {
  expect(chooseUpstream({ method, content: true, fields: [] })).toMatchObject({
    kind: 'refused',
    error: { type: 'http_request_error', status: 501 },
  });
});

describe('on workerd', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEmbeddedEdge();
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  const refusedMethods = 'BIND CONNECT LINK M-SEARCH MKCALENDAR REBIND SOURCE UNBIND UNLINK'.split(' ');
  const carriedMethods = METHODS.filter((method) => !refusedMethods.includes(method));

  test.each(carriedMethods)('%s arrives as it is', async (method) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    expect(responseOf(await exchange(edge.direct, envelopeFor(origin.url, { method }))).status).toBe(204);
    expect(origin.requests[0]?.head).toMatch(`${method} / HTTP/1.1\r\n`);
  });

  test.each([...refusedMethods, 'get', 'Post', 'BREW', '', 'GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET'])(
    '%j is refused with 501 and not sent',
    async (method) => {
      await using origin = await startOrigin(() => undefined);
      const { error } = failureOf(await exchange(edge.direct, envelopeFor(origin.url, { method })));
      expect(error).toMatchObject({ type: 'http_request_error', status: 501 });
      expect(error.advice).toContain('--edge none');
      expect(origin.connections).toBe(0);
    },
  );

  const carriedWithContent = carriedMethods.filter((method) => method !== 'GET' && method !== 'HEAD');
  test.each(carriedWithContent)('%s carries content', async (method) => {
    await using origin = await startOrigin(async (request, socket) => {
      await request.content;
      socket.write(message(['HTTP/1.1 204 No Content']));
    });
    responseOf(await exchange(edge.direct, envelopeFor(origin.url, { method, content: true }), 'hello'));
    expect((await origin.requests[0]?.content)?.toString()).toBe('hello');
  });

  test.each(['GET', 'HEAD'])('%s with content is not sent', async (method) => {
    await using origin = await startOrigin(() => undefined);
    const reply = await exchange(edge.direct, envelopeFor(origin.url, { method, content: true }), 'hello');
    expect(failureOf(reply).error.status).toBe(501);
    expect(origin.connections).toBe(0);
  });

  test.each(['café', '日本語', '🦊', '\ufeffmark', '\u0080'])('%j goes octet for octet both ways', async (text) => {
    const value = octets(`a${text}b`);
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', `X-A: ${value}`, `Set-Cookie: c=${value}`, 'Content-Length: 0']));
    });
    const reply = await exchange(edge.direct, envelopeFor(origin.url, { fields: [['X-A', value]] }));
    expect(origin.requests[0]?.values('x-a')).toEqual([value]);
    expect(responseOf(reply).fields).toEqual(
      expect.arrayContaining([
        ['x-a', value],
        ['set-cookie', `c=${value}`],
      ]),
    );
  });
});
