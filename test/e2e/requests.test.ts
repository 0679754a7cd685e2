// What a client asks for is what the origin is asked for, and what it answers is what the client gets, by both routes.
import { randomBytes } from 'node:crypto';
import { METHODS } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';

const ok = 'HTTP/1.1 200 OK';

/** Methods that Node's parser knows and workerd's fetch does not; the direct route carries them. */
const unfetchable = ['BIND', 'LINK', 'M-SEARCH', 'MKCALENDAR', 'REBIND', 'SOURCE', 'UNBIND', 'UNLINK'];

describe.each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;
  const contents = new Map<string, Buffer>();
  let asked = 0;

  beforeAll(async () => {
    origin = await startOrigin(async (request, socket) => {
      const content = await request.content.catch(() => undefined);
      if (content === undefined) return;
      const answer = contents.get(request.target) ?? `${request.method} ${request.target} ${content.length}`;
      socket.write(message([ok, `Content-Length: ${answer.length}`], request.method === 'HEAD' ? '' : answer));
    });
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  beforeEach(() => {
    asked = origin.requests.length;
  });

  /** The only request that the origin got in this test. */
  const received = (): OriginRequest => {
    expect(origin.requests.length).toBe(asked + 1);
    return origin.requests[asked] as OriginRequest;
  };

  describe('methods', () => {
    const carried = METHODS.filter((method) => method !== 'CONNECT' && !unfetchable.includes(method));
    test.each(carried)('%s is carried', async (method) => {
      const response = await exchangeOnce(
        proxy.port,
        `${method} ${origin.url}/m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
        method,
      );
      expect(response.content.toString()).toBe(method === 'HEAD' ? '' : `${method} /m 0`);
      expect(received().method).toBe(method);
    });

    test.each(unfetchable)('%s, which fetch refuses, is carried', async (method) => {
      const response = await exchangeOnce(
        proxy.port,
        `${method} ${origin.url}/m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(response.content.toString()).toBe(`${method} /m 0`);
      expect(received().method).toBe(method);
    });
  });

  describe('content', () => {
    const large = randomBytes(5 * 1024 * 1024);

    test('with a length arrives with that length', async () => {
      await exchangeOnce(
        proxy.port,
        message([`POST ${origin.url}/ HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'], 'hello'),
      );
      expect(received().values('content-length')).toEqual(['5']);
      expect((await received().content).toString()).toBe('hello');
    });

    test('in chunks arrives in chunks', async () => {
      const head = message([
        `POST ${origin.url}/ HTTP/1.1`,
        'Host: x',
        'Connection: close',
        'Transfer-Encoding: Chunked',
      ]);
      await exchangeOnce(proxy.port, Buffer.concat([head, chunk('hello'), chunk(', you'), chunk()]));
      expect([received().values('transfer-encoding'), received().values('content-length')]).toEqual([['chunked'], []]);
      expect((await received().content).toString()).toBe('hello, you');
    });

    test.each(['POST', 'PUT', 'PATCH'])('that is empty leaves %s with a length of 0', async (method) => {
      await exchangeOnce(
        proxy.port,
        message([`${method} ${origin.url}/ HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 0']),
      );
      expect([received().values('transfer-encoding'), received().values('content-length')]).toEqual([[], ['0']]);
    });

    test('of 5 MB arrives whole with its length, and comes back whole', async () => {
      contents.set('/large', large);
      const response = await exchangeOnce(
        proxy.port,
        message(
          [`POST ${origin.url}/large HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${large.length}`],
          large,
        ),
      );
      expect((await received().content).equals(large)).toBe(true);
      expect([response.isComplete, response.content.equals(large)]).toEqual([true, true]);
      expect((await proxy.recordOf('/large')).octets).toEqual({ fromClient: large.length, toClient: large.length });
    });

    test('of 5 MB in chunks arrives whole', async () => {
      const head = message([
        `POST ${origin.url}/ HTTP/1.1`,
        'Host: x',
        'Connection: close',
        'Transfer-Encoding: chunked',
      ]);
      await exchangeOnce(proxy.port, Buffer.concat([head, chunk(large), chunk()]));
      expect((await received().content).equals(large)).toBe(true);
    });

    const plain = Buffer.from('the same octets '.repeat(500));
    test.each([
      ['gzip', gzipSync(plain)],
      ['br', brotliCompressSync(plain)],
      ['zstd', zstdCompressSync(plain)],
      ['deflate', deflateSync(plain)],
      ['nonsense', plain],
    ])('coded with %s passes octet for octet', async (coding, octets) => {
      await using coder = await startOrigin((_request, socket) => {
        const isKnown = coding !== 'br';
        const framing = isKnown ? `Content-Length: ${octets.length}` : 'Transfer-Encoding: chunked';
        const content = isKnown ? octets : Buffer.concat([chunk(octets), chunk()]);
        socket.write(message([ok, `Content-Encoding: ${coding}`, framing], content));
      });
      const response = await getOnce(proxy.port, `${coder.url}/`, 'Accept-Encoding: gzip, br, zstd');
      expect(response.field('content-encoding')).toBe(coding);
      expect(response.content.equals(octets)).toBe(true);
      expect(coder.requests[0]?.values('accept-encoding')).toEqual(['gzip, br, zstd']);
    });
  });

  describe('one connection', () => {
    test('carries requests one after the other', async () => {
      using client = await connectClient(proxy.port);
      for (const path of ['/a', '/b', '/c']) {
        client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
        expect((await client.response()).content.toString()).toBe(`GET ${path} 0`);
      }
    });

    test('carries pipelined requests in order, and none overtakes a POST', async () => {
      await using slow = await startOrigin(async (request, socket) => {
        log.push(`begin ${request.target}`);
        await request.content;
        if (request.method === 'POST') await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
        log.push(`end ${request.target}`);
        socket.write(message([ok, `Content-Length: ${request.target.length}`], request.target));
      });
      const log: string[] = [];
      using client = await connectClient(proxy.port);
      const get = (path: string) => message([`GET ${slow.url}${path} HTTP/1.1`, 'Host: x']);
      const post = message([`POST ${slow.url}/2 HTTP/1.1`, 'Host: x', 'Content-Length: 3'], 'abc');
      client.send(Buffer.concat([get('/1'), post, get('/3'), get('/4')]));
      for (const path of ['/1', '/2', '/3', '/4']) {
        const response = await client.response();
        expect([response.status, response.content.toString()]).toEqual([200, path]);
      }
      expect(log).toEqual(['/1', '/2', '/3', '/4'].flatMap((path) => [`begin ${path}`, `end ${path}`]));
    });

    test('goes on after a request with content that the origin refused before it had it', async () => {
      await using strict = await startOrigin((request, socket) => {
        const text = request.target;
        socket.end(message(['HTTP/1.1 413 Too Large', `Content-Length: ${text.length}`, 'Connection: close'], text));
      });
      using client = await connectClient(proxy.port);
      client.send(
        message([`POST ${strict.url}/refused HTTP/1.1`, 'Host: x', 'Content-Length: 100000'], Buffer.alloc(100_000)),
      );
      const response = await client.response();
      expect(response.status).toBe(413);
      if (response.field('connection') === 'close') return; // allowed: the rest of the content was not read
      client.sendHead(`GET ${origin.url}/after HTTP/1.1`, 'Host: x');
      expect((await client.response()).content.toString()).toBe('GET /after 0');
    });
  });

  describe('Expect: 100-continue', () => {
    const expecting = (url: string) => [`POST ${url} HTTP/1.1`, 'Host: x', 'Expect: 100-continue', 'Content-Length: 5'];

    test('is answered with 100 once the request is admitted, and then with the response', async () => {
      using client = await connectClient(proxy.port);
      client.sendHead(...expecting(`${origin.url}/expect`));
      expect((await client.response()).status).toBe(100);
      client.send('hello');
      expect((await client.response()).content.toString()).toBe('POST /expect 5');
      expect(received().values('expect')).toEqual([]);
    });

    test('of a request that is refused is answered with 403 and no 100', async () => {
      using client = await connectClient(proxy.port);
      client.sendHead(...expecting(`http://127.0.0.1:${proxy.controlPort}/`));
      expect((await client.response()).status).toBe(403);
      expect(await client.ended).toBe('end');
    });

    test('of a client that does not wait does no harm', async () => {
      using client = await connectClient(proxy.port);
      client.send(message(expecting(`${origin.url}/eager`), 'hello'));
      const first = await client.response();
      const final = first.status === 100 ? await client.response() : first;
      expect(final.content.toString()).toBe('POST /eager 5');
      client.sendHead(`GET ${origin.url}/next HTTP/1.1`, 'Host: x');
      expect((await client.response()).content.toString()).toBe('GET /next 0');
    });
  });
});
