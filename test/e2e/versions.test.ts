// Framing between the versions of HTTP/1: what a client cannot understand it is not sent, and lengths stay true.
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent, upstreams } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';

const ok = 'HTTP/1.1 200 OK';

/** What the origin answers, by path. */
const answers: Readonly<Record<string, Buffer>> = {
  '/length': message([ok, 'Content-Length: 5'], 'hello'),
  '/chunked': Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hel'), chunk('lo'), chunk()]),
  '/close': message([ok, 'Connection: close'], 'hello'),
  '/old': message(['HTTP/1.0 200 OK'], 'hello'),
  '/empty': message([ok, 'Content-Length: 0']),
  '/204': message(['HTTP/1.1 204 No Content', 'X-Kind: bare']),
  '/304': message(['HTTP/1.1 304 Not Modified', 'ETag: "x"', 'Content-Length: 5']),
  '/head': message([ok, 'Content-Length: 12345']),
};

describe.each(upstreams)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;

  beforeAll(async () => {
    origin = await startOrigin((request, socket) => {
      socket.write(answers[request.target] ?? '');
      if (request.target === '/close' || request.target === '/old') socket.end();
    });
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  const withContent = ['/length', '/chunked', '/close', '/old'] as const;
  /** Chunks that came together with their head are told with their length. */
  const hasLength = (path: string) => path === '/length' || (path === '/chunked' && edge === 'embedded-socket');

  test.each(withContent)('%s reaches a client of HTTP/1.1 complete, in the best framing there is', async (path) => {
    const response = await getOnce(proxy.port, origin.url + path);
    expect([response.content.toString(), response.isComplete]).toEqual(['hello', true]);
    expect(response.framing).toBe(hasLength(path) ? 'length' : 'chunked');
    expect(response.startLine).toBe('HTTP/1.1 200 OK');
  });

  test.each(withContent)('%s reaches a client of HTTP/1.0 without chunks', async (path) => {
    const response = await exchangeOnce(proxy.port, `GET ${origin.url}${path} HTTP/1.0\r\n\r\n`);
    expect([response.content.toString(), response.isComplete, response.ending]).toEqual(['hello', true, 'end']);
    expect(response.framing).toBe(hasLength(path) ? 'length' : 'close');
    expect(response.field('transfer-encoding')).toBeUndefined();
  });

  test.each([[[]], [['Host: elsewhere']]])(
    'a client of HTTP/1.0 with %j asks the origin by the target',
    async (fields) => {
      const asked = origin.requests.length;
      const response = await exchangeOnce(
        proxy.port,
        `${[`GET ${origin.url}/length HTTP/1.0`, ...fields].join('\r\n')}\r\n\r\n`,
      );
      expect(response.status).toBe(200);
      const request = origin.requests[asked];
      expect(request?.head).toMatch(/^GET \/length HTTP\/1\.1\r\n/);
      expect(request?.values('host')).toEqual([origin.url.slice('http://'.length)]);
    },
  );

  test('a client of HTTP/1.0 keeps its connection when it asks to and lengths are known', async () => {
    using client = await connectClient(proxy.port);
    for (const path of ['/length', '/empty', '/length']) {
      client.sendHead(`GET ${origin.url}${path} HTTP/1.0`, 'Connection: keep-alive');
      const response = await client.response();
      expect([response.status, response.field('connection')]).toEqual([200, 'keep-alive']);
    }
  });

  test('a client of HTTP/1.0 that asks to keep its connection is closed where the length is unknown', async () => {
    const response = await exchangeOnce(
      proxy.port,
      `GET ${origin.url}${hasLength('/chunked') ? '/close' : '/chunked'} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
    );
    expect([response.content.toString(), response.field('connection'), response.ending]).toEqual([
      'hello',
      'close',
      'end',
    ]);
  });

  test('a client of HTTP/1.1 that says close is closed', async () => {
    const response = await getOnce(proxy.port, `${origin.url}/length`);
    expect([response.field('connection'), response.ending]).toEqual(['close', 'end']);
  });

  test.each([
    ['HEAD', '/head', 200, '12345'],
    ['GET', '/204', 204, undefined],
    ['GET', '/304', 304, '5'],
    ['HEAD', '/304', 304, '5'],
    ['HEAD', '/204', 204, undefined],
  ])('%s %s has no content, and the connection goes on', async (method, path, status, length) => {
    using client = await connectClient(proxy.port);
    client.sendHead(`${method} ${origin.url}${path} HTTP/1.1`, 'Host: x', 'If-None-Match: "x"'); // what 304 answers
    const response = await client.response(method);
    expect([response.status, response.field('content-length')]).toEqual([status, length]);
    expect(response.field('transfer-encoding')).toBeUndefined();
    client.sendHead(`GET ${origin.url}/length HTTP/1.1`, 'Host: x');
    expect((await client.response()).content.toString()).toBe('hello');
  });

  test('content that comes piece by piece reaches the client piece by piece', async () => {
    await using live = await startOrigin(async (_request, socket) => {
      socket.write(message([ok, 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked']));
      for (const next of steps) {
        await next.promise;
        socket.write(chunk(`data: ${steps.indexOf(next)}\n\n`));
      }
      socket.write(chunk());
    });
    const steps = [0, 1, 2].map(() => Promise.withResolvers<void>());
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${live.url}/ HTTP/1.1`, 'Host: x', 'Connection: close');
    for (const [i, step] of steps.entries()) {
      step.resolve(); // the next piece is written only now that the one before it has arrived
      expect((await client.octets.until(`data: ${i}\n\n`))?.toString()).toContain(`data: ${i}`);
    }
    expect(await client.ended).toBe('end');
  });

  test.each(['Transfer-Encoding: chunked', 'Content-Length: 5'])(
    'a head with %s reaches the client before any content',
    async (framing) => {
      const isSeen = Promise.withResolvers<void>();
      await using late = await startOrigin(async (_request, socket) => {
        socket.write(message([ok, 'X-Kind: early', framing]));
        await isSeen.promise;
        socket.write(framing === 'Content-Length: 5' ? 'hello' : Buffer.concat([chunk('hello'), chunk()]));
      });
      using client = await connectClient(proxy.port);
      client.sendHead(`GET ${late.url}/late HTTP/1.1`, 'Host: x', 'Connection: close');
      expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/x-kind: early/i);
      isSeen.resolve();
      expect((await client.octets.rest()).toString()).toContain('hello');
    },
  );

  test('a client that leaves ends the download at the origin', async () => {
    const closed = Promise.withResolvers<void>();
    await using endless = await startOrigin((_request, socket) => {
      socket.once('close', () => closed.resolve());
      socket.write(message([ok, 'Transfer-Encoding: chunked']));
      const pour = () => void (socket.writable && socket.write(chunk(Buffer.alloc(16_384)), () => setImmediate(pour)));
      pour();
    });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${endless.url}/endless HTTP/1.1`, 'Host: x');
    await client.octets.exactly(100_000);
    client.socket.destroy();
    await closed.promise;
    expect((await proxy.recordOf('/endless')).error).toMatchObject({ type: 'http_request_error', status: 499 });
  });

  test('a client that leaves a stream that is silent frees the connection to the origin', {
    timeout: 3_000,
  }, async () => {
    const closed = Promise.withResolvers<void>();
    await using silent = await startOrigin((_request, socket) => {
      socket.once('close', () => closed.resolve());
      socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello')]));
    });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${silent.url}/silent HTTP/1.1`, 'Host: x');
    await client.octets.until('hello');
    client.socket.destroy();
    await closed.promise;
  });
});
