// Each limit of the configuration at its bound: what is within passes, one more is refused with the status that says so.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Client, connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

let origin: Origin;
let proxy: TestAgent;
/** What `/slow` waits for. */
let slow = Promise.withResolvers<void>();

const limits = {
  maxConnections: 4,
  maxPipelinedRequests: 3,
  maxHeadBytes: 1_000,
  maxFields: 8,
  keepAliveTimeoutMs: 200,
};

beforeAll(async () => {
  origin = await startOrigin(async ({ target }, socket) => {
    if (target === '/slow') await slow.promise;
    socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${target.length}`], target));
  });
  proxy = await startTestAgent({ edge: 'none', limits });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** Field lines `X0: `, `X1: ` and so on. */
const fieldLines = (count: number) => Array.from({ length: count }, (_, i) => `X${i}: `);

describe('maxFields', () => {
  test.each([
    ['passes', limits.maxFields, 200],
    ['and one more is 431', limits.maxFields + 1, 431],
  ])('%s in a request', async (_, count, status) => {
    const asked = origin.requests.length;
    const response = await getOnce(proxy.port, `${origin.url}/fields`, ...fieldLines(count - 2));
    expect(response.status).toBe(status);
    expect(origin.requests.length - asked).toBe(status === 200 ? 1 : 0);
    if (status === 200) return;
    expect(JSON.parse(response.content.toString())).toMatchObject({
      status,
      advice: expect.stringMatching(/maxFields/),
    });
    expect([response.field('connection'), response.ending]).toEqual(['close', 'end']);
  });

  test.each([
    ['passes', limits.maxFields, 200],
    ['and one more is 431', limits.maxFields + 1, 431],
  ])('%s in a CONNECT', async (_, count, status) => {
    await using server = await startTcp((socket) => void socket.end('served'));
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`, 'Host: x', ...fieldLines(count - 1));
    const head = (await client.octets.until('\r\n\r\n'))?.toString();
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(server.connections).toBe(status === 200 ? 1 : 0);
  });

  test('beyond it nothing behind the request is carried out, and its content is no request', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    const inner = `GET ${origin.url}/smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;
    client.sendHead(`GET ${origin.url}/before HTTP/1.1`, 'Host: x');
    client.sendHead(`POST ${origin.url}/ HTTP/1.1`, `Content-Length: ${inner.length}`, ...fieldLines(limits.maxFields));
    client.send(inner + inner);
    expect((await client.response()).content.toString()).toBe('/before');
    expect((await client.response('POST')).status).toBe(431);
    expect(await client.ended).toBe('end');
    expect(origin.requests.slice(asked).map(({ target }) => target)).toEqual(['/before']);
  });
});

describe('maxHeadBytes', () => {
  /** A request whose target, names and values are so many octets together. */
  const ofSize = (octets: number) => {
    const target = `${origin.url}/head`;
    const named = target.length + 'Host'.length + 'x'.length + 'Connection'.length + 'close'.length + 'X'.length;
    return message([`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: close', `X: ${'y'.repeat(octets - named)}`]);
  };

  test.each([
    ['passes', limits.maxHeadBytes, 200],
    ['and one more is 431', limits.maxHeadBytes + 1, 431],
  ])('%s in a request', async (_, octets, status) => {
    expect((await exchangeOnce(proxy.port, ofSize(octets))).status).toBe(status);
  });
});

describe('maxPipelinedRequests', () => {
  afterAll(() => {
    slow = Promise.withResolvers();
  });

  test('wait for their turn on one connection, and one more is 503 after their answers', async () => {
    const asked = origin.requests.length;
    using client = await connectClient(proxy.port);
    const paths = ['/slow', '/2', '/3', '/4', '/5'];
    client.send(paths.map((path) => `GET ${origin.url}${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await origin.received(asked + 1);
    slow.resolve();
    for (const path of paths.slice(0, limits.maxPipelinedRequests))
      expect((await client.response()).content.toString()).toBe(path);
    const refused = await client.response();
    expect([refused.status, refused.field('connection')]).toEqual([503, 'close']);
    expect(refused.field('proxy-status')).toMatch(/connection_limit_reached/);
    expect(await client.ended).toBe('end');
    expect(origin.requests.slice(asked).map(({ target }) => target)).toEqual(['/slow', '/2', '/3']);
  });
});

describe('maxConnections', () => {
  test('are served, over both addresses together, and one more is closed without an answer until another is gone', async () => {
    const clients: Client[] = [];
    for (let i = 0; i < limits.maxConnections; i++)
      clients.push(await connectClient(proxy.port, i % 2 === 0 ? '127.0.0.1' : '::1'));
    await proxy.active(limits.maxConnections);
    for (const host of ['127.0.0.1', '::1']) {
      using tooMany = await connectClient(proxy.port, host);
      await tooMany.ended;
      expect(tooMany.octets.all().length).toBe(0);
    }
    for (const [i, client] of clients.entries()) {
      client.sendHead(`GET ${origin.url}/${i} HTTP/1.1`, 'Host: x', 'Connection: close');
      expect((await client.response()).content.toString()).toBe(`/${i}`);
      client.socket.destroy();
    }
    await proxy.active(0);
    expect((await getOnce(proxy.port, `${origin.url}/again`)).content.toString()).toBe('/again');
  });
});

describe('keepAliveTimeoutMs', () => {
  test('without another request ends a connection cleanly, whose first request was answered', async () => {
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/kept HTTP/1.1`, 'Host: x');
    expect((await client.response()).field('connection')).not.toBe('close');
    expect(await client.ended).toBe('end');
  });
});
