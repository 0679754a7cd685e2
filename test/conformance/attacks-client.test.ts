// ATTACKS.md group A: what clients send to make two recipients read one message differently, over both routes.
import { beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Client, connectClient } from '../support/client.ts';
import { paces, replayRequest } from '../support/replay-request.ts';
import { type StrictOrigin, startStrictOrigin } from '../support/strict-origin.ts';

const get = 'GET http://{{ORIGIN}}/c/{{ID}} HTTP/1.1\r\nHost: {{ORIGIN}}\r\n';
const post = 'POST http://{{ORIGIN}}/c/{{ID}} HTTP/1.1\r\nHost: {{ORIGIN}}\r\n';
const chunked = `${post}Transfer-Encoding: chunked\r\n`;
const smuggled = 'GET http://{{ORIGIN}}/smuggled HTTP/1.1\r\nHost: {{ORIGIN}}\r\n\r\n';

/** Refused with 400 or 505, closed, and no whole request reaches the origin. */
const refused: Readonly<Record<string, readonly string[]>> = {
  'A01 Content-Length beside Transfer-Encoding': [
    `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
    `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nG`,
  ],
  'A03 a Transfer-Encoding other than one chunked': [
    ...['chunked, chunked', 'identity, chunked', ',chunked', '\x0bchunked', 'chunked\xa0', 'xchunked', 'chunked, gzip'],
    ...['identity', 'gzip', '', 'chunked\r\nTransfer-Encoding: chunked', '"chunked"'],
  ].map((coding) => `${post}Transfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n`),
  'A04 a Content-Length that is no number': [
    ...['+5', '-5', '0x5', '5_0', '5e0', '5.0', '', '5, 5', '5 5', '5\r\nContent-Length: 5', '5\r\nContent-Length: 6'],
    ...['99999999999999999999', '\xb2'],
  ].map((length) => `${post}Content-Length: ${length}\r\n\r\nhello`),
  'A06 Transfer-Encoding in HTTP/1.0': [`${chunked.replace('HTTP/1.1', 'HTTP/1.0')}\r\n0\r\n\r\n`],
  'A07 a chunk size that is none': [
    ...['0_2e', '0x5', '+5', ' 5', '5;a\r\r', '', '5\t', 'FFFFFFFFFFFFFFFF0', '-5', 'g'],
  ].map((size) => `${chunked}\r\n${size}\r\nhello\r\n0\r\n\r\n`),
  'A08 a chunk that does not end as it should': [
    `${chunked}\r\n5\r\nhelloXX\r\n0\r\n\r\n`,
    `${chunked}\r\n5\r\nhello\r\r\n0\r\n\r\n`,
    `${chunked}\r\n5\nhello\r\n0\r\n\r\n`,
    `${chunked}\r\n5\r\nhello\n0\r\n\r\n`,
    `${chunked}\r\n0\r\nX: y\n\n${smuggled}`,
    `${chunked}\r\n0\r\n\n${smuggled}`,
  ],
  'A09 a quoted line break in a chunk extension': [`${chunked}\r\n5;a="\r\n"\r\nhello\r\n0\r\n\r\n`],
  'A10 octets that end or fold lines': [
    `${get.replaceAll('\r\n', '\n')}\n`,
    `${get}X: a\nY: b\r\n\r\n`,
    `${get}X: a\rY: b\r\n\r\n`,
    `${get}X\ra: b\r\n\r\n`,
    `${get}X: a\r\n b\r\n\r\n`,
    ...['\0', '\x01', '\x04', '\x08', '\x0b', '\x0c', '\x1f', '\x7f'].map((octet) => `${get}X: a${octet}b\r\n\r\n`),
  ],
  'A11 a field line that is none': [
    `${get}X : y\r\n\r\n`,
    `${get.replace('Host', ' X: y\r\nHost')}\r\n`,
    `${get}X\x85: y\r\n\r\n`,
    `${get}: y\r\n\r\n`,
    `${get}nothing\r\n\r\n`,
    `${get}Transfer Encoding: chunked\r\n\r\n`,
  ],
  'A12 a request line that is none': [
    get.replace('GET', 'G="'),
    get.replace('GET ', 'GET\t'),
    get.replace(' HTTP/1.1', ''),
    get.replace('HTTP/1.1', 'HTTP/1.1x'),
    get.replace('HTTP/1.1', 'HTTP/4294967295.255'),
    get.replace('HTTP/1.1', 'HTTP/2.0'),
    get.replace('HTTP/1.1', 'HTTP/0.9'),
    get.replace('HTTP/1.1', 'HTTP/1.2'),
    get.replace(' HTTP/1.1', '\tHTTP/1.1'),
  ].map((head) => `${head}\r\n`),
  'A20 a Host that is none, or two': ['a\r\nHost: a', '', 'b@a', 'a/x?', 'a b', 'a:b', 'a:65536'].map(
    (host) => `${get.replace('Host: {{ORIGIN}}', `Host: ${host}`)}\r\n`,
  ),
  'A21 no Host in HTTP/1.1': [get.replace('Host: {{ORIGIN}}\r\n', '\r\n')],
  'A24 a request-target that a proxy does not take': [
    ...['GET *', 'GET admin', 'GET haproxy.org:80', 'GET /', 'CONNECT /', 'CONNECT http://{{ORIGIN}}', 'CONNECT h'],
    ...['CONNECT h:', 'CONNECT h:0443', 'CONNECT *', 'GET http:/{{ORIGIN}}/', 'GET http://', 'GET //{{ORIGIN}}/'],
  ].map((start) => `${start} HTTP/1.1\r\nHost: {{ORIGIN}}\r\n\r\n`),
};

/** Relayed, as the origin must then see it: method, content, and fields that must or must not be there. */
const relayed: readonly [
  name: string,
  raw: string,
  method: string,
  content: string,
  fields: Record<string, string[]>,
][] = [
  [
    'A02 Chunked in other letters',
    `${post}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'POST',
    'hello',
    {},
  ],
  [
    'A05 Content-Length: 010',
    `${post}Content-Length: 010\r\n\r\nhellohello`,
    'POST',
    'hellohello',
    { 'content-length': ['10'] },
  ],
  ['A05 Content-Length: 000', `${post}Content-Length: 000\r\n\r\n`, 'POST', '', { 'content-length': ['0'] }],
  ['A19 Connection: close, Host', `${get}Connection: keep-alive, Host\r\n\r\n`, 'GET', '', { host: ['{{ORIGIN}}'] }],
  [
    'A19 Connection: Content-Length',
    `${post}Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello`,
    'POST',
    'hello',
    { 'content-length': ['5'] },
  ],
  [
    'A19 Connection: Transfer-Encoding',
    `${chunked}Connection: Transfer-Encoding\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'POST',
    'hello',
    { 'transfer-encoding': ['chunked'] },
  ],
  ['A19 Connection: Connection', `${get}Connection: Connection\r\n\r\n`, 'GET', '', { host: ['{{ORIGIN}}'] }],
  ['A19 TE', `${get}Connection: TE\r\nTE: gzip\r\n\r\n`, 'GET', '', { te: [] }],
  [
    'A20 another Host than the target',
    `${get.replace('Host: {{ORIGIN}}', 'Host: a')}\r\n`,
    'GET',
    '',
    { host: ['{{ORIGIN}}'] },
  ],
  [
    'A21 HTTP/1.0 without Host',
    'GET http://{{ORIGIN}}/c/{{ID}} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'GET',
    '',
    { host: ['{{ORIGIN}}'] },
  ],
  [
    'A22 an upgrade to h2c',
    `${get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
    'GET',
    '',
    { upgrade: [], 'http2-settings': [] },
  ],
];

describe.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: StrictOrigin;

  beforeAll(async () => {
    origin = await startStrictOrigin();
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  const filled = (text: string) => text.replaceAll('{{ORIGIN}}', `127.0.0.1:${origin.port}`).replaceAll('{{ID}}', 'x');

  /** What the origin has got since the last time. */
  let known = 0;
  const arrived = () => {
    const all = origin.requests();
    const news = all.slice(known);
    known = all.length;
    return news;
  };

  async function sent(text: string): Promise<Client> {
    const client = await connectClient(proxy.port);
    client.send(filled(text));
    return client;
  }

  test.each(Object.entries(refused))('%s is refused', async (_name, variants) => {
    for (const raw of variants) {
      using client = await sent(`${raw}${smuggled}`);
      const response = await client.response();
      expect([raw, response.status, response.field('connection')]).toEqual([
        raw,
        response.status === 505 ? 505 : 400,
        'close',
      ]);
      expect((await client.octets.rest()).length).toBe(0);
      expect(arrived().filter(({ isComplete }) => isComplete)).toEqual([]);
    }
  });

  test.each(relayed)('%s is relayed as what it is', async (_name, raw, method, content, fields) => {
    using client = await sent(raw);
    expect((await client.response(method)).status).toBe(200);
    const [request, ...others] = arrived();
    expect(others).toEqual([]);
    expect([request?.method, request?.content.toString('latin1')]).toEqual([method, content]);
    for (const [name, values] of Object.entries(fields)) expect(request?.values(name)).toEqual(values.map(filled));
  });

  // Node's parser takes these for a size that has not come yet: nothing is executed, and the wait is bounded.
  test('A07 a chunk larger than any content never becomes content', async () => {
    await using impatient = await startTestAgent({ edge, limits: { idleTimeoutMs: 500, headDeadlineMs: 500 } });
    const wait = async (size: string) => {
      using client = await connectClient(impatient.port);
      client.send(filled(`${chunked}\r\n${size}\r\nhello\r\n0\r\n\r\n${smuggled}`));
      expect(await client.ended).toBe('reset');
    };
    await Promise.all(['7fffffffffffffff', '20000000000001'].map(wait));
    expect(arrived().filter(({ isComplete }) => isComplete)).toEqual([]);
  });

  test.each(paces)('A18 all of it, %s, desynchronises nothing', async (pace) => {
    const all = [...Object.values(refused).flat(), ...relayed.map(([, raw]) => raw)];
    const wrong: Record<string, string[]> = {};
    for (const raw of all) {
      const found = await replayRequest(proxy.port, raw, pace);
      if (found.length > 0) wrong[raw] = found;
    }
    expect(wrong).toEqual({});
  });
});
