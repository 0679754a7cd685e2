// ATTACKS.md group C: destinations that must not be reached, by way of names, redirects, loops and CONNECT.
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge } from '../support/edge.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp, type TcpServer } from '../support/tcp.ts';

let origin: Origin;
let trap: TcpServer;

beforeAll(async () => {
  origin = await startOrigin((request, socket) => {
    if (request.target === '/redirect')
      return void socket.write(
        message(['HTTP/1.1 302 Found', `Location: http://127.0.0.3:${trap.port}/`, 'Content-Length: 0']),
      );
    socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${request.target.length}`], request.target));
  });
  // Nobody may come here: 127.0.0.3 is this machine, too, and no exception names it.
  trap = await startTcp((socket) => void socket.resume(), '127.0.0.3');
});

afterAll(async () => {
  await trap[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const connect = (port: number, authority: string, early = '') =>
  exchangeOnce(port, `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${early}`, 'CONNECT');

describe.each(routes)('by edge %s', (edge) => {
  test('C03 a name that resolves anew between the check and the connection gets nowhere else', async () => {
    let asked = 0;
    const lookup = async () => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.3']);
    await using proxy = await startTestAgent({ edge, allowPrivate: false, allow: ['127.0.0.1'], lookup });
    const reached = trap.connections;
    for (const path of ['/first', '/second']) {
      const response = await getOnce(proxy.port, `http://rebinding.example:${trap.port}${path}`).catch(() => undefined);
      expect(response?.status).not.toBe(200);
    }
    await connect(proxy.port, `rebinding.example:${trap.port}`);
    expect(trap.connections).toBe(reached);
  });

  test('C04 a private address beside an allowed one is never dialled', async () => {
    const lookup = async () => ['127.0.0.3', '127.0.0.1', '::1'];
    await using proxy = await startTestAgent({ edge, allowPrivate: false, allow: ['127.0.0.1'], lookup });
    const reached = trap.connections;
    expect((await getOnce(proxy.port, `http://mixed.example:${trap.port}/`)).status).toBeGreaterThanOrEqual(400);
    expect((await connect(proxy.port, `mixed.example:${trap.port}`)).status).toBeGreaterThanOrEqual(400);
    expect(trap.connections).toBe(reached);
  });

  describe('with every private destination allowed', () => {
    let proxy: TestAgent;

    beforeAll(async () => {
      proxy = await startTestAgent({ edge, answers: { 'me.example': ['127.0.0.1'] } });
      return () => proxy[Symbol.asyncDispose]();
    });

    const lan = Object.values(networkInterfaces()).flatMap((each) => each?.filter(({ internal }) => !internal) ?? []);
    const hosts = [
      '127.0.0.1',
      'localhost',
      '0.0.0.0',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '127.0.0.2',
      'me.example',
      '2130706433',
    ];
    const own = [...hosts, ...lan.filter(({ family }) => family === 'IPv4').map(({ address }) => address)];

    test.each(own)('C05 C06 the agent is not reached through itself as %s, nor its control port', async (host) => {
      for (const port of [proxy.port, proxy.controlPort]) {
        const answers = [
          await connect(proxy.port, `${host}:${port}`),
          await getOnce(proxy.port, `http://${host}:${port}/ready`),
        ];
        for (const { status, content } of answers) {
          expect(status).toBeGreaterThanOrEqual(400);
          expect(content.toString()).not.toContain('"ready"');
        }
      }
    });

    test.each([
      ['25', 403],
      ['0', 400],
      ['65536', 400],
      ['0443', 400],
      ['', 400],
    ])('C07 CONNECT to port "%s" is %i', async (port, status) => {
      expect((await connect(proxy.port, `127.0.0.1:${port}`)).status).toBe(status);
    });

    test('C09 a redirect to a private address is passed on, and nobody follows', async () => {
      const reached = trap.connections;
      const response = await getOnce(proxy.port, `${origin.url}/redirect`);
      expect([response.status, response.field('location')]).toEqual([302, `http://127.0.0.3:${trap.port}/`]);
      expect(trap.connections).toBe(reached);
    });

    test('C12 a request that has been here is refused, whatever else its Via names', async () => {
      const via = (await getOnce(proxy.port, `${origin.url}/`)).field('via') ?? '';
      const asked = origin.requests.length;
      const others = Array.from({ length: 20 }, (_, i) => `1.1 hop-${i}`).join(', ');
      for (const value of [via, `${others}, ${via}`, `${via}, ${others}`, via.toUpperCase()]) {
        expect((await getOnce(proxy.port, `${origin.url}/`, `Via: ${value}`)).status).toBe(502);
      }
      expect(origin.requests.length).toBe(asked);
      expect((await getOnce(proxy.port, `${origin.url}/`, `Via: ${others}`)).status).toBe(200);
    });

    test('C13 octets in one segment with CONNECT are delivered once, when the tunnel is up', async () => {
      const asked = origin.requests.length;
      const early = 'GET /early HTTP/1.1\r\nHost: x\r\n\r\n';
      using client = await connectClient(proxy.port);
      client.send(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: x\r\n\r\n${early}`);
      expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1.1 200 /);
      expect((await client.response()).content.toString()).toBe('/early');
      expect(origin.requests.length).toBe(asked + 1);
    });

    test.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('C14 CONNECT with %s is 400', async (field) => {
      const raw = `CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\nhello`;
      expect((await exchangeOnce(proxy.port, raw)).status).toBe(400);
    });

    test('C15 a CONNECT that fails is final: an error with content, no tunnel', async () => {
      const closed = await startTcp(() => undefined);
      await closed[Symbol.asyncDispose]();
      const asked = origin.requests.length;
      const answer = await connect(
        proxy.port,
        `127.0.0.1:${closed.port}`,
        `GET ${origin.url}/behind HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect([answer.status, answer.isComplete, answer.content.length > 0, answer.ending]).toEqual([
        502,
        true,
        true,
        'end',
      ]);
      expect(origin.requests.length).toBe(asked);
    });

    test.each(['b\xfccher.example:443', '127.0.0%2e1:80', '%31.example:80', '127.0.0.1\t:80', '１27.0.0.1:80'])(
      'C16 D07 CONNECT %j is 400, and nothing is dialled',
      async (authority) => {
        const reached = origin.connections;
        using client = await connectClient(proxy.port);
        client.send(
          Buffer.from(
            `CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n`,
            authority.includes('\xfc') ? 'latin1' : 'utf8',
          ),
        );
        expect((await client.response()).status).toBe(400);
        expect(origin.connections).toBe(reached);
      },
    );
  });
});

describe('with a deployed edge', () => {
  test('C08 CONNECT goes directly where the edge has no tunnels', async () => {
    await using edge = await startDeployedEdge();
    await using proxy = await startTestAgent({ edge: edge.direct as `http://${string}` });
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x');
    expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1.1 200 /);
    client.sendHead('GET /inside HTTP/1.1', 'Host: x');
    expect((await client.response()).content.toString()).toBe('/inside');
  });

  test('C11 the edge is not asked for itself', async () => {
    await using edge = await startDeployedEdge();
    await using proxy = await startTestAgent({ edge: edge.direct as `http://${string}`, fallback: 'fail' });
    for (const path of ['/v1/hello', '/']) {
      const response = await getOnce(proxy.port, `${edge.direct}${path}`);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.content.toString()).not.toContain('colo');
    }
  });
});
