// Simulated networks through a real agent: faults behind their octets on every way, what departs early, and what comes whole.
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp, type TcpServer } from '../support/tcp.ts';
import { acceptOf } from '../support/web-socket.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const text = '0123456789'.repeat(100);

let origin: Origin;
let speaker: TcpServer;
const left: Socket[] = [];

beforeAll(async () => {
  origin = await startOrigin(async (request, socket) => {
    if (request.values('upgrade').length > 0) {
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
      const accept = acceptOf(request.values('sec-websocket-key')[0] ?? '');
      return void socket.write(message([...lines, `Sec-WebSocket-Accept: ${accept}`], text));
    }
    if (request.target === '/upload') {
      const { length } = await request.content;
      return void socket.write(
        message(['HTTP/1.1 200 OK', `Content-Length: ${String(length).length}`], String(length)),
      );
    }
    if (request.target === '/paced/endless' || request.target === '/stalls') {
      left.push(socket);
      return void socket.write(
        Buffer.concat([message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked']), chunk(Buffer.alloc(50_000))]),
      );
    }
    if (request.target === '/paced/cut') {
      return void socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 2000'], text));
    }
    const fresh = request.target.startsWith('/stored') ? ['Cache-Control: max-age=60'] : [];
    return void socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`, ...fresh], text));
  });
  speaker = await startTcp((socket) => void socket.write(text));
});

afterAll(async () => {
  await origin[Symbol.asyncDispose]();
  await speaker[Symbol.asyncDispose]();
});

function startShaped(edge: (typeof routes)[number]): Promise<TestAgent> {
  const at = (path: string) => ({ url: `http://127.0.0.1:${origin.port}${path}` });
  const reset = { fault: { kind: 'reset', afterBytes: 300 } } as const;
  return startTestAgent({
    edge,
    config: {
      rules: [
        { name: 'reset', when: at('/reset'), then: { shape: reset } },
        {
          name: 'truncated',
          when: at('/truncated'),
          then: { shape: { fault: { kind: 'truncate', afterBytes: 300 } } },
        },
        { name: 'headless', when: at('/headless'), then: { shape: { fault: { kind: 'truncate' } } } },
        { name: 'stored', when: at('/stored'), then: { shape: { downBytesPerSecond: 1_000_000, ...reset } } },
        { name: 'late', when: at('/late'), then: { shape: { latencyMs: 600_000 } } },
        { name: 'stalls', when: at('/stalls'), then: { shape: { fault: { kind: 'timeout', afterBytes: 300 } } } },
        { name: 'paced', when: at('/paced/*'), then: { shape: { downBytesPerSecond: 20_000 } } },
        { name: 'upload', when: at('/upload'), then: { shape: { upBytesPerSecond: 2_000_000 } } },
        { name: 'shaped tunnel', when: { port: speaker.port }, then: { shape: reset } },
        { name: 'shaped socket', when: at('/socket'), then: { shape: reset } },
      ],
    },
  });
}

describe.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;

  beforeAll(async () => {
    proxy = await startShaped(edge);
  });

  afterAll(() => proxy[Symbol.asyncDispose]());

  test.each([
    ['/reset', 300, 'reset'],
    ['/truncated', 300, 'truncate'],
    ['/headless', 0, 'truncate'],
  ])('content of %s breaks off behind %i octets, never with a clean end', async (path, octets, fault) => {
    const { status, content, ending, isComplete } = await getOnce(proxy.port, `${origin.url}${path}`);
    expect([status, content.toString(), isComplete, ending]).toEqual([200, text.slice(0, octets), false, 'reset']);
    expect(await proxy.recordOf(path)).toMatchObject({ shape: { fault } });
  });

  test('a response from the cache goes through the same network', async () => {
    for (const count of [1, 2]) {
      const { content, ending } = await getOnce(proxy.port, `${origin.url}/stored`);
      expect([count, content.length, ending]).toEqual([count, 300, 'reset']);
    }
  });

  test('a request with content arrives whole', async () => {
    const content = Buffer.alloc(300_000, 7);
    const lines = [`POST ${origin.url}/upload HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 300000'];
    const response = await exchangeOnce(proxy.port, message(lines, content));
    expect(response.content.toString()).toBe('300000');
  });

  test('I06 a client that leaves while its response waits is forgotten at once', async () => {
    const client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/late HTTP/1.1`, 'Host: x');
    await expect.poll(() => origin.requests.some(({ target }) => target === '/late')).toBe(true);
    client.socket.destroy();
    expect(await proxy.recordOf('/late')).toMatchObject({ shape: { latencyMs: 600_000 } });
    await proxy.active(0);
  });

  test.each(['/paced/endless', '/stalls'])(
    'I06 a client that leaves in the midst of %s ends the origin, too',
    async (path) => {
      left.length = 0;
      using client = await connectClient(proxy.port);
      client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
      await client.octets.until('\0');
      client.socket.destroy();
      await expect.poll(() => left[0]?.closed).toBe(true);
      await proxy.active(0);
    },
  );

  test('an origin that breaks off is passed on behind all that it sent', async () => {
    const { content, ending } = await getOnce(proxy.port, `${origin.url}/paced/cut`);
    expect([content.toString(), ending]).toEqual([text, 'reset']);
  });
});

describe('a tunnel', () => {
  let proxy: TestAgent;

  beforeAll(async () => {
    proxy = await startShaped('none');
  });

  afterAll(() => proxy[Symbol.asyncDispose]());

  const port16 = (port: number) => Buffer.of(port >> 8, port & 255);

  test.each([
    ['CONNECT', () => message([`CONNECT 127.0.0.1:${speaker.port} HTTP/1.1`, 'Host: x']), '\r\n\r\n', 'shaped tunnel'],
    [
      'SOCKS5',
      () => Buffer.concat([Buffer.of(5, 1, 0), Buffer.of(5, 1, 0, 1, 127, 0, 0, 1), port16(speaker.port)]),
      '\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00',
      'shaped tunnel',
    ],
    [
      'a WebSocket',
      () =>
        message([
          `GET ${origin.url}/socket HTTP/1.1`,
          'Host: x',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          `Sec-WebSocket-Key: ${key}`,
        ]),
      '\r\n\r\n',
      'shaped socket',
    ],
  ] as const)('by %s is reset behind its octets', async (_way, first, head, rule) => {
    const before = proxy.records.length;
    using client = await connectClient(proxy.port);
    client.send(first());
    await client.octets.until(head);
    expect((await client.octets.rest()).toString()).toBe(text.slice(0, 300));
    expect(await client.ended).toBe('reset');
    const record = await proxy.recordWhere((each) => proxy.records.indexOf(each) >= before);
    expect(record).toMatchObject({
      rules: [rule],
      shape: { rule, fault: 'reset' },
      tunnel: { close: { by: 'agent' } },
    });
  });
});
