// Exchanges by an edge that connects to origins by itself: what only that way carries, and what is told of it.
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge } from '../support/edge.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startHttpParent, tunnelTo } from '../support/parent.ts';

const ok = 'HTTP/1.1 200 OK';
const hello = message([ok, 'Content-Length: 5'], 'hello');

describe.each(['embedded', 'embedded-socket'] as const)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;
  let asked = 0;
  let answer: readonly (string | Buffer)[] = [];
  const last = () => origin.requests.at(-1);
  /** The reason why the last exchange had a connection of its own: one of its own only where fetch is the rule. */
  const because = (own: string) => (edge === 'embedded' ? own : 'configured');
  const upstreamOf = async (path: string) => (await proxy.recordOf(path)).upstream;

  beforeAll(async () => {
    origin = await startOrigin(async (request, socket) => {
      await request.content;
      for (const part of answer) socket.write(part, 'latin1');
    });
    proxy = await startTestAgent({ edge });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  const path = () => `/${++asked}`;

  test('B03: hints come ahead of the response, each as it was', async () => {
    const hints = (name: string) => message(['HTTP/1.1 103 Early Hints', `Link: </${name}>`, 'Connection: x']);
    answer = [hints('a'), hints('b'), hello];
    const target = path();
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}${target} HTTP/1.1`, 'Host: x');
    for (const name of ['a', 'b']) {
      const hint = await client.response();
      expect([hint.status, hint.field('link'), hint.field('connection')]).toEqual([103, `</${name}>`, undefined]);
    }
    expect((await client.response()).content.toString()).toBe('hello');
    expect(await upstreamOf(target)).toMatchObject({ because: because('unfetchable') });
  });

  test('a client of HTTP/1.0 gets no hints, RFC 9110 15.2', async () => {
    answer = [message(['HTTP/1.1 103 Early Hints']), hello];
    const response = await exchangeOnce(proxy.port, `GET ${origin.url}${path()} HTTP/1.0\r\n\r\n`);
    expect([response.status, response.content.toString()]).toEqual([200, 'hello']);
  });

  test('a client that takes trailers gets them, and those that are none stay away', async () => {
    const trailers = ['X-Sum: \xe9', 'Content-Length: 7', 'X-Sum: 2'].map((line) => `${line}\r\n`).join('');
    answer = [message([ok, 'Transfer-Encoding: chunked', 'Trailer: X-Sum']), chunk('hello'), `0\r\n${trailers}\r\n`];
    const target = path();
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}${target} HTTP/1.1`, 'Host: x', 'TE: trailers', 'Connection: close, TE');
    const octets = (await client.octets.rest()).toString('latin1');
    expect(octets).toMatch(/\r\n5\r\nhello\r\n0\r\nX-Sum: \xe9\r\nX-Sum: 2\r\n\r\n$/);
    expect(last()?.values('te')).toEqual(['trailers']);
    expect(await upstreamOf(target)).toMatchObject({ because: because('trailers') });
  });

  test.each(['caf\xe9', '\xff', Buffer.from('grüß').toString('latin1')])('%j goes both ways as it is', async (text) => {
    answer = [message([ok, `X-Text: ${text}`, 'Content-Length: 0'])];
    const target = path();
    const response = await getOnce(proxy.port, origin.url + target, `X-Text: ${text}`);
    expect(response.values('x-text')).toEqual([text]);
    expect(last()?.values('x-text')).toEqual([text]);
    expect(await upstreamOf(target)).toMatchObject({ because: because('octets') });
  });

  test.each(['GET', 'HEAD'])('A13: %s takes its content along', async (method) => {
    answer = [message([ok, 'Content-Length: 0'])];
    const target = path();
    const head = [`${method} ${origin.url}${target} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'];
    expect((await exchangeOnce(proxy.port, message(head, 'hello'), method)).status).toBe(200);
    expect((await last()?.content)?.toString()).toBe('hello');
    expect(await upstreamOf(target)).toMatchObject({ because: because('content') });
  });

  test('a method of which nobody has heard arrives, and its times are told', async () => {
    answer = [hello];
    const target = path();
    const response = await exchangeOnce(
      proxy.port,
      `LINK ${origin.url}${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(response.content.toString()).toBe('hello');
    expect(last()?.method).toBe('LINK');
    expect(response.field('server-timing')).toMatch(/, origin;dur=[\d.]+, connect;dur=[\d.]+$/);
    const record = await proxy.recordOf(target);
    expect(record.upstream).toEqual({
      kind: 'socket',
      because: because('method'),
      connectMs: expect.any(Number),
      address: '127.0.0.1',
    });
    expect(record.destination).toMatchObject({ address: '127.0.0.1', knownBy: 'socket' });
    expect(record.stages).toHaveProperty('upstream-responded');
  });

  test('what fetch carries as it is goes as it is configured', async () => {
    answer = [hello];
    const target = path();
    expect((await getOnce(proxy.port, origin.url + target)).content.toString()).toBe('hello');
    const upstream = await upstreamOf(target);
    if (edge === 'embedded') expect(upstream).toBeUndefined();
    else expect(upstream).toMatchObject({ because: 'configured' });
  });

  test('what fetch alters and nobody may ask twice is an error that says what to set', async () => {
    answer = [message(['HTTP/1.1 103 Early Hints']), hello];
    const head = [`POST ${origin.url}${path()} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'];
    const before = origin.requests.length;
    using client = await connectClient(proxy.port);
    client.send(message(head, 'hello'));
    let response = await client.response();
    if (edge === 'embedded-socket') response = await client.response(); // the hint was the first
    expect(response.status).toBe(edge === 'embedded' ? 502 : 200);
    if (edge === 'embedded') expect(JSON.parse(response.content.toString()).advice).toContain('edge.upstream');
    expect(origin.requests.length - before).toBe(1);
  });
});

describe('an embedded edge with its own connections', () => {
  test('C03: goes where the agent has looked, and nowhere else', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    const allow = [`127.0.0.1:${origin.port}`];
    const answers = { 'site.example': ['127.0.0.1'] }; // nobody else knows this name
    await using proxy = await startTestAgent({ edge: 'embedded-socket', allowPrivate: false, allow, answers });
    const url = `http://site.example:${origin.port}/pinned`;
    expect((await getOnce(proxy.port, url)).content.toString()).toBe('hello');
    expect(origin.requests[0]?.values('host')).toEqual([`site.example:${origin.port}`]);
    expect((await proxy.recordOf('/pinned')).route?.kind).toBe('edge');
  });

  test('tries the next address of a name when one refuses', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    const answers = { 'site.example': ['127.0.0.2', '127.0.0.1'] };
    await using proxy = await startTestAgent({ edge: 'embedded-socket', answers });
    expect((await getOnce(proxy.port, `http://site.example:${origin.port}/next`)).content.toString()).toBe('hello');
    expect((await proxy.recordOf('/next')).destination).toMatchObject({ address: '127.0.0.1', knownBy: 'socket' });
  });

  test('takes one for each exchange, and closes it', async () => {
    const closings: Promise<unknown>[] = [];
    await using origin = await startOrigin((_, socket) => {
      closings.push(once(socket, 'close'));
      socket.write(hello);
    });
    await using proxy = await startTestAgent({ edge: 'embedded-socket' });
    for (let i = 0; i < 3; i++) expect((await getOnce(proxy.port, `${origin.url}/${i}`)).status).toBe(200);
    expect(origin.connections).toBe(3);
    await Promise.all(closings);
  });

  test('leaves no socket in workerd behind, however exchanges end', async ({ skip }) => {
    skip(process.platform !== 'linux', 'the sockets of a process are read from /proc');
    await using origin = await startOrigin((request, socket) => {
      const start = message([ok, 'Content-Length: 100'], 'hello');
      if (request.target === '/good') socket.write(hello);
      else if (request.target === '/cut') socket.end(start);
      else if (request.target === '/reset') socket.resetAndDestroy();
      else if (request.target === '/stalled') socket.write(start);
    });
    await using proxy = await startTestAgent({ edge: 'embedded-socket', limits: { connectTimeoutMs: 500 } });
    const sockets = () => socketsOf(proxy.agent.state().edgePid as number);
    const abandon = async (path: string) => {
      const asked = origin.requests.length;
      using client = await connectClient(proxy.port);
      client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
      if (path === '/stalled') await client.octets.until('hello');
      else await origin.received(asked + 1);
    };
    await getOnce(proxy.port, `${origin.url}/good`);
    const before = sockets();
    await Promise.all([1, 2, 3].map(() => getOnce(proxy.port, `${origin.url.replace('http:', 'https:')}/no-tls`)));
    for (let round = 0; round < 15; round++) {
      await Promise.all([
        ...['/good', '/cut', '/reset'].map((each) => getOnce(proxy.port, origin.url + each).catch(() => undefined)),
        getOnce(proxy.port, 'http://127.0.0.1:1/refused'),
        abandon('/stalled'),
        abandon('/mute'),
      ]);
    }
    // Ten connections between agent and edge may be kept.
    await vi.waitFor(() => expect(sockets()).toBeLessThanOrEqual(before + 10), { timeout: 10_000 });
    expect((await getOnce(proxy.port, `${origin.url}/good`)).status).toBe(200);
  });

  test('answers a hundred at once, each its own', async () => {
    await using origin = await startOrigin((request, socket) => {
      socket.write(message([ok, `Content-Length: ${request.target.length}`], request.target));
    });
    await using proxy = await startTestAgent({ edge: 'embedded-socket' });
    const paths = Array.from({ length: 100 }, (_, i) => `/many-${i}`);
    const answers = await Promise.all(paths.map((each) => getOnce(proxy.port, origin.url + each)));
    expect(answers.map(({ content }) => content.toString())).toEqual(paths);
  });
});

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

describe('a deployed edge', () => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin((_, socket) => void socket.write(hello));
  });
  afterAll(() => origin[Symbol.asyncDispose]());

  test('reaches an address by a connection of its own, without telling it anything', async () => {
    await using internet = await startHttpParent(tunnelTo(origin.port));
    await using edge = await startDeployedEdge({ internet: `127.0.0.1:${internet.port}` });
    await using proxy = await startTestAgent({
      edge: edge.direct as `http://${string}`,
      fallback: 'fail',
      allowPrivate: false,
    });
    expect((await getOnce(proxy.port, 'http://93.184.216.34/literal')).content.toString()).toBe('hello');
    expect(internet.asked).toEqual([expect.stringMatching(/^CONNECT 93\.184\.216\.34:80 /)]);
    expect((await proxy.recordOf('/literal')).upstream).toMatchObject({ because: 'ip-literal' });
    const names = origin.requests.at(-1)?.fields.map(([name]) => name);
    expect(names).toEqual(['Host', 'Via', 'CDN-Loop', 'Connection']);
  });
});
