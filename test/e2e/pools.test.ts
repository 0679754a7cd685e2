// Reverse routes and pools with real targets: who answers, what is lost when one of them dies, and what a browser sees.
import { Agent, request as ask, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { selfSigned } from '../support/certificate.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';
import { acceptOf, frame, startEchoOrigin } from '../support/web-socket.ts';

type PoolSettings = Record<string, unknown>;

/** An agent without edge whose pool `app` has these targets, for `app.localhost`. */
function agentFor(
  targets: readonly (string | { readonly url: string; readonly weight?: number })[],
  settings: PoolSettings = {},
  reverse: readonly { host?: string; path?: string; stripPath?: boolean }[] = [{}],
): Promise<TestAgent> {
  const app = { targets: targets.map((each) => (typeof each === 'string' ? { url: each } : each)), ...settings };
  return startTestAgent({
    edge: 'none',
    allowPrivate: false, // targets are configured: no exception is needed for them
    config: { pools: { app }, reverse: reverse.map((each) => ({ host: 'app.localhost', pool: 'app', ...each })) },
  });
}

function named(name: string, socket: Socket, status = '200 OK', ...fields: string[]): void {
  socket.write(message([`HTTP/1.1 ${status}`, `Content-Length: ${name.length}`, ...fields], name));
}

/** A target that answers with its name. */
const startNamed = (name: string) => startOrigin((_, socket) => named(name, socket));

/** A target that answers each request in this way. */
const startAnswering = (status: string, ...fields: string[]) =>
  startOrigin((_, socket) => named(status, socket, status, ...fields));

/** In origin-form, as a browser asks a server. */
function askOnce(port: number, path = '/', method = 'GET', host = `app.localhost:${port}`, ...fields: string[]) {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...fields];
  return exchangeOnce(port, message(head), method);
}

describe('a request in origin-form for a configured host', () => {
  test('is answered by the pool, with Host and Forwarded as the client asked', async () => {
    await using target = await startNamed('one');
    await using agent = await agentFor([target.url]);
    const response = await askOnce(agent.port, '/path?query', 'GET', undefined, 'X-Forwarded-For: 6.6.6.6');
    expect(response).toMatchObject({ status: 200, content: Buffer.from('one') });
    const asked = target.requests[0] as OriginRequest;
    expect(asked.target).toBe('/path?query');
    expect(asked.values('host')).toEqual([`app.localhost:${agent.port}`]);
    expect(asked.values('forwarded')).toEqual([`for=127.0.0.1;host="app.localhost:${agent.port}";proto=http`]);
    expect(asked.values('x-forwarded-for')).toEqual(['127.0.0.1']);
    expect(asked.values('via')[0]).toMatch(/^1\.1 edgehop-/);
    expect(response.field('proxy-status')).toBe(`edgehop;next-hop="127.0.0.1:${target.port}";received-status=200`);
    expect(await agent.recordOf('/path?query')).toMatchObject({
      request: { url: `http://app.localhost:${agent.port}/path?query` },
      route: { kind: 'direct', because: 'pool' },
      pool: { name: 'app', target: target.url, tried: [] },
      destination: { host: 'app.localhost', address: '127.0.0.1', knownBy: 'socket' },
    });
  });

  test('G02, G03: no other host is answered, and nobody is allowed to read what is', async () => {
    await using target = await startNamed('one');
    await using agent = await agentFor([target.url]);
    for (const host of ['evil.example', `127.0.0.1:${agent.port}`, 'app.localhost.evil.example', 'localhost']) {
      expect((await askOnce(agent.port, '/', 'GET', host)).status).toBe(400);
    }
    expect(target.requests).toEqual([]);
    const response = await askOnce(agent.port, '/', 'GET', undefined, 'Origin: http://evil.example');
    expect(response.fields.filter(([name]) => /^access-control-/i.test(name))).toEqual([]);
  });

  test('is one of the cache, too: the second time nobody is asked', async () => {
    await using target = await startOrigin((_, socket) => named('one', socket, '200 OK', 'Cache-Control: max-age=60'));
    await using agent = await agentFor([target.url]);
    await askOnce(agent.port, '/stored');
    const second = await askOnce(agent.port, '/stored');
    expect(second.field('cache-status')).toMatch(/^edgehop;hit/);
    expect(target.requests).toHaveLength(1);
  });

  test('comes in absolute-form, too, from a program that uses the agent as its proxy', async () => {
    await using target = await startNamed('one');
    await using agent = await agentFor([target.url]);
    expect((await getOnce(agent.port, `http://app.localhost:${agent.port}/`)).content.toString()).toBe('one');
  });

  test('leads to the pool of the first route that fits, without the beginning of its path where that is to go', async () => {
    await using target = await startOrigin(({ target: path }, socket) =>
      named(path, socket, '302 Found', 'Location: /login'),
    );
    await using agent = await agentFor([target.url], {}, [{ path: '/api', stripPath: true }, {}]);
    const below = await askOnce(agent.port, '/api/users?x');
    expect([below.content.toString(), below.field('location')]).toEqual(['/users?x', '/api/login']);
    const beside = await askOnce(agent.port, '/apis');
    expect([beside.content.toString(), beside.field('location')]).toEqual(['/apis', '/login']);
  });

  test('and a target that redirects by its own address leads its client back', async () => {
    await using target = await startOrigin(({ values }, socket) =>
      named('', socket, '301 Moved Permanently', `Location: http://${values('host')[0]}/new`),
    );
    await using agent = await agentFor([target.url], { host: 'target' });
    const response = await askOnce(agent.port);
    expect(target.requests[0]?.values('host')).toEqual([`127.0.0.1:${target.port}`]);
    expect(response.field('location')).toBe(`http://app.localhost:${agent.port}/new`);
  });

  test('H01: a target over TLS is verified like every other', async () => {
    await using target = await startOrigin((_, socket) => named('one', socket), { tls: selfSigned('127.0.0.1') });
    await using agent = await agentFor([target.url]);
    const response = await askOnce(agent.port);
    expect([response.status, target.requests.length]).toEqual([503, 0]);
    expect(response.content.toString()).toContain('certificate');
  });

  test('C05: a pool that names the agent itself asks nobody', async () => {
    const port = await freePort();
    await using agent = await startTestAgent({
      edge: 'none',
      listen: { port },
      config: {
        reverse: [{ host: 'app.localhost', pool: 'app' }],
        pools: { app: { targets: [{ url: `http://localhost:${port}` }] } },
      },
    });
    const response = await askOnce(agent.port);
    expect(response.status).toBe(503);
    expect(response.content.toString()).toContain('edgehop itself');
  });

  test('is subject to rules', async () => {
    await using target = await startNamed('one');
    await using agent = await startTestAgent({
      edge: 'none',
      config: {
        reverse: [{ host: 'app.localhost', pool: 'app' }],
        pools: { app: { targets: [{ url: target.url }] } },
        rules: [
          { when: { host: 'app.localhost', path: '/admin*' }, then: { block: { status: 403 } } },
          { when: { host: '*.localhost' }, then: { request: { set: { 'x-debug': '1' } }, route: 'edge' } },
        ],
      },
    });
    expect((await askOnce(agent.port, '/admin/x')).status).toBe(403);
    expect((await askOnce(agent.port, '/x')).content.toString()).toBe('one');
    expect(target.requests.map(({ values }) => values('x-debug'))).toEqual([['1']]);
  });
});

describe('with several targets', () => {
  test('requests are shared by weight', async () => {
    await using one = await startNamed('one');
    await using two = await startNamed('two');
    await using agent = await agentFor([{ url: one.url, weight: 3 }, { url: two.url }]);
    for (let i = 0; i < 8; i++) await askOnce(agent.port, `/${i}`);
    expect([one.requests.length, two.requests.length]).toEqual([6, 2]);
  });

  test('one that is killed under load loses no idempotent request', async () => {
    const names = ['one', 'two', 'three'];
    const slowly = (name: string) => startOrigin((_, socket) => void setTimeout(() => named(name, socket), 2));
    const targets = await Promise.all(names.map(slowly)); // so that requests are under way when it dies
    await using agent = await agentFor(targets.map(({ url }) => url));
    const [one, two, three] = targets as [Origin, Origin, Origin];
    await using _one = one;
    await using _two = two;
    const statuses = new Map<number, number>();
    let killed: PromiseLike<void> | undefined;
    const load = Array.from({ length: 24 }, async (_, client) => {
      const keep = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 40; i++) {
        const { statusCode = 0 } = await get(agent.port, `/${client}/${i}`, keep);
        statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
        if (three.requests.length >= 100) killed ??= three[Symbol.asyncDispose]();
      }
      keep.destroy();
    });
    await Promise.all(load);
    await killed;
    expect(killed).toBeDefined();
    expect([...statuses]).toEqual([[200, 24 * 40]]);
    expect(one.requests.length + two.requests.length).toBeGreaterThan(600);
    const { pool } = await agent.recordWhere((record) => (record.pool?.tried.length ?? 0) > 0);
    expect(pool?.tried[0]?.target).toBe(three.url);
  });

  test('I08: a POST that was sent is not sent again; one that was not, is', async () => {
    await using broken = await startOrigin((_, socket) => void socket.resetAndDestroy());
    await using well = await startNamed('well');
    await using agent = await agentFor([broken.url, well.url]);
    expect((await askOnce(agent.port, '/', 'POST', undefined, 'Content-Length: 0')).status).toBe(502);
    expect(well.requests).toHaveLength(0);
    const refused = `http://127.0.0.1:${await freePort()}`;
    await using other = await agentFor([refused, well.url]);
    expect((await askOnce(other.port, '/', 'POST', undefined, 'Content-Length: 0')).status).toBe(200);
  });

  test('content that nobody has seen goes to the next target as a whole', async () => {
    await using well = await startOrigin(async ({ content }, socket) => named(`got ${await content}`, socket));
    await using agent = await agentFor([`http://127.0.0.1:${await freePort()}`, well.url]);
    using client = await connectClient(agent.port);
    const head = ['POST / HTTP/1.1', `Host: app.localhost:${agent.port}`, 'Transfer-Encoding: chunked'];
    client.send(message(head, '5\r\nhello\r\n'));
    client.send('6\r\n world\r\n0\r\n\r\n');
    expect((await client.response()).content.toString()).toBe('got hello world');
    expect((await agent.recordOf('/')).retries).toBe(1);
  });

  test('a target that is busy is left for another one, by GET only', async () => {
    await using busy = await startAnswering('503 Service Unavailable');
    await using well = await startNamed('well');
    await using agent = await agentFor([busy.url, well.url]);
    expect((await askOnce(agent.port)).status).toBe(200);
    await askOnce(agent.port); // the turn of the other one
    expect((await askOnce(agent.port, '/', 'POST', undefined, 'Content-Length: 0')).content.toString()).toMatch(/^503/);
  });

  test('all of which are down, 503 says what was tried', async () => {
    const ports = [await freePort(), await freePort()];
    await using agent = await agentFor(ports.map((port) => `http://127.0.0.1:${port}`));
    const response = await askOnce(agent.port);
    expect(response.status).toBe(503);
    const problem = JSON.parse(response.content.toString());
    for (const port of ports) expect(problem.detail).toContain(`http://127.0.0.1:${port} (it refuses the connection)`);
    expect(response.field('proxy-status')).toContain('error=destination_unavailable');
    const page = await askOnce(agent.port, '/', 'GET', undefined, 'Accept: text/html');
    expect(page.content.toString()).toContain(`127.0.0.1:${ports[0]}`);
  });

  test('those that come back are asked again, at once when no other is left', async () => {
    const port = await freePort();
    await using agent = await agentFor([`http://127.0.0.1:${port}`]);
    for (let i = 0; i < 5; i++) expect((await askOnce(agent.port)).status).toBe(503);
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => response.end('back'));
    await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
    expect((await askOnce(agent.port)).content.toString()).toBe('back');
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  test('checks find one ill and well again', async () => {
    let isWell = false;
    await using ailing = await startOrigin(({ target }, socket) => {
      if (target === '/health') named('', socket, isWell ? '204 No Content' : '500 Internal Server Error');
      else named('ailing', socket);
    });
    await using well = await startNamed('well');
    const check = { path: '/health', intervalMs: 10, healthyAfter: 1, unhealthyAfter: 1 };
    await using agent = await agentFor([ailing.url, well.url], { check, balance: 'hash-url' });
    const names = async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => askOnce(agent.port, `/${i}`)));
      return [...new Set(all.map(({ content }) => content.toString()))].sort();
    };
    await expect.poll(names).toEqual(['well']);
    isWell = true;
    await expect.poll(names).toEqual(['ailing', 'well']);
  });
});

describe('a WebSocket', () => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const lines = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'];
  const mask = Buffer.of(1, 2, 3, 4);

  test('goes to a target that takes it, and is counted there until it closes', async () => {
    await using echo = await startEchoOrigin();
    const refused = `http://127.0.0.1:${await freePort()}`;
    await using agent = await agentFor([refused, `http://127.0.0.1:${echo.port}`]);
    using client = await connectClient(agent.port);
    client.send(message(['GET /chat HTTP/1.1', `Host: app.localhost:${agent.port}`, ...lines]));
    const response = await client.response();
    expect([response.status, response.field('sec-websocket-accept')]).toEqual([101, acceptOf(key)]);
    client.send(frame(1, 'hello', mask));
    expect(await client.octets.exactly(7)).toEqual(frame(1, 'hello'));
    client.send(frame(8, '', mask));
    client.socket.end();
    expect(await client.ended).toBe('end');
    expect(echo.heads[0]).toContain(`\r\nHost: app.localhost:${agent.port}\r\n`);
    expect(echo.heads[0]).toMatch(/\r\nForwarded: for=127\.0\.0\.1;host=/);
    expect(await agent.recordOf('/chat')).toMatchObject({
      response: { status: 101 },
      route: { kind: 'direct', because: 'pool' },
      pool: { name: 'app', target: `http://127.0.0.1:${echo.port}`, tried: [{ target: refused }] },
    });
  });

  test('of which no target takes the connection is answered 503', async () => {
    await using agent = await agentFor([`http://127.0.0.1:${await freePort()}`]);
    expect((await askOnce(agent.port, '/chat', 'GET', undefined, ...lines.slice(1))).status).toBe(503);
  });

  test('G03: for a host that nobody configured is refused', async () => {
    await using echo = await startEchoOrigin();
    await using agent = await agentFor([`http://127.0.0.1:${echo.port}`]);
    const head = ['GET /chat HTTP/1.1', 'Host: evil.example', ...lines];
    expect((await exchangeOnce(agent.port, message(head))).status).toBe(400);
    expect(echo.heads).toEqual([]);
  });
});

test.runIf(hasBrowser)('app.localhost works in a browser that knows of no proxy', async () => {
  const page = '<!doctype html><title>page</title><script src="/script.js"></script>';
  const parts: Readonly<Record<string, readonly [string, string]>> = {
    '/': ['text/html', page],
    '/script.js': ['text/javascript', 'document.title = "script ran"'],
    '/posted': ['text/plain', 'posted'],
  };
  await using target = await startOrigin(({ target: path }, socket) => {
    const [type, content] = parts[path] ?? ['text/plain', 'none'];
    named(content, socket, '200 OK', `Content-Type: ${type}`);
  });
  await using echo = await startEchoOrigin();
  await using agent = await startTestAgent({
    edge: 'none',
    allowPrivate: false,
    config: {
      pools: { app: { targets: [{ url: target.url }] }, chat: { targets: [{ url: `http://127.0.0.1:${echo.port}` }] } },
      reverse: [
        { host: 'app.localhost', path: '/chat', pool: 'chat' },
        { host: 'app.localhost', pool: 'app' },
      ],
    },
  });
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://app.localhost:${agent.port}/`, { waitUntil: 'load' });
    expect(await tab.title()).toBe('script ran');
    expect(await tab.evaluate("fetch('/posted', { method: 'POST', body: 'x' }).then((r) => r.text())")).toBe('posted');
    const chat = `new Promise((resolve, reject) => {
      const socket = new WebSocket('ws://' + location.host + '/chat');
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = reject;
    })`;
    expect(await tab.evaluate(chat)).toBe('hello');
  } finally {
    await browser.close();
  }
});

function get(port: number, path: string, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = ask({ port, host: '127.0.0.1', path, agent, headers: { host: `app.localhost:${port}` } });
    request.on('error', reject);
    request.on('response', (response) => {
      response.on('error', reject).on('end', () => resolve(response));
      response.resume();
    });
    request.end();
  });
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  await using origin = await startOrigin(() => undefined);
  return origin.port;
}
