// What is no request, or no acceptable one, is answered in words, closed, and harms nobody else.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';

const headTimeoutMs = 400;

describe.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;

  beforeAll(async () => {
    origin = await startOrigin(async (request, socket) => {
      const content = await request.content.catch(() => undefined);
      if (content === undefined) return;
      const text = `${request.method} ${request.target} ${content.length}`;
      socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`], text));
    });
    proxy = await startTestAgent({ edge, limits: { headTimeoutMs } });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  /** Replaces the placeholders in a case's lines. */
  const filled = (text: string) =>
    text.replaceAll('{O}', origin.url).replaceAll('{H}', origin.url.slice('http://'.length));

  async function expectRefused(octets: string | Buffer, status: number): Promise<void> {
    const asked = origin.requests.length;
    const response = await exchangeOnce(proxy.port, typeof octets === 'string' ? filled(octets) : octets);
    expect(response.status).toBe(status);
    expect(response.isComplete).toBe(true);
    expect(response.field('proxy-status')).toMatch(/^edgehop;error=http_request_error;.*details="[A-Z].*\."/);
    expect(response.field('connection')).toBe('close');
    const problem = JSON.parse(response.content.toString());
    expect(problem.status).toBe(status);
    expect(problem.detail).toMatch(/^[A-Z].*\.$/);
    expect(origin.requests.length).toBe(asked);
    await expectSentinel();
  }

  async function expectSentinel(): Promise<void> {
    const path = `/sentinel-${randomBytes(4).toString('hex')}`;
    const response = await getOnce(proxy.port, origin.url + path);
    expect(response.content.toString()).toBe(`GET ${path} 0`);
  }

  describe('a head that is refused', () => {
    const host = 'Host: {H}';
    test.each<[name: string, octets: string, status: number]>([
      ['without a version', 'GET {O}/\r\n\r\n', 505],
      ['of words', 'hello, is anybody there?\r\n\r\n', 400],
      ['with an unknown method', 'FROB {O}/ HTTP/1.1\r\nHost: {H}\r\n\r\n', 400],
      ['with a method that is no token', 'G="T {O}/ HTTP/1.1\r\nHost: {H}\r\n\r\n', 400],
      ['with HTTP/2.0', 'GET {O}/ HTTP/2.0\r\nHost: {H}\r\n\r\n', 505],
      ['with HTTP/1.7', 'GET {O}/ HTTP/1.7\r\nHost: {H}\r\n\r\n', 505],
      [
        'with both length and chunks',
        `POST {O}/ HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
        400,
      ],
      ['with two lengths', `POST {O}/ HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, 400],
      ['with a signed length', `POST {O}/ HTTP/1.1\r\n${host}\r\nContent-Length: +5\r\n\r\nhello`, 400],
      ['with a list of lengths', `POST {O}/ HTTP/1.1\r\n${host}\r\nContent-Length: 5, 5\r\n\r\nhello`, 400],
      [
        'with an enormous length',
        `POST {O}/ HTTP/1.1\r\n${host}\r\nContent-Length: 99999999999999999999\r\n\r\nhello`,
        400,
      ],
      ['with an unknown coding', `POST {O}/ HTTP/1.1\r\n${host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
      [
        'chunked twice',
        `POST {O}/ HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        400,
      ],
      ['chunked in HTTP/1.0', `POST {O}/ HTTP/1.0\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
      ['with two Host fields', `GET {O}/ HTTP/1.1\r\n${host}\r\n${host}\r\n\r\n`, 400],
      ['without Host in HTTP/1.1', 'GET {O}/ HTTP/1.1\r\n\r\n', 400],
      ['with an empty Host', 'GET {O}/ HTTP/1.1\r\nHost:\r\n\r\n', 400],
      ['with userinfo in Host', 'GET {O}/ HTTP/1.1\r\nHost: b@a\r\n\r\n', 400],
      ['with NUL in a value', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: a\x00b\r\n\r\n`, 400],
      ['with a control octet in a value', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: a\x08b\r\n\r\n`, 400],
      ['with DEL in a value', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: a\x7fb\r\n\r\n`, 400],
      ['with a folded line', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: a\r\n b\r\n\r\n`, 400],
      ['with bare line feeds', 'GET {O}/ HTTP/1.1\nHost: {H}\n\n', 400],
      ['with a bare carriage return', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: a\rb\r\n\r\n`, 400],
      ['with a space before the colon', `GET {O}/ HTTP/1.1\r\n${host}\r\nX : a\r\n\r\n`, 400],
      ['with a nameless field', `GET {O}/ HTTP/1.1\r\n${host}\r\n: a\r\n\r\n`, 400],
      ['with port 0', 'GET http://127.0.0.1:0/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['with port 65536', 'GET http://127.0.0.1:65536/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['with port 080', 'GET http://127.0.0.1:080/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['with an endless port', `GET http://127.0.0.1:${'9'.repeat(400)}/ HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
      ['with an octal address', 'GET http://0177.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      ['in origin-form', 'GET / HTTP/1.1\r\nHost: {H}\r\n\r\n', 400],
      ['in asterisk-form', 'GET * HTTP/1.1\r\nHost: {H}\r\n\r\n', 400],
      ['with another scheme', 'GET ftp://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
      [
        'with a first chunk that is none',
        `POST {O}/ HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
        400,
      ],
      [
        'with an endless chunk size',
        `POST {O}/ HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF0\r\nhello`,
        400,
      ],
      ['A23: that is a ClientHello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00', 400],
      ['that is too large', `GET {O}/ HTTP/1.1\r\n${host}\r\n${`X: ${'y'.repeat(1000)}\r\n`.repeat(70)}\r\n`, 431],
      ['that never ends', `GET {O}/ HTTP/1.1\r\n${host}\r\nX: `, 408],
    ])('%s', async (_name, octets, status) => {
      await expectRefused(octets, status);
    });

    test('A23: of a megabyte of random octets', async () => {
      await expectRefused(Buffer.concat([Buffer.of(0x80), randomBytes(1024 * 1024)]), 400);
    });
  });

  test('a download that is open on another connection comes to its end', async () => {
    const half = Buffer.alloc(100_000, 'a');
    const finish = Promise.withResolvers<void>();
    await using slow = await startOrigin(async (_request, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${half.length * 2}`], half));
      await finish.promise;
      socket.write(half);
    });
    using bystander = await connectClient(proxy.port);
    bystander.sendHead(`GET ${slow.url}/ HTTP/1.1`, 'Host: x');
    await bystander.octets.until('\r\n\r\n');
    expect((await bystander.octets.exactly(half.length)).length).toBe(half.length);
    await expectRefused('nonsense\r\n\r\n', 400);
    await expectRefused(Buffer.concat([Buffer.of(0x80), randomBytes(100_000)]), 400);
    finish.resolve();
    expect((await bystander.octets.exactly(half.length)).equals(half)).toBe(true);
  });

  test('a third request that is malformed gets its 400 after the two answers before it, and nothing behind it runs', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    const get = (path: string) => filled(`GET {O}${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    client.send(`${get('/1')}${get('/2')}GET nonsense\x01\r\n\r\n${get('/4')}${get('/5')}`);
    expect((await client.response()).content.toString()).toBe('GET /1 0');
    expect((await client.response()).content.toString()).toBe('GET /2 0');
    const third = await client.response();
    expect([third.status, third.field('connection')]).toEqual([400, 'close']);
    expect(await client.ended).toBe('end');
    expect((await client.octets.rest()).length).toBe(0);
    await expectSentinel();
    expect(origin.requests.slice(asked, -1).map(({ target }) => target)).toEqual(['/1', '/2']);
  });

  test('a third request that accept refuses ends the connection as well', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    const get = (path: string) => filled(`GET {O}${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    client.send(`${get('/1')}${get('/2')}GET /3 HTTP/1.1\r\nHost: x\r\n\r\n${get('/4')}${get('/5')}`);
    expect((await client.response()).content.toString()).toBe('GET /1 0');
    expect((await client.response()).content.toString()).toBe('GET /2 0');
    expect((await client.response()).status).toBe(400);
    expect(await client.ended).toBe('end');
    await expectSentinel();
    expect(origin.requests.slice(asked, -1).map(({ target }) => target)).toEqual(['/1', '/2']);
  });

  test('a malformed chunk in the middle of an upload is answered with 400, and the origin never has a whole request', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    client.send(filled('POST {O}/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'));
    client.send(chunk(Buffer.alloc(70_000, 'u')));
    const received = await origin.received(asked + 1);
    client.send(`zz\r\n${filled('GET {O}/smuggled HTTP/1.1\r\nHost: x\r\n\r\n')}`);
    const response = await client.response('POST');
    expect([response.status, response.field('connection')]).toEqual([400, 'close']);
    expect(await client.ended).toBe('end');
    await expect(received.content).rejects.toThrow();
    await expectSentinel();
    expect(origin.requests.slice(asked).map(({ method }) => method)).toEqual(['POST', 'GET']);
    const record = await proxy.recordOf('/upload');
    expect(record.error).toMatchObject({ type: 'http_request_error', status: 400 });
  });

  test('two spaces behind the method are read as one, and the origin gets one', async () => {
    const asked = origin.requests.length;
    const response = await exchangeOnce(
      proxy.port,
      filled('GET  {O}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    );
    expect(response.content.toString()).toBe('GET / 0');
    expect(origin.requests[asked]?.head).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
  });

  test('a head of which each octet comes alone is judged as one that comes at once', async () => {
    using client = await connectClient(proxy.port);
    const octets = filled('POST {O}/slowly HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n');
    for (const octet of octets) {
      if (!client.socket.writable) break;
      client.send(octet);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.response()).status).toBe(400);
    expect(await client.ended).toBe('end');
  });

  test('a content with a length of 010 is sent on as 10', async () => {
    const asked = origin.requests.length;
    const response = await exchangeOnce(
      proxy.port,
      filled('POST {O}/digits HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 010\r\n\r\n0123456789'),
    );
    expect(response.content.toString()).toBe('POST /digits 10');
    expect(origin.requests[asked]?.values('content-length')).toEqual(['10']);
  });
});
