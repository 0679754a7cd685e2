// Programs written for Node, through the proxy in every manner they have and directly: undici, fetch, node:http, WebSocket, SSE.
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Agent, request as ask, type Dispatcher, fetch, ProxyAgent, WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { type FileServer, startFileServer } from '../support/file-server.ts';
import { type EchoOrigin, startEchoOrigin } from '../support/web-socket.ts';

const large = randomBytes(1_500_000);
const digest = createHash('sha256').update(large).digest('hex');
const edges = ['none', 'embedded'] as const;

let origin: FileServer;
let echo: EchoOrigin;
const agents = new Map<string, TestAgent>();

beforeAll(async () => {
  origin = await startFileServer({ file: (path) => (path === '/large' ? large : undefined) });
  echo = await startEchoOrigin();
  for (const edge of edges) agents.set(edge, await startTestAgent({ edge }));
});

afterAll(async () => {
  for (const agent of agents.values()) await agent[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const ways = [
  { edge: 'direct', manner: 'directly' },
  ...edges.flatMap((edge) => [
    { edge, manner: 'absolute-form' },
    { edge, manner: 'CONNECT' },
  ]),
];

/** A dispatcher of undici for this way, and its end. */
function dispatcherFor({ edge, manner }: (typeof ways)[number]): Dispatcher & AsyncDisposable {
  const dispatcher =
    edge === 'direct'
      ? new Agent()
      : new ProxyAgent({ uri: `http://127.0.0.1:${agents.get(edge)?.port}`, proxyTunnel: manner === 'CONNECT' });
  return Object.assign(dispatcher, { [Symbol.asyncDispose]: () => dispatcher.destroy() });
}

describe.each(ways)('$manner, edge $edge', (way) => {
  test('undici downloads and uploads, several at once', async () => {
    await using dispatcher = dispatcherFor(way);
    const round = async () => {
      const download = await ask(`${origin.url}/large`, { dispatcher });
      expect(Buffer.from(await download.body.arrayBuffer()).equals(large)).toBe(true);
      const upload = await ask(`${origin.url}/up`, { dispatcher, method: 'PUT', body: large });
      expect(await upload.body.text()).toBe(digest);
    };
    await Promise.all([round(), round(), round()]);
  });

  test('fetch of undici follows its own nose: ranges, conditions, 404', async () => {
    await using dispatcher = dispatcherFor(way);
    const part = await fetch(`${origin.url}/large`, { dispatcher, headers: { range: 'bytes=10-19' } });
    expect([part.status, Buffer.from(await part.arrayBuffer()).equals(large.subarray(10, 20))]).toEqual([206, true]);
    const etag = part.headers.get('etag') ?? '';
    const known = await fetch(`${origin.url}/large`, { dispatcher, headers: { 'if-none-match': etag } });
    expect(known.status).toBe(304);
    expect((await fetch(`${origin.url}/nothing`, { dispatcher })).status).toBe(404);
  });

  test('a WebSocket of undici speaks and closes', async () => {
    await using dispatcher = dispatcherFor(way);
    const socket = new WebSocket(`ws://127.0.0.1:${echo.port}/chat`, { dispatcher });
    const said = new Promise<string>((resolve, reject) => {
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => resolve(String(data));
      socket.onerror = ({ message }) => reject(new Error(message));
    });
    expect(await said).toBe('hello');
    const closed = new Promise<void>((resolve) => {
      socket.onclose = () => resolve();
    });
    socket.close();
    await closed;
  });

  test('the second event of a stream comes after the client has told of the first, so none is held back', async () => {
    await using events = await startEvents();
    await using dispatcher = dispatcherFor(way);
    const { headers, body } = await ask(`${events.url}/events`, { dispatcher });
    expect(headers['content-type']).toBe('text/event-stream');
    let received = '';
    for await (const octets of body) {
      received += octets;
      const latest = /data: (\d+)\n\n$/.exec(received)?.[1];
      if (latest !== undefined && latest !== '5')
        await (await ask(`${events.url}/seen/${latest}`, { dispatcher })).body.dump();
    }
    expect(received).toBe([1, 2, 3, 4, 5].map((number) => `data: ${number}\n\n`).join(''));
  });
});

test.each(edges)('node:http with a request in absolute-form, edge %s', async (edge) => {
  const answer = await new Promise<string>((resolve, reject) => {
    const options = {
      port: agents.get(edge)?.port,
      method: 'POST',
      path: `${origin.url}/post`,
      headers: { host: 'x' },
    };
    request(options, (response) => void text(response).then(resolve, reject))
      .on('error', reject)
      .end(large);
  });
  expect(answer).toBe(digest);
});

/** Sends each event only when the one before it was seen. */
async function startEvents(): Promise<AsyncDisposable & { readonly url: string }> {
  let stream: ServerResponse | undefined;
  const server: Server = createServer((incoming, response) => {
    if (incoming.url === '/events') {
      stream = response;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.write('data: 1\n\n');
    }
    const next = Number(incoming.url?.split('/').at(-1)) + 1;
    response.writeHead(204).end();
    stream?.write(`data: ${next}\n\n`);
    if (next === 5) stream?.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
