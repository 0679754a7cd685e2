// ATTACKS.md group B: what hostile origins answer. The client gets an error in words, a broken transfer, or what was sent.
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';
import { replayResponse } from '../support/replay-response.ts';

type Answer = (socket: import('node:net').Socket, request: OriginRequest) => unknown;

const ok = 'HTTP/1.1 200 OK';
const length = 'Content-Length: 5';
const lines = (...head: string[]) => message(head, 'hello').toString('latin1');

/** Never two framings at the client: 502, or made sound. */
const misframed: Readonly<Record<string, readonly string[]>> = {
  'B01 ambiguous framing': [
    lines(ok, length, 'Transfer-Encoding: chunked'),
    lines(ok, 'Transfer-Encoding: chunked', length),
    lines(ok, length, 'Content-Length: 6'),
    lines(ok, 'Content-Length: 5, 5'),
    lines(ok, 'Content-Length: -1'),
    lines(ok, 'Content-Length: +5'),
    lines(ok, 'Content-Length: 0x5'),
    lines(ok, 'Content-Length:'),
    lines(ok, 'Transfer-Encoding: xchunked'),
    lines(ok, 'Transfer-Encoding: chunked, chunked'),
    lines(ok, 'Transfer-Encoding: gzip, chunked'),
    lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'),
  ],
  'B03 interim responses that nobody asked for': [
    `HTTP/1.1 100 Continue\r\n\r\n${lines(ok, length)}`,
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${lines(ok, length)}`,
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello',
    'HTTP/1.1 101 Switching Protocols\r\n\r\nhello',
  ],
  'B08 content where there is none': [
    lines('HTTP/1.1 204 No Content'),
    lines('HTTP/1.1 204 No Content', length),
    lines('HTTP/1.1 304 Not Modified', length),
    lines('HTTP/1.1 304 Not Modified', 'Transfer-Encoding: chunked'),
  ],
  'B11 a line break in Location': [
    lines(ok, 'Location: \rSet-Cookie: a=b', length),
    lines(ok, 'Location: \nX: y', length),
  ],
};

describe.each(upstreams)('by edge %s', (edge) => {
  const isFetch = edge === 'embedded';
  let proxy: TestAgent;
  let origin: Origin;
  const answers = new Map<string, Answer>();

  beforeAll(async () => {
    origin = await startOrigin((request, socket) => {
      const answer = answers.get(request.target);
      if (answer !== undefined) return void answer(socket, request);
      socket.write(message([ok, `Content-Length: ${request.target.length}`], request.target));
    });
    proxy = await startTestAgent({ edge, limits: { headDeadlineMs: 1_000, idleTimeoutMs: 2_000 } });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  let count = 0;
  const urlOf = (answer: Answer) => {
    const path = `/answer-${++count}`;
    answers.set(path, answer);
    return origin.url + path;
  };
  const writes = (octets: string | Buffer) => urlOf((socket) => socket.write(octets, 'latin1'));
  const recordOf = (url: string) => proxy.recordOf(new URL(url).pathname);

  test.each(Object.entries(misframed))('%s', async (_name, variants) => {
    const wrong: Record<string, string[]> = {};
    for (const raw of variants) {
      const found = await replayResponse(proxy.port, raw, 'whole', isFetch ? 'fetch' : 'exact');
      if (found.length > 0) wrong[raw.slice(0, 200)] = found;
    }
    expect(wrong).toEqual({});
  });

  test('B03 a thousand interim responses are an error', async () => {
    const url = writes(`${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)}${lines(ok, length)}`);
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x', 'Connection: close');
    let [response, interims] = [await client.response(), 0];
    for (; response.status < 200; response = await client.response()) interims++;
    expect([response.status, interims < 100]).toEqual([502, true]);
  });

  // workerd's fetch gives the second response to the next request, which nobody can see from there.
  (isFetch ? test.fails : test)('B02 a second response behind the first is nobody’s', async () => {
    const second = lines(ok, 'Content-Length: 6').replace('hello', 'poison');
    expect(
      await replayResponse(proxy.port, `${lines(ok, length)}${second}`, 'whole', isFetch ? 'fetch' : 'exact'),
    ).toEqual([]);
  });

  test.each([
    ['a status line of 1 MB', `HTTP/1.1 200 ${'x'.repeat(1_000_000)}`],
    ['one field of 70 kB', `${ok}\r\nX: ${'y'.repeat(70_000)}`],
    [
      'five thousand fields',
      `${ok}${Array.from({ length: 5_000 }, (_, i) => `\r\nX-${i}: ${'y'.repeat(10)}`).join('')}`,
    ],
    ['a head of 10 MB', `${ok}\r\n${`X: ${'y'.repeat(1_000)}\r\n`.repeat(10_000)}Y: z`],
  ])('B04 %s is an error that names the size', async (_name, head) => {
    const url = urlOf((socket) => socket.write(`${head}\r\n${length}\r\n\r\nhello`));
    const response = await getOnce(proxy.port, url);
    expect([response.status, response.isComplete]).toEqual([502, true]);
    expect((await recordOf(url)).error?.type).toMatch(
      /^http_response_(header_section_size|header_size|incomplete)$|^http_protocol_error$/,
    );
  });

  test.each(['Cache-Control: 0', 'Warning: 199 a "b"'])(
    'B04 44 kB of %s come through, or are an error',
    async (field) => {
      const [name = '', member = ''] = field.split(': ');
      const value = Array.from({ length: 44_000 / (member.length + 1) }, () => member).join(',');
      const response = await getOnce(proxy.port, writes(lines(ok, `${name}: ${value}`, length)));
      if (response.status === 200) expect(response.field(name.toLowerCase())).toBe(value);
      else expect(response.status).toBe(502);
    },
  );

  test.each<[string, Answer]>([
    ['length larger than sent', (socket) => socket.end(message([ok, 'Content-Length: 100'], 'hello'))],
    [
      'no last chunk',
      (socket) => socket.end(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello')])),
    ],
    [
      'a reset',
      (socket) => socket.write(message([ok, 'Content-Length: 100'], 'hello'), () => socket.resetAndDestroy()),
    ],
  ])('B05 content cut by %s never ends cleanly', async (_name, answer) => {
    const response = await getOnce(proxy.port, urlOf(answer)).catch(() => undefined); // cut before its head went out
    expect(response?.isComplete ?? false).toBe(false);
  });

  test('B06 B15 an origin that trickles its head, or says nothing, is 504 at the deadline, and let go', async () => {
    for (const trickle of [true, false]) {
      const closed = Promise.withResolvers<void>();
      const url = urlOf((socket) => {
        if (trickle) socket.write('HTTP/1.1 200 OK\r\nX: ');
        const timer = setInterval(() => trickle && socket.write('y'), 100);
        socket.once('close', () => {
          clearInterval(timer);
          closed.resolve();
        });
      });
      const response = await getOnce(proxy.port, url);
      expect([response.status, (await recordOf(url)).error?.type]).toEqual([504, 'http_response_timeout']);
      await closed.promise;
    }
  });

  test('B06 content that stops is cut when nothing has come for too long', async () => {
    const closed = Promise.withResolvers<void>();
    const url = urlOf((socket) => {
      socket.once('close', () => closed.resolve());
      socket.write(message([ok, 'Content-Length: 100'], 'hello'));
    });
    expect((await getOnce(proxy.port, url)).isComplete).toBe(false);
    expect((await recordOf(url)).error?.type).toBe('connection_read_timeout');
    await closed.promise;
  });

  test('B07 chunks of one octet, 300,000 of them, are content like any other', async () => {
    const chunks = 300_000;
    const url = writes(
      Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), Buffer.alloc(chunks * 6, '1\r\na\r\n'), chunk()]),
    );
    const response = await getOnce(proxy.port, url);
    expect([response.isComplete, response.content.equals(Buffer.alloc(chunks, 'a'))]).toEqual([true, true]);
  });

  test('B08 content of a response to HEAD is nobody’s', async () => {
    const url = writes(lines(ok, length));
    using client = await connectClient(proxy.port);
    client.sendHead(`HEAD ${url} HTTP/1.1`, 'Host: x');
    expect((await client.response('HEAD')).status).toBe(200);
    client.sendHead(`GET ${origin.url}/after HTTP/1.1`, 'Host: x', 'Connection: close');
    expect((await client.response()).content.toString()).toBe('/after');
  });

  test('B09 compressed content is not decoded, whatever it claims to be', async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    const nested = gzipSync(gzipSync(gzipSync('hello')));
    for (const [coding, content] of [
      ['gzip', bomb],
      ['gzip, gzip, gzip', nested],
      ['br', bomb],
      ['gzip', Buffer.from('no')],
    ] as const) {
      const url = writes(message([ok, `Content-Encoding: ${coding}`, `Content-Length: ${content.length}`], content));
      const response = await getOnce(proxy.port, url, 'Accept-Encoding: gzip, br');
      expect([response.field('content-encoding'), response.content.equals(content)]).toEqual([coding, true]);
    }
  });

  test.each(['bytes 0-4/5', 'bytes 99999999999999999999-5/2', 'bytes -5-5/5', 'nonsense'])(
    'B10 206 with Content-Range: %s is passed on as it is',
    async (range) => {
      const response = await getOnce(
        proxy.port,
        writes(lines('HTTP/1.1 206 Partial', `Content-Range: ${range}`, length)),
      );
      expect([response.status, response.field('content-range'), response.content.toString()]).toEqual([
        206,
        range,
        'hello',
      ]);
    },
  );

  test('B10 odd Range fields reach the origin as they are', async () => {
    for (const range of [`bytes=${'0-0,'.repeat(1_000)}0-0`, 'bytes=-9223372036854775808', 'bytes=5-1']) {
      const seen = Promise.withResolvers<string[]>();
      const url = urlOf((socket, request) => {
        seen.resolve(request.values('range'));
        socket.write(lines(ok, length));
      });
      expect((await getOnce(proxy.port, url, `Range: ${range}`)).status).toBe(200);
      expect(await seen.promise).toEqual([range]);
    }
  });

  test.each(['//evil.example/', 'http://127.0.0.1/', 'javascript:alert(1)'])(
    'B11 Location: %s is relayed, and nobody follows',
    async (location) => {
      const asked = origin.requests.length;
      const response = await getOnce(proxy.port, writes(lines('HTTP/1.1 302 Found', `Location: ${location}`, length)));
      expect([response.status, response.field('location')]).toEqual([302, location]);
      expect(origin.requests.length).toBe(asked + 1);
    },
  );

  test('B12 two hundred Set-Cookie lines with commas stay lines', async () => {
    const cookies = Array.from({ length: 200 }, (_, i) => `c${i}=${i}; Expires=Wed, 21 Oct 2026 07:28:00 GMT`);
    const url = writes(lines(ok, ...cookies.map((cookie) => `Set-Cookie: ${cookie}`), length));
    expect((await getOnce(proxy.port, url)).values('set-cookie')).toEqual(cookies);
  });

  test('B12 octets beyond ASCII are relayed as they are, or refused in words', async () => {
    const response = await getOnce(proxy.port, writes(lines(ok, 'X: D\xfcsseldorf \x80\xff', length)));
    if (response.status === 200) expect(response.field('x')).toBe('D\xfcsseldorf \x80\xff');
    else expect([edge, response.status]).toEqual(['embedded', 502]);
  });

  test.each([
    ...['Date: F000 00 Mar 0000', 'Date:', 'Expires: 0', 'Age: -1', 'Age: 99999999999999999999'].map((field) => [
      'B13',
      field,
    ]),
    ...['Vary: Other', 'Vary: *, x', `Vary: ${'x, '.repeat(3_000)}y`].map((field) => ['B14', field]),
  ])('%s %s harms nobody', async (_id, field) => {
    const url = writes(lines(ok, field, length));
    for (let time = 0; time < 2; time++) expect((await getOnce(proxy.port, url)).content.toString()).toBe('hello');
  });

  test('B15 a client that leaves takes its request to the origin with it', async () => {
    const closed = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const url = urlOf((socket) => {
      socket.once('close', () => closed.resolve());
      asked.resolve();
    });
    const client = await connectClient(proxy.port);
    client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x');
    await asked.promise;
    client.socket.destroy();
    await closed.promise; // by the edge at the head deadline at the latest
  });
});
