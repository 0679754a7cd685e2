// Many clients want the same at once, and some of them are slow, or leave.
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { type Client, connectClient, getOnce } from '../support/client.ts';
import { chunk, message, startOrigin } from '../support/origin.ts';

const fresh = 'Cache-Control: max-age=60';
const crowd = 100;

describe.each(routes)('E16 by %s', (edge) => {
  const start = () => startTestAgent({ edge, cache: { agent: { diskBytes: 0 }, edge: 'off' } });

  test('a hundred equal requests at once make one, and all get its content while it comes', async () => {
    const half = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      await first.promise;
      socket.write(
        Buffer.concat([message(['HTTP/1.1 200 OK', fresh, 'Transfer-Encoding: chunked']), chunk('first, ')]),
      );
      await half.promise;
      socket.write(Buffer.concat([chunk('then'), chunk()]));
    });
    await using proxy = await start();
    const clients = await Promise.all(Array.from({ length: crowd }, () => connectClient(proxy.port)));
    for (const client of clients) ask(client, `${origin.url}/crowd`);
    await origin.received(1);
    await waiting(proxy, crowd);
    first.resolve();
    await Promise.all(clients.map((client) => hasCome(client, 'first, ')));
    half.resolve();
    const responses = await Promise.all(clients.map((client) => client.response()));
    expect(responses.every(({ content, isComplete }) => isComplete && content.toString() === 'first, then')).toBe(true);
    expect(origin.requests).toHaveLength(1);
    const statuses = responses.map(({ field }) => field('cache-status'));
    expect(statuses.filter((status) => status?.includes(';collapsed'))).toHaveLength(crowd - 1);
    for (const client of clients) client[Symbol.dispose]();
  });

  test('an answer for one only lets the others go on', async () => {
    const first = Promise.withResolvers<void>();
    let number = 0;
    await using origin = await startOrigin(async (_, socket) => {
      const content = String(++number);
      await first.promise;
      const lines = ['HTTP/1.1 200 OK', 'Cache-Control: private', `Content-Length: ${content.length}`];
      socket.write(message(lines, content));
    });
    await using proxy = await start();
    const clients = await Promise.all(Array.from({ length: 10 }, () => connectClient(proxy.port)));
    for (const client of clients) ask(client, `${origin.url}/private`);
    await origin.received(1);
    await waiting(proxy, 10);
    first.resolve();
    const responses = await Promise.all(clients.map((client) => client.response()));
    expect(new Set(responses.map(({ content }) => content.toString())).size).toBe(10);
    for (const client of clients) client[Symbol.dispose]();
  });

  test('a client that stops reading holds nobody else', async () => {
    const content = Buffer.alloc(16 * 1024 * 1024, 'x');
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', fresh, `Content-Length: ${content.length}`], content));
    });
    await using proxy = await start();
    using stalled = await connectClient(proxy.port);
    stalled.socket.pause();
    ask(stalled, `${origin.url}/stalled`);
    await origin.received(1);
    const other = await getOnce(proxy.port, `${origin.url}/stalled`);
    expect(other.content.equals(content)).toBe(true);
    expect(origin.requests).toHaveLength(1);
    stalled.socket.resume();
    const late = await stalled.response();
    expect(late.isComplete && late.content.equals(content)).toBe(true);
  });

  test('a client that leaves early leaves nearly complete content to the store', async () => {
    const rest = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 7'], 'con'));
      await rest.promise;
      socket.write('tent');
    });
    await using proxy = await start();
    {
      using client = await connectClient(proxy.port);
      ask(client, `${origin.url}/left`);
      await hasCome(client, '\r\n\r\ncon');
    }
    await proxy.recordOf('/left');
    rest.resolve();
    expect((await getOnce(proxy.port, `${origin.url}/left`)).content.toString()).toBe('content');
    expect(origin.requests).toHaveLength(1);
  });

  test('a client that leaves early ends content of which much is to come', async () => {
    const ended = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => {
      socket.on('close', () => ended.resolve());
      socket.write(message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 100000000'], 'con'));
    });
    await using proxy = await start();
    {
      using client = await connectClient(proxy.port);
      ask(client, `${origin.url}/much`);
      await hasCome(client, '\r\n\r\ncon');
    }
    await ended.promise;
  });
});

test('E10 content that breaks off is not stored', async () => {
  let number = 0;
  await using origin = await startOrigin((_, socket) => {
    const isFirst = ++number === 1;
    socket.write(message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 7'], isFirst ? 'con' : 'content'));
    if (isFirst) socket.end();
  });
  await using proxy = await startTestAgent({ edge: 'none' });
  const first = await getOnce(proxy.port, `${origin.url}/broken`);
  expect(first.isComplete).toBe(false);
  const second = await getOnce(proxy.port, `${origin.url}/broken`);
  expect(second.content.toString()).toBe('content');
  expect(origin.requests).toHaveLength(2);
});

function ask(client: Client, url: string): void {
  client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x');
}

/** Resolves when this is among what has come. */
async function hasCome({ octets, socket }: Client, text: string): Promise<void> {
  while (!octets.all().includes(text)) await once(socket, 'data');
}

/** Resolves when the agent has taken so many requests in, and carries them. */
async function waiting(proxy: TestAgent, count: number): Promise<void> {
  await proxy.active(count);
  const { controlToken } = proxy.agent.state();
  const authorization = `Bearer ${controlToken}`;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${proxy.controlPort}/v1/exchanges/open`, {
      headers: { authorization },
    });
    if (((await answer.json()) as { count: number }).count >= count) return;
  }
}
