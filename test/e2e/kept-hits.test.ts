// What is at hand goes out on a kept connection as soon as its request is parsed, and disturbs nothing around it.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startTestAgent, type TestAgent, type TestAgentOptions } from '../support/agent.ts';
import { type Client, connectClient, getOnce } from '../support/client.ts';
import { message, startOrigin } from '../support/origin.ts';

const get = (url: string, ...fields: string[]) => [`GET ${url} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');
const fresh = 'Cache-Control: max-age=60';

/** An origin whose `/stored…` may be stored, and an agent that has such a one. The first GET of all has been asked. */
async function start(options: Partial<TestAgentOptions> = {}, content = 'stored', fields: readonly string[] = []) {
  const origin = await startOrigin(async ({ target, method }, socket) => {
    if (target.startsWith('/slow')) await sleep(Number(target.slice('/slow'.length)));
    const isStored = target.startsWith('/stored') && method === 'GET';
    const text = isStored ? content : `${method} ${target}`;
    const date = `Date: ${new Date().toUTCString()}`;
    const lines = ['HTTP/1.1 200 OK', date, ...fields, isStored ? fresh : 'Cache-Control: no-store'];
    socket.write(message([...lines, `Content-Length: ${Buffer.byteLength(text, 'latin1')}`], text));
  });
  const agent = await startTestAgent({ edge: 'none', ...options });
  onTestFinished(async () => {
    await agent[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });
  const stored = `${origin.url}/stored`;
  await getOnce(agent.port, stored);
  return { agent, origin, stored };
}

const texts = async (client: Client, count: number): Promise<string[]> => {
  const all: string[] = [];
  while (all.length < count) all.push((await client.response()).content.toString('latin1'));
  return all;
};

test('hits, misses and unsafe requests in one segment are answered in their order', async () => {
  const { agent, origin, stored } = await start();
  using client = await connectClient(agent.port);
  const post = `POST ${origin.url}/post HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc`;
  for (let time = 0; time < 2; time++) {
    client.send(get(stored) + get(`${origin.url}/slow50`) + get(stored) + post + get(stored) + get(stored));
    expect(await texts(client, 6)).toEqual(['stored', 'GET /slow50', 'stored', 'POST /post', 'stored', 'stored']);
  }
});

test('a hit is a response like any other, and its record too', async () => {
  const { agent, stored } = await start({}, 'st\xf6red', ['X-Name: caf\xe9', 'Set-Fields: a', 'Set-Fields: b']);
  using client = await connectClient(agent.port);
  client.send(get(stored));
  const usual = await getOnce(agent.port, stored); // on a connection that is not kept Node writes it
  const early = await client.response();
  const changing = /^(?:connection|keep-alive|server-timing|age)$/i;
  const stable = ({ fields }: typeof early) => fields.filter(([name]) => !changing.test(name));
  expect(stable(early)).toEqual(stable(usual));
  expect(early.content).toEqual(usual.content);
  expect([early.field('connection'), early.field('keep-alive')]).toEqual([
    'keep-alive',
    expect.stringMatching(/^timeout=\d+$/),
  ]);
  expect(early.values('set-fields')).toEqual(['a', 'b']);
  const id = /desc="([^"]+)"/.exec(early.field('server-timing') ?? '')?.[1];
  const record = await agent.recordWhere((each) => each.id === id);
  expect(record).toMatchObject({
    request: { method: 'GET', url: stored, httpVersion: '1.1' },
    response: { status: 200, reason: 'OK' },
    cache: { agent: { hit: true } },
    octets: { fromClient: 0, toClient: 6 },
  });
  expect(Object.keys(record.stages)).toEqual(['client-accepted', 'request-received', 'response-sent']);
});

test('a response without Date gets one, as from Node', async () => {
  await using origin = await startOrigin((_, socket) => {
    socket.write(message(['HTTP/1.1 200 OK', fresh, 'Content-Length: 2'], 'ok'));
  });
  const { agent } = await start();
  using client = await connectClient(agent.port);
  for (let time = 0; time < 3; time++) {
    client.send(get(`${origin.url}/undated`));
    expect((await client.response()).values('date')).toHaveLength(1);
  }
  expect(origin.requests).toHaveLength(1);
});

test('what a rule changes in the response is in a hit as well', async () => {
  const rules = [{ name: 'seen', when: { path: '/stored*' }, then: { response: { set: { 'x-seen': '1' } } } }];
  const { agent, stored } = await start({ config: { rules } });
  using client = await connectClient(agent.port);
  for (let time = 0; time < 3; time++) {
    client.send(get(stored));
    expect((await client.response()).field('x-seen')).toBe('1');
  }
});

test('a request with Expect, content, HTTP/1.0 or without Host is treated as ever', async () => {
  const { agent, stored } = await start();
  const answers = async (...lines: string[]) => {
    using client = await connectClient(agent.port);
    client.send(get(stored));
    await client.response();
    client.sendHead(...lines);
    const { status, content } = await client.response();
    return [status, status === 200 ? content.toString() : ''];
  };
  expect(await answers(`GET ${stored} HTTP/1.1`, 'Host: x', 'Expect: 100-continue')).toEqual([200, 'stored']);
  expect(await answers(`GET ${stored} HTTP/1.0`)).toEqual([200, 'stored']);
  expect(await answers(`GET ${stored} HTTP/1.1`)).toEqual([400, '']);
  expect(await answers(`GET ${stored} HTTP/1.1`, 'Host: x', 'Host: y')).toEqual([400, '']);
  expect(await answers(`GET ${stored} HTTP/1.1`, 'Host: x', 'Content-Length: 0', 'Transfer-Encoding: chunked')).toEqual(
    [400, ''],
  );
  expect(await answers('GET /stored HTTP/1.1', 'Host: x')).toEqual([400, '']);
});

test('a client that asks for more than it reads is waited for, and gets all', async () => {
  const content = 'x'.repeat(16 * 1024);
  const { agent, stored } = await start({ limits: { maxPipelinedRequests: 2_000 } }, content);
  const socket = connect(agent.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const count = 700; // 11 MB, more than sockets hold
  socket.pause();
  socket.write(get(stored).repeat(count));
  await sleep(300);
  const answered = () => agent.records.filter(({ cache }) => cache?.agent?.hit === true).length;
  const before = answered();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(count); // it waits
  let octets = 0;
  socket.on('data', (piece) => {
    octets += piece.length;
  });
  socket.resume();
  await expect.poll(() => octets, { timeout: 20_000 }).toBeGreaterThan(count * content.length);
  await expect.poll(answered).toBe(count);
});

test('a client that leaves while its hit is on the way leaves a record that says so', async () => {
  const { agent, stored } = await start({ limits: { maxPipelinedRequests: 2_000 } }, 'x'.repeat(16 * 1024));
  using client = await connectClient(agent.port);
  client.send(get(stored).repeat(1_000));
  client.socket.pause();
  await sleep(200);
  client.socket.resetAndDestroy();
  const record = await agent.recordWhere(({ error }) => error !== undefined);
  expect(record.error).toMatchObject({ type: 'http_request_error', status: 499 });
});

describe('the time that a connection may rest', () => {
  test('counts from the hit on', async () => {
    const { agent, stored } = await start({ limits: { keepAliveTimeoutMs: 100 } });
    using client = await connectClient(agent.port);
    client.send(get(stored));
    await client.response();
    expect(await client.ended).toBe('end'); // after that time and Node's second; the limit while busy is minutes
  });

  test('is not what the next exchange may take', async () => {
    const { agent, origin, stored } = await start({ limits: { keepAliveTimeoutMs: 100 } });
    using client = await connectClient(agent.port);
    client.send(get(stored));
    await client.response();
    client.send(get(`${origin.url}/slow1500`));
    expect((await client.response()).content.toString()).toBe('GET /slow1500');
  });
});

test('a connection that has had hits becomes a tunnel', async () => {
  const { agent, origin, stored } = await start();
  using client = await connectClient(agent.port);
  client.send(get(stored));
  await client.response();
  client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, `Host: 127.0.0.1:${origin.port}`);
  expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 200 /);
  client.send('GET /inside HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await client.response()).content.toString()).toBe('GET /inside');
});

test('parsers that have served hits serve other servers of this process as ever', async () => {
  const { agent, stored } = await start();
  for (let time = 0; time < 20; time++) {
    using client = await connectClient(agent.port);
    client.send(get(stored));
    await client.response();
  }
  for (let time = 0; time < 20; time++) {
    const ready = await fetch(`http://127.0.0.1:${agent.agent.controlPort}/ready`);
    expect(ready.status).toBe(200);
    await ready.arrayBuffer();
  }
  await expectHits(agent, stored);
});

test('an agent that drains answers what is asked, and closes', async () => {
  const { agent, origin, stored } = await start();
  using busy = await connectClient(agent.port);
  busy.send(get(`${origin.url}/slow500`));
  await origin.received(2);
  using client = await connectClient(agent.port);
  client.send(get(stored));
  await client.response();
  const drained = agent.agent.drain();
  expect((await busy.response()).content.toString()).toBe('GET /slow500');
  await drained;
  expect(await client.ended).toBe('end');
});

async function expectHits(agent: TestAgent, stored: string): Promise<void> {
  using client = await connectClient(agent.port);
  client.send(get(stored).repeat(3));
  expect(await texts(client, 3)).toEqual(['stored', 'stored', 'stored']);
}
