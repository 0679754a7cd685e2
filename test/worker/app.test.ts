// The contract between agent and worker, spoken over the wire to real workerd.
import { once } from 'node:events';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hello } from '../../schemas/api.ts';
import type { RequestEnvelope } from '../../schemas/relay.ts';
import { app } from '../../worker/app.ts';
import {
  type Call,
  call,
  envelopeFor,
  envelopeOf,
  exchange,
  exchangeFields,
  failureOf,
  responseOf,
  send,
  startDeployedEdge,
  startEmbeddedEdge,
  type TestEdge,
  testToken,
  unmarked,
} from '../support/edge.ts';
import { type Answer, chunk, message, startOrigin } from '../support/origin.ts';

const authorization = { authorization: `Bearer ${testToken}` };
const everyOctet = Uint8Array.from({ length: 256 }, (_, octet) => octet);
const complete = { outcome: 'complete' };

let edges: TestEdge;
beforeAll(async () => {
  edges = await startEmbeddedEdge();
});
afterAll(() => edges[Symbol.asyncDispose]());

const answers =
  (lines: readonly string[], content: string | Uint8Array = ''): Answer =>
  (_, socket) => {
    socket.write(message(lines, content));
  };

describe.each([
  ["through workerd's own socket", 'direct'],
  ["through miniflare's entry worker, which re-encodes what it may", 'entry'],
] as const)('%s', (_, socket) => {
  const ask = (url: string, parts: Partial<RequestEnvelope> = {}, content?: Call['content']) =>
    exchange(edges[socket], envelopeFor(url, parts), content);

  test('hello says version, limits and what is granted, and is not to be stored', async () => {
    const reply = await call(`${edges[socket]}/v1/hello`, { fields: authorization });
    expect(reply.status).toBe(200);
    expect(reply.field('cache-control')).toBe('no-store');
    expect(hello.parse(JSON.parse(reply.content.toString()))).toMatchObject({
      version: 1,
      limits: { maxHeadBytes: 65_536, maxEnvelopeBytes: 98_304 },
      cacheStore: 'memory',
      tunnels: false,
    });
  });

  describe('the end of the content', () => {
    test.each([
      ['HEAD', ['HTTP/1.1 200 OK', 'Content-Length: 10'], 200, [['content-length', '10']]],
      ['GET', ['HTTP/1.1 204 No Content', 'X-A: 1'], 204, [['x-a', '1']]],
      ['GET', ['HTTP/1.1 304 Not Modified', 'ETag: "a"'], 304, [['etag', '"a"']]],
    ])('a response to %s of %j has none', async (method, lines, status, fields) => {
      await using origin = await startOrigin(answers(lines));
      const reply = await ask(origin.url, { method });
      expect(responseOf(reply)).toMatchObject({ status, fields, content: { kind: 'none' } });
      expect(reply).toMatchObject({ status: 200, isComplete: true, content: Buffer.alloc(0) });
    });

    test.each([0, 5])('a length of %i is told and nothing follows the content', async (octets) => {
      const content = 'hello'.slice(0, octets);
      await using origin = await startOrigin(answers(['HTTP/1.1 200 OK', `Content-Length: ${octets}`], content));
      const reply = await ask(origin.url);
      expect(responseOf(reply).content).toEqual({ kind: 'length', octets });
      expect(reply.field('content-length')).toBe(String(octets));
      expect(reply.content.toString()).toBe(content);
      expect(reply.isComplete).toBe(true);
    });

    test.each(['chunked', 'until the connection closes'])('%s it is marked, by an end record', async (framing) => {
      await using origin = await startOrigin((_, socket) => {
        if (framing === 'chunked') {
          socket.write(message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], chunk('hello')));
          socket.write(chunk());
        } else socket.end(message(['HTTP/1.1 200 OK'], 'hello'));
      });
      const reply = await ask(origin.url);
      expect(unmarked(reply)).toEqual({ content: Buffer.from('hello'), endRecord: complete });
    });

    test('two marked replies have two nonces', async () => {
      await using origin = await startOrigin((_, socket) => {
        socket.end(message(['HTTP/1.1 200 OK'], 'hello'));
      });
      const [first, second] = [await ask(origin.url), await ask(origin.url)].map(responseOf);
      expect(first?.content).not.toEqual(second?.content);
    });

    test.each(['5\r\nhe', '5\r\nhello', '5\r\nhello\r\n', 'zz\r\n'])(
      'an origin that is cut off after a chunk and %j leaves no end record',
      async (rest) => {
        await using origin = await startOrigin((_, socket) => {
          socket.end(message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], `${chunk('first')}${rest}`));
        });
        const { content, endRecord } = unmarked(await ask(origin.url));
        expect(content.toString()).toMatch(/^first/);
        expect(endRecord).toBeUndefined();
      },
    );

    test('an origin that is cut off before its length leaves the reply short and broken', async () => {
      await using origin = await startOrigin((_, socket) => {
        socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 10'], 'hello'));
      });
      const reply = await ask(origin.url);
      expect(responseOf(reply).content).toEqual({ kind: 'length', octets: 10 });
      expect(reply.content.toString()).toBe('hello');
      expect(reply.isComplete).toBe(false);
    });

    test.each(['Content-Length: 10', 'Transfer-Encoding: chunked'])(
      'content with %s flows while the origin has not ended it',
      async (framing) => {
        const isChunked = framing.startsWith('Transfer');
        const seen = Promise.withResolvers<void>();
        await using origin = await startOrigin(async (_, socket) => {
          socket.write(message(['HTTP/1.1 200 OK', framing], isChunked ? chunk('hello') : 'hello'));
          await seen.promise;
          socket.write(isChunked ? Buffer.concat([chunk('world'), chunk()]) : 'world');
        });
        const fields = exchangeFields(envelopeFor(origin.url));
        const incoming = await send(`${edges[socket]}/v1/exchange`, { method: 'POST', fields });
        const [first] = await once(incoming, 'data');
        expect(first.toString()).toBe('hello');
        seen.resolve();
        await once(incoming.resume(), 'end');
      },
    );
  });

  describe('content is relayed octet for octet', () => {
    const framings: Record<string, (lines: string[], content: Uint8Array) => Uint8Array> = {
      'a length': (lines, content) => message([...lines, `Content-Length: ${content.length}`], content),
      chunks: (lines, content) => {
        const chunks = [...(content.length > 0 ? [chunk(content)] : []), chunk()];
        return message([...lines, 'Transfer-Encoding: chunked'], Buffer.concat(chunks));
      },
      'the end of the connection': (lines, content) => message([...lines, 'Connection: close'], content),
    };
    const contents: readonly (readonly [name: string, coding: string | undefined, content: Uint8Array])[] = [
      ['every octet', undefined, everyOctet],
      ['empty content', undefined, new Uint8Array()],
      ['gzip', 'gzip', gzipSync(everyOctet)],
      ['br', 'br', brotliCompressSync(everyOctet)],
      ['zstd', 'zstd', zstdCompressSync(everyOctet)],
      ['what claims to be gzip and is not', 'gzip', everyOctet],
      ['empty content that claims to be br', 'br', new Uint8Array()],
    ];
    const cases = contents.flatMap(([name, coding, content]) =>
      Object.keys(framings).map((framing) => ({ name, coding, content, framing })),
    );

    test.each(cases)('$name, delimited by $framing', async ({ coding, content, framing }) => {
      const lines = ['HTTP/1.1 200 OK', 'Content-Type: text/html', ...(coding ? [`Content-Encoding: ${coding}`] : [])];
      const octets = framings[framing]?.(lines, content) ?? '';
      await using origin = await startOrigin((_, socket) => {
        if (framing === 'the end of the connection') socket.end(octets);
        else socket.write(octets);
      });
      const envelope = envelopeFor(origin.url, { fields: [['Accept-Encoding', 'gzip, br, zstd']] });
      const reply = await call(`${edges[socket]}/v1/exchange`, {
        method: 'POST',
        fields: { ...exchangeFields(envelope), 'accept-encoding': 'gzip, br' },
      });
      const response = responseOf(reply);
      expect(response.fields.find(([name]) => name === 'content-encoding')?.[1]).toBe(coding);
      expect(reply.field('content-encoding')).toBeUndefined();
      expect(origin.requests[0]?.values('accept-encoding')).toEqual(['gzip, br, zstd']);
      if (response.content.kind === 'marked') {
        expect(unmarked(reply)).toEqual({ content: Buffer.from(content), endRecord: complete });
      } else {
        expect(response.content).toEqual({ kind: 'length', octets: content.length });
        expect(reply.content).toEqual(Buffer.from(content));
      }
    });
  });

  describe('fields', () => {
    test('Set-Cookie stays line by line', async () => {
      const cookies = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'];
      const lines = ['HTTP/1.1 200 OK', ...cookies.map((cookie) => `Set-Cookie: ${cookie}`), 'Content-Length: 0'];
      await using origin = await startOrigin(answers(lines));
      const { fields } = responseOf(await ask(origin.url));
      expect(fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value)).toEqual(cookies);
    });

    test('other duplicates of the response keep their order', async () => {
      const lines = ['HTTP/1.1 200 OK', 'X-A: 1', 'Vary: a', 'x-a: 2', 'vary: b', 'Content-Length: 0'];
      await using origin = await startOrigin(answers(lines));
      const { fields } = responseOf(await ask(origin.url));
      expect(fields).toEqual(
        expect.arrayContaining([
          ['vary', 'a, b'],
          ['x-a', '1, 2'],
        ]),
      );
    });

    test('duplicates of the request keep their order, and cookies become one line joined by a semicolon', async () => {
      await using origin = await startOrigin(answers(['HTTP/1.1 204 No Content']));
      const fields = ['X-A: 1', 'Cookie: a=1', 'Accept: a', 'x-a: 2', 'cookie: b=2; c=3', 'accept: b'].map(
        (line) => line.split(': ') as [string, string],
      );
      responseOf(await ask(origin.url, { fields }));
      const request = await origin.received(1);
      expect(request.values('x-a').join(', ')).toBe('1, 2');
      expect(request.values('accept').join(', ')).toBe('a, b');
      expect(request.values('cookie')).toEqual(['a=1; b=2; c=3']);
    });

    test('the origin gets the fields of the envelope, its own Host, the loop mark, and nothing else', async () => {
      await using origin = await startOrigin(answers(['HTTP/1.1 204 No Content']));
      const fields = [
        ['Host', 'other.example'],
        ['User-Agent', 'tests'],
        ['Content-Length', '7'],
      ] as const;
      responseOf(await ask(`${origin.url}/a//b?c&d=%7e`, { fields }));
      const { head } = await origin.received(1);
      const [requestLine, ...lines] = head.split('\r\n');
      expect(requestLine).toBe('GET /a//b?c&d=%7e HTTP/1.1');
      expect(lines.sort()).toEqual(['CDN-Loop: edgehop', `Host: 127.0.0.1:${origin.port}`, 'User-Agent: tests']);
    });

    test('heads of 40 KiB go both ways in fields of at most 8 KiB', async () => {
      const long = 'x'.repeat(40 * 1024);
      await using origin = await startOrigin(answers(['HTTP/1.1 200 OK', `X-Long: ${long}`, 'Content-Length: 0']));
      const reply = await ask(origin.url, { fields: [['X-Long', long]] });
      expect(responseOf(reply).fields).toContainEqual(['x-long', long]);
      expect(origin.requests[0]?.values('x-long')).toEqual([long]);
      expect(reply.field('edgehop-envelope-1')).toHaveLength(8192);
    });

    test('a head that the envelope cannot hold is a failure', async () => {
      const lines = ['HTTP/1.1 200 OK', `X-Long: ${'x'.repeat(90_000)}`, 'Content-Length: 5'];
      await using origin = await startOrigin(answers(lines, 'hello'));
      const reply = await ask(origin.url);
      expect(failureOf(reply).error).toMatchObject({ type: 'http_response_header_section_size', status: 502 });
      expect(reply.content).toHaveLength(0);
    });

    test.each([
      ['HTTP/1.1 200 Caf\xc3\xa9', 'Caf\xc3\xa9'],
      ['HTTP/1.1 200 Caf\xe9', ''],
      ['HTTP/1.1 200', ''],
      [`HTTP/1.1 200 ${'x'.repeat(1024)}`, 'x'.repeat(1024)],
      [`HTTP/1.1 200 ${'x'.repeat(1025)}`, ''],
    ])('the reason phrase of %j is told where the envelope can tell it', async (statusLine, reason) => {
      await using origin = await startOrigin(answers([statusLine, 'Content-Length: 0']));
      expect(responseOf(await ask(origin.url))).toMatchObject({ status: 200, reason });
    });
  });

  describe("the request's content", () => {
    const echoes: Answer = async (request, socket) => {
      const content = await request.content;
      socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${content.length}`], content));
    };

    test.each([new Uint8Array(), everyOctet, Buffer.alloc(3_000_000, 'a')])(
      'arrives with the length it came with, case %#',
      async (content) => {
        await using origin = await startOrigin(echoes);
        const reply = await ask(origin.url, { method: 'POST', content: true }, content);
        expect(reply.content.equals(content)).toBe(true);
        const request = await origin.received(1);
        expect(request.values('content-length')).toEqual([String(content.length)]);
        expect(request.values('transfer-encoding')).toEqual([]);
      },
    );

    test('of unknown length arrives in chunks', async () => {
      await using origin = await startOrigin(echoes);
      const pieces = async function* () {
        yield Buffer.from('hel');
        yield Buffer.from('lo');
      };
      const reply = await ask(origin.url, { method: 'PUT', content: true }, pieces());
      expect(reply.content.toString()).toBe('hello');
      const request = await origin.received(1);
      expect(request.values('content-length')).toEqual([]);
      expect(request.values('transfer-encoding')).toEqual(['chunked']);
    });

    test('is streamed: the origin reads its beginning before the client has sent its end', async () => {
      const begun = Promise.withResolvers<void>();
      await using origin = await startOrigin(async (request, socket) => {
        const note = () => request.octets.includes('begin') && begun.resolve();
        socket.on('data', note);
        note();
        await echoes(request, socket);
      });
      const pieces = async function* () {
        yield Buffer.from('begin ');
        await begun.promise;
        yield Buffer.from('end');
      };
      const reply = await ask(origin.url, { method: 'POST', content: true }, pieces());
      expect(reply.content.toString()).toBe('begin end');
    });

    const cuts = ['Content-Length: 100', 'Transfer-Encoding: chunked'].flatMap((framing) =>
      ['FIN', 'RST'].flatMap((cut) => ['before', 'after'].map((when) => ({ framing, cut, when }))),
    );
    test.each(cuts)(
      'with $framing that the client cuts off by $cut $when the head never looks whole',
      async ({ framing, cut, when }) => {
        const begun = Promise.withResolvers<void>();
        const ended = Promise.withResolvers<string>();
        await using origin = await startOrigin(async (request, socket) => {
          const note = () => request.octets.includes('begin') && begun.resolve();
          socket.on('data', note);
          note();
          if (when === 'after') socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 100'], 'hello'));
          ended.resolve(await request.content.then(String, () => 'cut off'));
        });
        const fields = exchangeFields(envelopeFor(origin.url, { method: 'POST', content: true }));
        const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
        const client = connect(Number(new URL(edges[socket]).port), '127.0.0.1').on('error', () => undefined);
        client.write(message(['POST /v1/exchange HTTP/1.1', 'Host: edge', ...lines, framing]));
        client.write(framing.startsWith('Transfer') ? chunk('begin') : 'begin');
        await begun.promise;
        if (when === 'after') await once(client, 'data');
        if (cut === 'FIN') client.end();
        else client.resetAndDestroy();
        expect(await ended.promise).toBe('cut off');
        client.destroy();
      },
    );

    test('that the origin does not read to its end leaves its response whole', async () => {
      const answered = Promise.withResolvers<void>();
      await using origin = await startOrigin(async (_, socket) => {
        socket.write(message(['HTTP/1.1 413 Content Too Large', 'Content-Length: 10', 'Connection: close'], 'hello'));
        await answered.promise;
        socket.end('world');
      });
      const pieces = async function* () {
        for (let piece = 0; piece < 100; piece++) yield Buffer.alloc(1000);
        await origin.received(1);
        answered.resolve();
        for (let piece = 0; piece < 100; piece++) yield Buffer.alloc(1000);
      };
      const reply = await ask(origin.url, { method: 'POST', content: true }, pieces());
      expect(responseOf(reply).status).toBe(413);
      expect(reply.content.toString()).toBe('helloworld');
    });

    test('is not sent when the envelope has none', async () => {
      await using origin = await startOrigin(echoes);
      const reply = await ask(origin.url, { method: 'POST' }, 'hello');
      expect(responseOf(reply).content).toEqual({ kind: 'length', octets: 0 });
      expect(origin.requests[0]?.octets).not.toContain('hello');
    });
  });

  test.each([
    ['a response', 'HTTP/1.1 404 Not Found', 'response'],
    ['an error of the origin', 'HTTP/1.1 500 Internal Server Error', 'response'],
    ['a redirect', 'HTTP/1.1 302 Found', 'response'],
    ['a failure', 'HTTP/1.1 600 Odd', 'failed'],
  ])('%s is answered by 200, as octets that are not to be touched', async (_, statusLine, kind) => {
    await using origin = await startOrigin(answers([statusLine, 'Location: /x', 'Content-Length: 0']));
    const reply = await ask(origin.url);
    expect(reply.status).toBe(200);
    expect(reply.field('content-type')).toBe('application/octet-stream');
    expect(reply.field('cache-control')).toBe('no-store, no-transform');
    expect(reply.field('content-encoding')).toBeUndefined();
    expect(envelopeOf(reply).kind).toBe(kind);
    expect(origin.requests).toHaveLength(1);
  });

  test('the stages of a response stand in the order of the walk', async () => {
    await using origin = await startOrigin(answers(['HTTP/1.1 204 No Content']));
    const { stages } = responseOf(await ask(origin.url));
    expect(Object.keys(stages)).toEqual(['edge-received', 'upstream-requested', 'upstream-responded', 'edge-returned']);
    const times = Object.values(stages);
    expect(times).toEqual([...times].sort());
  });

  test('stages that did not happen are absent', async () => {
    const { stages } = failureOf(await ask('http://127.0.0.1:25/'));
    expect(Object.keys(stages)).toEqual(['edge-received', 'edge-returned']);
  });

  test.each([
    ['GET', '/'],
    ['POST', '/'],
    ['GET', '/favicon.ico'],
    ['GET', '/v2/hello'],
    ['GET', '/v1/nothing'],
    ['POST', '/v1/hello'],
    ['GET', '//v1/hello'],
  ])('%s %s is 404 as a problem', async (method, path) => {
    const reply = await call(edges[socket] + path, { method, fields: authorization });
    expect(reply.status).toBe(404);
    expect(reply.field('content-type')).toBe('application/problem+json');
    expect(JSON.parse(reply.content.toString())).toMatchObject({ status: 404, title: 'Not Found' });
  });
});

describe('what nobody foresaw', () => {
  test('is a failed envelope to an exchange', async () => {
    await using edge = await startDeployedEdge({
      bindings: { EDGEHOP_TOKENS: `tests=${testToken}`, EDGEHOP_EMBEDDED: 'not JSON' },
    });
    const reply = await exchange(edge.direct, envelopeFor('http://origin.example/'));
    expect(reply.status).toBe(200);
    expect(failureOf(reply).error).toMatchObject({ type: 'proxy_internal_error', status: 500 });
  });

  test('is a problem that tells nothing to everything else', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    const environment = {
      get EDGEHOP_TOKENS(): string {
        throw new Error('a secret');
      },
    };
    const reply = await app.request('/v1/hello', {}, environment);
    expect(reply.status).toBe(500);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(await reply.text()).not.toContain('secret');
    expect(log).toHaveBeenCalledOnce();
    log.mockRestore();
  });
});

describe('deployed, with the fetch of the platform', () => {
  test('an exchange goes out, and only the platform adds a field', async () => {
    await using origin = await startOrigin(answers(['HTTP/1.1 200 OK', 'Content-Length: 5'], 'hello'));
    await using edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
    const reply = await exchange(edge.direct, envelopeFor('http://origin.example/'));
    expect(responseOf(reply)).toMatchObject({ status: 200, content: { kind: 'length', octets: 5 } });
    expect(reply.content.toString()).toBe('hello');
    const names = origin.requests[0]?.fields.map(([name]) => name.toLowerCase()).sort();
    expect(names).toEqual(['cdn-loop', 'cf-worker', 'host']);
  });
});
