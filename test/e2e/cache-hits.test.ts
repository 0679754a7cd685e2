// What is answered from the agent's store: without the origin, by range, to HEAD, stale, and after a restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

const fresh = 'Cache-Control: max-age=60';

describe.each(routes)('by %s', (edge) => {
  let proxy: TestAgent;
  beforeAll(async () => {
    proxy = await startTestAgent({ edge, cache: { agent: { diskBytes: 0 }, edge: 'off' } });
  });
  afterAll(() => proxy[Symbol.asyncDispose]());

  test('a second request is answered without the origin, and its record says so', async () => {
    await using origin = await site([fresh], 'content');
    await getOnce(proxy.port, `${origin.url}/twice`);
    const second = await getOnce(proxy.port, `${origin.url}/twice`);
    expect(second).toMatchObject({ status: 200, isComplete: true });
    expect(second.content.toString()).toBe('content');
    expect(second.field('age')).toMatch(/^[0-5]$/);
    expect(second.field('cache-status')).toMatch(/^edgehop;hit;ttl=(?:60|5\d)$/);
    expect(second.field('proxy-status')).toBeUndefined();
    expect(origin.requests).toHaveLength(1);
    const record = await proxy.recordWhere(({ cache }) => cache?.agent?.hit === true);
    expect(record.route).toBeUndefined();
    expect(Object.keys(record.stages)).toEqual(['client-accepted', 'request-received', 'response-sent']);
    expect(record).toMatchObject({ response: { status: 200 }, octets: { toClient: 7 } });
  });

  test('the first answer says that it is stored', async () => {
    await using origin = await site([fresh], 'content');
    const first = await getOnce(proxy.port, `${origin.url}/first`);
    expect(first.field('cache-status')).toBe('edgehop;fwd=uri-miss;fwd-status=200;stored');
    expect(first.field('age')).toBeUndefined();
    const record = await proxy.recordOf('/first');
    expect(record.cache).toEqual({ agent: { fwd: 'uri-miss', fwdStatus: 200, stored: true } });
    expect(record.route).toBeDefined();
  });

  test.each([0, 1, 20_000, 300_000, 3_000_000])('content of %i octets comes back as it came', async (octets) => {
    const content = 'x'.repeat(octets);
    await using origin = await site([fresh, 'X-A: 1', 'X-A: 2'], content);
    for (let time = 0; time < 3; time++) {
      const { status, content: got, values } = await getOnce(proxy.port, `${origin.url}/size${octets}`);
      expect(status).toBe(200);
      expect(got.equals(Buffer.from(content))).toBe(true);
      expect(values('x-a').join(', ')).toBe('1, 2');
    }
    expect(origin.requests).toHaveLength(1);
  });

  test('chunked content comes back with its length and its trailers', async () => {
    await using origin = await startOrigin((_, socket) => {
      const head = message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked', 'Trailer: X-Sum']);
      socket.write(Buffer.concat([head, Buffer.from('3\r\ncon\r\n4\r\ntent\r\n0\r\nX-Sum: 7\r\n\r\n')]));
    });
    await getOnce(proxy.port, `${origin.url}/chunked`);
    const asked = origin.requests.length; // workerd's fetch hands trailers over to a second request
    const second = await getOnce(proxy.port, `${origin.url}/chunked`);
    expect(second.content.toString()).toBe('content');
    expect(second.field('content-length')).toBe('7');
    expect(origin.requests).toHaveLength(asked);
  });

  test('a stored GET answers HEAD, ranges and conditions', async () => {
    await using origin = await site([fresh, 'ETag: "1"'], '0123456789');
    const url = `${origin.url}/many-ways`;
    await getOnce(proxy.port, url);
    const head = await exchangeOnce(proxy.port, `HEAD ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 'HEAD');
    expect([head.status, head.field('content-length'), head.content.length]).toEqual([200, '10', 0]);
    const range = await getOnce(proxy.port, url, 'Range: bytes=2-4');
    expect([range.status, range.field('content-range'), range.content.toString()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    expect((await getOnce(proxy.port, url, 'Range: bytes=20-')).status).toBe(416);
    const known = await getOnce(proxy.port, url, 'If-None-Match: "1"');
    expect([known.status, known.content.length]).toEqual([304, 0]);
    expect(origin.requests).toHaveLength(1);
  });

  test('several requests on one connection get their own answers, stored or not', async () => {
    await using origin = await site([fresh], 'content');
    const get = `GET ${origin.url}/kept HTTP/1.1\r\nHost: x\r\n\r\n`;
    const other = `GET ${origin.url}/kept-other HTTP/1.1\r\nHost: x\r\nCache-Control: no-store\r\n\r\n`;
    using client = await connectClient(proxy.port);
    client.send(get + other + get + get + other);
    for (let i = 0; i < 5; i++) expect((await client.response()).content.toString()).toBe('content');
    expect(origin.requests).toHaveLength(3);
  });

  test('a connection stays open after an answer from the store', async () => {
    await using origin = await site([fresh, 'ETag: "1"'], 'content');
    using client = await connectClient(proxy.port);
    for (const [method, field] of [
      ['GET', 'X: y'],
      ['GET', 'X: y'],
      ['HEAD', 'X: y'],
      ['GET', 'If-None-Match: "1"'],
      ['GET', 'Range: bytes=0-1'],
      ['GET', 'X: y'],
    ] as const) {
      client.sendHead(`${method} ${origin.url}/stays HTTP/1.1`, 'Host: x', field);
      const { values } = await client.response(method);
      expect(values('connection')).toEqual(['keep-alive']);
    }
    expect(origin.requests).toHaveLength(1);
  });

  test('what is stale is validated with its own tag, and answers', async () => {
    await using origin = await startOrigin(({ values }, socket) => {
      const lines = ['Cache-Control: max-age=0', 'ETag: "1"'];
      if (values('if-none-match')[0] === '"1"') socket.write(message(['HTTP/1.1 304 Not Modified', ...lines]));
      else socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 7', ...lines], 'content'));
    });
    await getOnce(proxy.port, `${origin.url}/stale`);
    const second = await getOnce(proxy.port, `${origin.url}/stale`);
    expect([second.status, second.content.toString()]).toEqual([200, 'content']);
    expect(second.field('cache-status')).toMatch(/^edgehop;fwd=stale;fwd-status=304/);
    expect(second.field('proxy-status')).toMatch(/received-status=304$/);
    expect(origin.requests.map(({ values }) => values('if-none-match'))).toEqual([[], ['"1"']]);
  });

  test('what is stale answers when its origin has gone, where that is allowed', async () => {
    const origin = await site(['Cache-Control: max-age=0, stale-if-error=600'], 'content');
    await getOnce(proxy.port, `${origin.url}/gone`);
    await origin[Symbol.asyncDispose]();
    const second = await getOnce(proxy.port, `${origin.url}/gone`);
    expect([second.status, second.content.toString()]).toEqual([200, 'content']);
    expect(second.field('cache-status')).toMatch(/^edgehop;fwd=stale;ttl=-?\d+;detail="stale, since/);
  });

  test('what is stale answers at once where that is allowed, and the next one is fresh', async () => {
    let version = 0;
    const hold = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      const content = String(++version);
      if (version > 1) await hold.promise;
      const control = version === 1 ? 'max-age=0, stale-while-revalidate=600' : 'max-age=600';
      socket.write(message(['HTTP/1.1 200 OK', `Cache-Control: ${control}`, 'Content-Length: 1'], content));
    });
    await getOnce(proxy.port, `${origin.url}/swr`);
    expect((await getOnce(proxy.port, `${origin.url}/swr`)).content.toString()).toBe('1');
    await origin.received(2);
    hold.resolve();
    await proxy.recordWhere(({ request, cache }) => request.url.endsWith('/swr') && cache?.agent?.fwd === 'stale');
    expect((await getOnce(proxy.port, `${origin.url}/swr`)).content.toString()).toBe('2');
    expect(origin.requests).toHaveLength(2);
  });

  test('a change makes what is stored unusable', async () => {
    await using origin = await site([fresh], 'content');
    await getOnce(proxy.port, `${origin.url}/changed`);
    await exchangeOnce(
      proxy.port,
      `POST ${origin.url}/changed HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx`,
    );
    await getOnce(proxy.port, `${origin.url}/changed`);
    expect(origin.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET']);
  });

  test('RFC 9111 5.2.1.7: only-if-cached is answered from the store or with 504', async () => {
    await using origin = await site([fresh], 'content');
    const wish = 'Cache-Control: only-if-cached';
    expect((await getOnce(proxy.port, `${origin.url}/only`, wish)).status).toBe(504);
    await getOnce(proxy.port, `${origin.url}/only`);
    expect((await getOnce(proxy.port, `${origin.url}/only`, wish)).status).toBe(200);
    expect(origin.requests).toHaveLength(1);
  });
});

test('what was stored answers after a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-restart-'));
  try {
    await using origin = await site([fresh], 'content');
    {
      await using proxy = await startTestAgent({ edge: 'none', folder, cache: {} });
      await getOnce(proxy.port, `${origin.url}/kept`);
    }
    await using proxy = await startTestAgent({ edge: 'none', folder, cache: {} });
    const second = await getOnce(proxy.port, `${origin.url}/kept`);
    expect(second.content.toString()).toBe('content');
    expect(second.field('cache-status')).toMatch(/^edgehop;hit;/);
    expect(origin.requests).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('without a cache every request goes to the origin, and no answer speaks of one', async () => {
  await using origin = await site([fresh], 'content');
  await using proxy = await startTestAgent({ edge: 'none', cache: { agent: false } });
  await getOnce(proxy.port, `${origin.url}/off`);
  const second = await getOnce(proxy.port, `${origin.url}/off`);
  expect(second.field('cache-status')).toBeUndefined();
  expect(origin.requests).toHaveLength(2);
  expect((await proxy.recordOf('/off')).cache).toBeUndefined();
});

/** An origin that answers everything with these lines and this content, and dates it. */
function site(lines: readonly string[], content: string): Promise<Origin> {
  return startOrigin((_, socket) => {
    const date = `Date: ${new Date().toUTCString()}`;
    socket.write(message(['HTTP/1.1 200 OK', date, `Content-Length: ${content.length}`, ...lines], content));
  });
}
