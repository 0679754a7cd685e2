// ATTACKS.md, groups B, C, D, E and G, against reverse routes: hostile hosts, paths and targets.
import { describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

describe('E01 a reverse route and a forward proxy have nothing of each other', () => {
  test.each([
    ['*', 'bank.example'],
    ['app.localhost', 'app.localhost'],
  ])('route %s', async (route, host) => {
    const answer = (text: string) =>
      message(['HTTP/1.1 200 OK', 'Cache-Control: max-age=600', `Content-Length: ${text.length}`], text);
    await using target = await startOrigin((_, socket) => void socket.write(answer('target')));
    await using origin = await startOrigin((_, socket) => void socket.write(answer('origin')));
    await using proxy = await startTestAgent({
      edge: 'none',
      config: { pools: { app: { targets: [{ url: target.url }] } }, reverse: [{ host: route, pool: 'app' }] },
      lookup: async () => ['127.0.0.1'],
    });
    const authority = `${host}:${origin.port}`;
    const byRoute = (path: string) =>
      exchangeOnce(proxy.port, `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`);
    const byProxy = (path: string) => getOnce(proxy.port, `http://${authority}${path}`);
    const told: string[] = [];
    for (const ask of [
      () => byRoute('/a'),
      () => byProxy('/a'),
      () => byProxy('/b'),
      () => byRoute('/b'),
      () => byRoute('/a'),
    ]) {
      told.push((await ask()).content.toString());
    }
    expect(told).toEqual(['target', 'origin', 'origin', 'target', 'target']);
    expect([target.requests.length, origin.requests.length]).toEqual([2, 2]); // and each has its cache
  });

  test('D03 a target hears of a client from us alone', async () => {
    await using target = await startOrigin(
      (_, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0'])),
    );
    await using proxy = await startTestAgent({
      edge: 'none',
      config: { pools: { app: { targets: [{ url: target.url }] } }, reverse: [{ host: 'app.localhost', pool: 'app' }] },
    });
    const claims = [
      'Forwarded: for=192.0.2.9',
      'X-Forwarded-For: 192.0.2.9',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Proto: https',
      'X-Real-IP: 192.0.2.9',
      'CF-Connecting-IP: 192.0.2.9',
      'True-Client-IP: 192.0.2.9',
    ];
    await exchangeOnce(
      proxy.port,
      `GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n${claims.join('\r\n')}\r\n\r\n`,
    );
    const { head } = await target.received(1);
    expect(head).not.toMatch(/192\.0\.2\.9|evil/);
    for (const host of [
      'u:p@app.localhost',
      'app.localhost:0',
      'app.localhost:99999',
      'app.localhost/x',
      'app.localhost,x',
      'evil.example',
      '',
      'app%2elocalhost',
    ]) {
      expect(
        (await exchangeOnce(proxy.port, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status,
      ).toBe(400);
    }
    expect(target.requests).toHaveLength(1);
  });
});

describe('targets that are hostile', () => {
  const answers: Readonly<Record<string, readonly string[]>> = {
    'B03 101 that nobody asked for': [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      '',
      'HTTP/1.1 200 OK',
      'Content-Length: 4',
      '',
      'evil',
    ],
    'B01 two framings': ['HTTP/1.1 200 OK', 'Content-Length: 2', 'Transfer-Encoding: chunked', '', '0', '', 'evil'],
    'B01 two lengths': ['HTTP/1.1 200 OK', 'Content-Length: 2', 'Content-Length: 3', '', 'evil'],
    'D10 a challenge of a proxy': [
      'HTTP/1.1 407 Proxy Authentication Required',
      'Proxy-Authenticate: Basic',
      'Content-Length: 0',
      '',
      '',
    ],
  };

  test.each(Object.entries(answers))('%s is 502, and nothing of it reaches the client', async (_, lines) => {
    await using both = await withTarget((__, socket) => void socket.write(lines.join('\r\n')));
    const { status, content, field } = await both.ask('/');
    expect([status, content.includes('evil'), field('proxy-authenticate')]).toEqual([502, false, undefined]);
  });

  test('B02 a second response in one piece with the first is nobody’s', async () => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    await using both = await withTarget((request, socket) => {
      socket.write(request.target === '/first' ? `${ok}${ok.replace('ok', 'xx')}` : ok);
    });
    for (const path of ['/first', '/second', '/third']) expect((await both.ask(path)).content.toString()).toBe('ok');
    expect(both.target.requests).toHaveLength(3);
  });

  test('I08 a POST that was sent is sent to no other target', async () => {
    await using both = await withTarget((_, socket) => void socket.destroy(), 2);
    const { status } = await both.ask('/', 'POST');
    expect([status, both.target.requests.length]).toEqual([502, 1]);
  });

  test.each([
    ['/api/../x', '/x'],
    ['/api/%2e%2e/x', '/x'],
    ['/api%2f..%2fx', '/api%2f..%2fx'],
    ['/apix', '/apix'],
    ['/api', '/'],
    ['/api?x', '/?x'],
    ['/api//evil.example/', '//evil.example/'],
    ['//x', '//x'],
  ])('a path is judged as it is sent: %s is %s', async (path, asked) => {
    await using both = await withTarget(
      (_, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0'])),
    );
    expect((await both.ask(path)).status).toBe(200);
    expect((await both.target.received(1)).target).toBe(asked);
  });
});

interface WithTarget extends AsyncDisposable {
  readonly target: Origin;
  ask(path: string, method?: string): ReturnType<typeof exchangeOnce>;
}

/** A proxy with a route to one target, or to the same by two names. `/api` is taken off. */
async function withTarget(answer: Parameters<typeof startOrigin>[0], names = 1): Promise<WithTarget> {
  const target = await startOrigin(answer);
  const targets = [target.url, target.url.replace('127.0.0.1', 'localhost')].slice(0, names).map((url) => ({ url }));
  const proxy: TestAgent = await startTestAgent({
    edge: 'none',
    config: {
      pools: { app: { targets } },
      reverse: [
        { host: 'app.localhost', path: '/api', pool: 'app', stripPath: true },
        { host: 'app.localhost', pool: 'app' },
      ],
    },
  });
  return {
    target,
    ask: (path, method = 'GET') => {
      const length = method === 'POST' ? 'Content-Length: 0\r\n' : '';
      const head = `${method} ${path} HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n${length}\r\n`;
      return exchangeOnce(proxy.port, head, method);
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}
