// Upgrade: a tunnel once the origin has said 101, and until then a request like every other. RFC 9110 7.8.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { ProxyAgent, WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Client, connectClient, exchangeOnce } from '../support/client.ts';
import { chunk, message, startOrigin } from '../support/origin.ts';
import { startSilentPort } from '../support/silent-port.ts';
import { startTcp } from '../support/tcp.ts';
import { acceptOf, frame, startEchoOrigin } from '../support/web-socket.ts';

let proxy: TestAgent;

beforeAll(async () => {
  proxy = await startTestAgent({ edge: 'none', limits: { headDeadlineMs: 500, connectTimeoutMs: 500 } });
});

afterAll(() => proxy[Symbol.asyncDispose]());

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const mask = Buffer.of(1, 2, 3, 4);
const webSocketFields = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${key}`,
  'Sec-WebSocket-Version: 13',
];

/** A request for a WebSocket in absolute-form, and what comes in the same segment. */
function handshake(port: number, behind: string | Buffer = '', fields: readonly string[] = webSocketFields): Buffer {
  return message([`GET http://127.0.0.1:${port}/chat HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...fields], behind);
}

describe.each(routes)('a WebSocket in absolute-form, with edge %s', (edge) => {
  test('is a tunnel from the 101 on, directly', async () => {
    await using agent = await startTestAgent({ edge });
    await using origin = await startEchoOrigin();
    using client = await connectClient(agent.port);
    client.send(handshake(origin.port));
    const response = await client.response();
    expect([response.status, response.field('connection'), response.field('upgrade')]).toEqual([
      101,
      'Upgrade',
      'websocket',
    ]);
    expect(response.field('sec-websocket-accept')).toBe(acceptOf(key));
    expect(response.field('via')).toMatch(/^1\.1 edgehop/);
    client.send(frame(1, 'hello', mask));
    expect(await client.octets.exactly(7)).toEqual(frame(1, 'hello'));
    client.send(frame(8, '', mask));
    client.socket.end();
    expect(await client.octets.rest()).toEqual(frame(8, ''));
    expect(await client.ended).toBe('end');

    expect(origin.heads.length).toBe(1);
    expect(origin.heads[0]).toMatch(
      /^GET \/chat HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/,
    );
    expect(origin.heads[0]).toMatch(/^Via: 1\.1 edgehop-[0-9a-f]+$/m);
    const record = await agent.recordOf('/chat');
    expect(record).toMatchObject({
      kind: 'exchange',
      request: { method: 'GET' },
      response: { status: 101 },
      route: { kind: 'direct', because: 'upgrade' },
      destination: { address: '127.0.0.1', knownBy: 'socket' },
      octets: { fromClient: 11 + 6, toClient: 7 + 2 },
      tunnel: { close: { how: 'end' } },
    });
    expect(record.tunnel?.tls).toBeUndefined();
  });
});

describe('a WebSocket', () => {
  test('gets octets that came in one segment with the request, and those that came with the 101, once', async () => {
    await using origin = await startEchoOrigin(frame(1, 'greeting'));
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port, frame(1, 'early', mask)));
    expect((await client.response()).status).toBe(101);
    expect(await client.octets.exactly(10)).toEqual(frame(1, 'greeting'));
    expect(await client.octets.exactly(7)).toEqual(frame(1, 'early'));
    client.send(frame(8, '', mask));
    client.socket.end();
    expect(await client.octets.rest()).toEqual(frame(8, ''));
  });

  test('A14: may be told all, and to end, before it is open', async () => {
    await using origin = await startEchoOrigin();
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port, Buffer.concat([frame(1, 'early', mask), frame(8, '', mask)])));
    client.socket.end();
    expect((await client.response()).status).toBe(101);
    expect(await client.octets.rest()).toEqual(Buffer.concat([frame(1, 'early'), frame(8, '')]));
  });

  test('A18: is one octet by octet too, each way', async () => {
    await using origin = await startTcp(async (socket) => {
      socket.once('data', () => {
        const answer = message(['HTTP/1.1 101 ', 'Upgrade: websocket', 'Connection: Upgrade'], 'tunnel');
        const next = (at: number): void => {
          if (at < answer.length) socket.write(answer.subarray(at, at + 1), () => setImmediate(next, at + 1));
        };
        next(0);
      });
    });
    using client = await connectClient(proxy.port);
    for (const octet of handshake(origin.port)) {
      await new Promise((resolve) => client.socket.write(Buffer.of(octet), resolve));
    }
    expect((await client.response()).startLine).toBe('HTTP/1.1 101 ');
    expect((await client.octets.exactly(6)).toString()).toBe('tunnel');
  });

  test('is opened in its turn: answers before it are given first', async () => {
    await using plain = await startOrigin(
      (request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 6'], request.target)),
    );
    await using origin = await startEchoOrigin();
    using client = await connectClient(proxy.port);
    const first = message([`GET ${plain.url}/first HTTP/1.1`, 'Host: x']);
    client.send(Buffer.concat([first, handshake(origin.port)]));
    expect((await client.response()).content.toString()).toBe('/first');
    expect((await client.response()).status).toBe(101);
    client.send(frame(1, 'hello', mask));
    expect(await client.octets.exactly(7)).toEqual(frame(1, 'hello'));
  });

  test('may be told of things ahead of the 101', async () => {
    await using origin = await startTcp((socket) => {
      socket.write(message(['HTTP/1.1 103 Early Hints', 'Link: </a>; rel=preload']));
      socket.write(message(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: upgrade']));
    });
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port));
    expect((await client.response()).status).toBe(103);
    expect((await client.response()).status).toBe(101);
  });

  test('of undici works through CONNECT', async () => {
    await using origin = await startEchoOrigin();
    const dispatcher = new ProxyAgent(`http://127.0.0.1:${proxy.port}`);
    const socket = new WebSocket(`ws://127.0.0.1:${origin.port}/`, { dispatcher });
    const opened = once(socket, 'open');
    await opened;
    socket.send('hello');
    const [{ data }] = (await once(socket, 'message')) as [MessageEvent];
    expect(data).toBe('hello');
    const closed = once(socket, 'close');
    socket.close();
    await closed;
    await dispatcher.close();
  });

  test('another protocol is passed on the same way, and its name is the origin’s to choose', async () => {
    await using origin = await startTcp((socket) => {
      socket.once('data', () =>
        socket.write(
          message(['HTTP/1.1 101 Go', 'Upgrade: IRC/6.9', 'Connection: upgrade', 'Content-Length: 3'], 'irc'),
        ),
      );
    });
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port, '', ['Connection: upgrade', 'Upgrade: websocket, irc/6.9']));
    const response = await client.response();
    expect([response.startLine, response.field('upgrade')]).toEqual(['HTTP/1.1 101 Go', 'IRC/6.9']);
    expect(response.field('content-length')).toBeUndefined(); // RFC 9110 8.6
    expect((await client.octets.exactly(3)).toString()).toBe('irc');
  });
});

describe('an origin that does not change protocols', () => {
  const evil = message(['GET http://evil.example/evil HTTP/1.1', 'Host: evil.example']);

  test.each<[string, string[], Buffer | string]>([
    ['200 with a length', ['HTTP/1.1 200 OK', 'Content-Length: 5'], 'plain'],
    ['200 in chunks', ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], Buffer.concat([chunk('plain'), chunk()])],
    ['200 up to the end of the connection', ['HTTP/1.1 200 OK'], 'plain'],
    ['204', ['HTTP/1.1 204 No Content'], ''],
    ['426', ['HTTP/1.1 426 Upgrade Required', 'Sec-WebSocket-Version: 8', 'Content-Length: 0'], ''],
    [
      '200 that claims to upgrade',
      ['HTTP/1.1 200 OK', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'],
      'plain',
    ],
  ])('A14: with %s, what came behind the head is no tunnel’s, and nobody else’s', async (_, lines, content) => {
    const seen: string[] = [];
    await using origin = await startTcp((socket) => {
      socket.on('data', (octets) => seen.push(octets.toString('latin1')));
      socket.once('data', () => {
        socket.write(message(lines, content));
        if (lines.length === 1) socket.end();
      });
    });
    const response = await exchangeOnce(proxy.port, handshake(origin.port, evil));
    expect([response.status, response.content.toString(), response.isComplete]).toEqual([
      Number(lines[0]?.slice(9, 12)),
      content === '' ? '' : 'plain',
      true,
    ]);
    expect([response.field('connection'), response.field('upgrade'), response.ending]).toEqual([
      'close',
      undefined,
      'end',
    ]);
    expect([origin.connections, seen.join('').match(/HTTP\/1\.1\r\n/g)?.length]).toEqual([1, 1]);
    expect(seen.join('')).not.toContain('evil');
    expect((await proxy.recordOf(`${origin.port}/chat`)).tunnel).toBeUndefined();
  });

  test('A14: octets behind the head wait for the 101', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const seen: string[] = [];
    await using origin = await startTcp((socket) => {
      socket.on('data', (octets) => seen.push(octets.toString('latin1')));
      socket.once('data', () => resolve(() => socket.write(message(['HTTP/1.1 101 ', 'Upgrade: websocket']))));
    });
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port, 'early'));
    const answer = await asked;
    client.send(' and late');
    expect(seen.join('')).toMatch(/\r\n\r\n$/);
    answer();
    expect((await client.response()).status).toBe(101);
    await expect.poll(() => seen.join('')).toMatch(/\r\n\r\nearly and late$/);
  });

  test('content that is cut off is a reset for the client', async () => {
    await using origin = await startTcp((socket) => {
      socket.once('data', () => socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 50'], 'plain')));
    });
    const response = await exchangeOnce(proxy.port, handshake(origin.port));
    expect([response.status, response.isComplete, response.ending]).toEqual([200, false, 'reset']);
  });

  test('large content comes whole to a client that reads late', async () => {
    const octets = randomBytes(32 * 1024 * 1024); // more than the system holds on two connections
    const written = Promise.withResolvers<boolean>();
    await using origin = await startTcp((socket) => {
      const head = ['HTTP/1.1 200 OK', `Content-Length: ${octets.length}`];
      socket.once('data', () => written.resolve(socket.write(message(head, octets))));
    });
    using client = await connectClient(proxy.port);
    client.socket.pause();
    client.send(handshake(origin.port));
    expect(await written.promise).toBe(false);
    client.socket.resume();
    const response = await client.response();
    expect([response.isComplete, differenceOf(response.content, octets)]).toEqual([true, 'none']);
  });
});

describe('A22: h2c', () => {
  test('is not asked for: the request goes on as a plain one, the last of its connection', async () => {
    await using origin = await startOrigin(
      (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 5'], 'plain')),
    );
    const fields = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'];
    for (let i = 0; i < 2; i++) {
      using client = await connectClient(proxy.port);
      client.send(handshake(origin.port, '', fields));
      const { status, content, field } = await client.response();
      expect([status, content.toString(), field('upgrade')]).toEqual([200, 'plain', undefined]);
      expect([field('connection'), await client.ended]).toEqual(['close', 'end']);
    }
    for (const { values } of origin.requests) {
      expect([values('upgrade'), values('http2-settings'), values('connection')]).toEqual([[], [], []]);
    }
    expect(origin.requests.length).toBe(2);
  });

  test('is left out where something else is asked for too', async () => {
    await using origin = await startEchoOrigin();
    using client = await connectClient(proxy.port);
    client.send(
      handshake(origin.port, '', ['Connection: Upgrade', 'Upgrade: h2c, websocket', `Sec-WebSocket-Key: ${key}`]),
    );
    expect((await client.response()).status).toBe(101);
    expect(origin.heads[0]).toMatch(/^Upgrade: websocket$/m);
    expect(origin.heads[0]).not.toMatch(/h2c/);
  });

  test('is no answer to a request for a WebSocket', async () => {
    await using origin = await startTcp((socket) => {
      socket.once('data', () =>
        socket.write(message(['HTTP/1.1 101 ', 'Upgrade: h2c', 'Connection: upgrade'], 'frames')),
      );
    });
    const response = await exchangeOnce(proxy.port, handshake(origin.port));
    expect([response.status, response.field('proxy-status')]).toEqual([
      502,
      expect.stringMatching(/http_upgrade_failed/),
    ]);
  });
});

describe('a request for another protocol is refused', () => {
  const refusal = async (agent: TestAgent, octets: Buffer) => {
    const response = await exchangeOnce(agent.port, octets);
    expect([response.isComplete, response.field('connection')]).toEqual([true, 'close']);
    return [response.status, response.field('proxy-status')?.match(/error=(\w+)/)?.[1]];
  };

  test('when its destination is private, and nothing is dialled', async () => {
    await using server = await startTcp(() => undefined);
    await using strict = await startTestAgent({
      edge: 'none',
      allowPrivate: false,
      answers: { 'mapped.example': ['127.0.0.1'] },
    });
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'mapped.example']) {
      const head = [`GET http://${host}:${server.port}/ HTTP/1.1`, 'Host: x', ...webSocketFields];
      expect(await refusal(strict, message(head))).toEqual([403, 'destination_ip_prohibited']);
    }
    expect(server.connections).toBe(0);
  });

  test.each([
    ['when its head is ambiguous', ['GET http://127.0.0.1/ HTTP/1.1', 'Host: x', 'Host: y'], 400, 'http_request_error'],
    ['when its target is not absolute', ['GET /chat HTTP/1.1', 'Host: x'], 400, 'http_request_error'],
    [
      'when its port is for something else',
      ['GET http://127.0.0.1:25/ HTTP/1.1', 'Host: x'],
      403,
      'http_request_denied',
    ],
  ])('%s', async (_, lines, status, error) => {
    expect(await refusal(proxy, message([...lines, ...webSocketFields]))).toEqual([status, error]);
  });

  test('when it has come through this agent already', async () => {
    await using origin = await startEchoOrigin();
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port));
    await client.response();
    const via = /^Via: .*$/m.exec(origin.heads[0] ?? '')?.[0] ?? '';
    expect(await refusal(proxy, handshake(origin.port, '', [...webSocketFields, via]))).toEqual([
      502,
      'proxy_loop_detected',
    ]);
  });

  test('when the destination refuses', async () => {
    const gone = await startTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    expect(await refusal(proxy, handshake(gone.port))).toEqual([502, 'connection_refused']);
  });

  test('when the destination does not accept in time', async () => {
    await using silent = await startSilentPort();
    expect(await refusal(proxy, handshake(silent.port))).toEqual([504, 'connection_timeout']);
  });

  test.each<[string, string | undefined, number, string]>([
    ['says nothing', undefined, 504, 'http_response_timeout'],
    ['speaks another protocol', 'SSH-2.0-x\r\n\r\n', 502, 'http_protocol_error'],
    ['asks for a proxy’s credentials', 'HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n', 502, 'http_protocol_error'],
    [
      'answers ambiguously',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      502,
      'http_protocol_error',
    ],
    [
      'sends a head without end',
      `HTTP/1.1 101 X\r\nX: ${'x'.repeat(70_000)}`,
      502,
      'http_response_header_section_size',
    ],
    ['sends interim responses without end', 'HTTP/1.1 103 X\r\n\r\n'.repeat(11), 502, 'http_protocol_error'],
  ])('when the destination %s', async (_, answer, status, error) => {
    await using origin = await startTcp((socket) => {
      if (answer !== undefined) socket.once('data', () => socket.write(answer));
    });
    using client = await connectClient(proxy.port);
    client.send(handshake(origin.port));
    let response = await client.response();
    while (response.status === 103) response = await client.response();
    expect([response.status, response.field('proxy-status')?.match(/error=(\w+)/)?.[1]]).toEqual([status, error]);
    expect(await client.ended).toBe('end');
  });

  test('when the destination closes without an answer', async () => {
    await using origin = await startTcp((socket) => void socket.once('data', () => socket.end()));
    expect(await refusal(proxy, handshake(origin.port))).toEqual([502, 'connection_terminated']);
  });
});

test.each(['destroy', 'resetAndDestroy'] as const)(
  'a client that leaves (%s) while the origin thinks takes its connection with it',
  async (how) => {
    const closed = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await using origin = await startTcp((socket) => {
      socket.once('close', () => closed.resolve()).once('data', () => asked.resolve());
    });
    await using patient = await startTestAgent({ edge: 'none' });
    const client: Client = await connectClient(patient.port);
    client.send(handshake(origin.port));
    await asked.promise;
    client.socket[how]();
    await closed.promise;
    expect((await patient.recordOf('/chat')).error).toMatchObject({ type: 'http_request_error', status: 499 });
    await patient.active(0);
  },
);

test('a client that leaves while its origin is dialled ends the attempt', async () => {
  await using silent = await startSilentPort();
  await using patient = await startTestAgent({ edge: 'none' });
  const client = await connectClient(patient.port);
  client.send(handshake(silent.port));
  client.socket.destroy();
  expect((await patient.recordOf('/chat')).error).toMatchObject({ type: 'http_request_error', status: 499 });
  await patient.active(0);
});

/** Where content is not what was sent, and where what stands there was sent: it has been seen once, and not understood. */
function differenceOf(got: Buffer, sent: Buffer): string {
  if (got.equals(sent)) return 'none';
  let at = 0;
  while (at < sent.length && got[at] === sent[at]) at++;
  let until = Math.min(got.length, sent.length);
  while (until > at && got[until - 1] === sent[until - 1]) until--;
  const place = sent.indexOf(got.subarray(at, at + 64));
  return `${got.length} of ${sent.length} octets, other ones from ${at} to ${until}; those at ${at} were sent at ${place}`;
}
