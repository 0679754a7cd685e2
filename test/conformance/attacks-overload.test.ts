// ATTACKS.md group I: many clients that do nothing, an edge in trouble, a stop and a start in the middle of work.
import { describe, expect, test } from 'vitest';
import { routes, startTestAgent } from '../support/agent.ts';
import { type Client, connectClient, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { chunk, message, startOrigin } from '../support/origin.ts';
import { closedPort } from '../support/tcp.ts';

const ok = 'HTTP/1.1 200 OK';

test.each(routes)('I01 by edge %s idle and slow clients get their deadline, and others their answers', async (edge) => {
  await using origin = await startOrigin(async (request, socket) => {
    await request.content.catch(() => undefined);
    socket.write(message([ok, 'Content-Length: 2'], 'ok'));
  });
  // Those who send slowly hold connections to their origin, of which there are so many and no more.
  await using slow = await startOrigin(() => undefined);
  const limits = { headTimeoutMs: 800, idleTimeoutMs: 800, headDeadlineMs: 2_000, maxConnections: 2_000 };
  await using proxy = await startTestAgent({ edge, limits });
  const connect = (count: number) => Promise.all(Array.from({ length: count }, () => connectClient(proxy.port)));
  const [idle, slowHeads, slowBodies] = [await connect(500), await connect(80), await connect(80)];
  const head = `http://127.0.0.1:${slow.port}/ HTTP/1.1\r\nHost: x\r\n`;
  for (const client of slowBodies) client.send(`POST ${head}Content-Length: 1000\r\n\r\n`);
  for (const client of slowHeads) client.send(`GET ${head}X: `);
  const trickle = setInterval(() => {
    for (const client of [...slowHeads, ...slowBodies]) client.send('x');
  }, 100);
  for (let i = 0; i < 10; i++) expect((await getOnce(proxy.port, `${origin.url}/${i}`)).status).toBe(200);
  for (const client of slowHeads) expect((await client.response()).status).toBe(408);
  clearInterval(trickle);
  for (const client of [...slowBodies, ...slowHeads]) await client.ended;
  for (const client of idle) client.socket.destroy();
  for (const client of [...slowBodies, ...slowHeads]) client.socket.destroy();
  await proxy.active(0);
});

test('I04 SIGTERM lets a download, a stream of events and a tunnel come to their ends, and ends with 0', async () => {
  const [finish, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using origin = await startOrigin(async (request, socket) => {
    if (request.target === '/download') {
      socket.write(message([ok, 'Content-Length: 10'], 'hello'));
      await finish.promise;
      return void socket.write('world');
    }
    if (request.target === '/events') {
      socket.write(
        Buffer.concat([
          message([ok, 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked']),
          chunk('data: 1\n\n'),
        ]),
      );
      await finish.promise;
      return void socket.write(Buffer.concat([chunk('data: 2\n\n'), chunk()]));
    }
    begun.resolve();
    socket.write(message([ok, 'Content-Length: 2'], 'ok'));
  });
  using home = makeHome();
  await using agent = await home.start('--edge', 'none', '--allow-private');
  const ask = async (path: string): Promise<Client> => {
    const client = await connectClient(agent.port);
    client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
    return client;
  };
  const [download, events, tunnel] = [await ask('/download'), await ask('/events'), await connectClient(agent.port)];
  tunnel.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x');
  for (const client of [download, events, tunnel]) await client.octets.until('\r\n\r\n');
  expect((await events.octets.until('\n\n'))?.toString()).toContain('data: 1');
  agent.signal('SIGTERM');
  await agent.says('stopping');
  // It says so first, and stops listening then.
  for (let isOpen = true; isOpen; ) isOpen = await canConnect(agent.port);
  finish.resolve();
  tunnel.sendHead('GET /tunnel HTTP/1.1', 'Host: x');
  await begun.promise;
  expect((await tunnel.octets.until('ok'))?.toString()).toMatch(/ok$/);
  tunnel.socket.end();
  expect((await download.octets.exactly(10)).toString()).toBe('helloworld');
  expect((await events.octets.until('0\r\n\r\n'))?.toString()).toContain('data: 2');
  expect((await agent.ended).code).toBe(0);
});

test('I05 a restart under load cuts no answer: a request is answered whole, or its connection is not taken', async () => {
  await using origin = await startOrigin(
    (_request, socket) => void socket.write(message([ok, 'Content-Length: 2'], 'ok')),
  );
  const port = await closedPort();
  using home = makeHome();
  const start = () => home.start('--edge', 'none', '--allow-private', '--port', String(port));
  const first = await start();
  let isOver = false;
  const outcomes: string[] = [];
  const load = async () => {
    while (!isOver) {
      const outcome = await getOnce(port, `${origin.url}/`).then(
        ({ status, content, isComplete }) => `${status} ${content} ${isComplete}`,
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
      outcomes.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const running = [load(), load()];
  while (outcomes.length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
  first.signal('SIGTERM');
  expect((await first.ended).code).toBe(0);
  await using second = await start();
  const known = outcomes.length;
  while (outcomes.length < known + 20) await new Promise((resolve) => setTimeout(resolve, 20));
  isOver = true;
  await Promise.all(running);
  expect(second.port).toBe(port);
  // What was still in the system's queue when the listener closed is reset by the system before anybody has read it.
  expect(
    outcomes.filter((each) => !['200 ok true', 'ECONNREFUSED', 'ECONNRESET', 'no response but ""'].includes(each)),
  ).toEqual([]);
  expect(outcomes.slice(-10)).toEqual(Array(10).fill('200 ok true'));
});

describe('I07 an edge that answers', () => {
  test.each([
    ['500', 'HTTP/1.1 500 Internal Server Error', 'oops'],
    ['500 with error 1101', 'HTTP/1.1 500 Internal Server Error', 'error code: 1101'],
    ['429 with error 1015', 'HTTP/1.1 429 Too Many Requests', 'error code: 1015'],
    ['429 because the quota is used up', 'HTTP/1.1 429 Too Many Requests', 'error code: 1027'],
    ['401 because the token was revoked', 'HTTP/1.1 401 Unauthorized', ''],
    ['503 because it has no token', 'HTTP/1.1 503 Service Unavailable', ''],
    ['200 that is not its own', ok, '<html>Log in</html>'],
  ])(
    '%s: the reason is told, the edge is not asked for ever, and nobody goes directly unasked',
    async (_name, line, content) => {
      await using edge = await startOrigin(
        (_request, socket) =>
          void socket.end(message([line, 'Connection: close', `Content-Length: ${content.length}`], content)),
      );
      await using origin = await startOrigin(
        (_request, socket) => void socket.write(message([ok, 'Content-Length: 2'], 'ok')),
      );
      await using proxy = await startTestAgent({
        edge: edge.url as `http://${string}`,
        fallback: 'fail',
        allowPrivate: false,
        allow: [`127.0.0.1:${origin.port}`],
        answers: { 'site.example': ['127.0.0.1'] },
      });
      const asked = edge.requests.length;
      const response = await getOnce(proxy.port, `http://site.example:${origin.port}/`);
      expect([response.status, response.isComplete]).toEqual([expect.toBeOneOf([502, 503, 504]), true]);
      expect(JSON.parse(response.content.toString()).detail).toMatch(/edge/i);
      expect(edge.requests.slice(asked).filter(({ method }) => method === 'POST').length).toBeLessThan(4);
      expect(origin.requests.length).toBe(0);
    },
  );
});

function canConnect(port: number): Promise<boolean> {
  return connectClient(port).then(
    (client) => {
      client.socket.destroy();
      return true;
    },
    () => false,
  );
}
