// After all sorts of exchanges, well ended or not, nothing of them is left: no socket, no timer.
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';

const rounds = 30;
const settleTimeoutMs = 15_000;

test.each(routes)(
  'a few hundred exchanges leave nothing behind by edge %s',
  async (edge) => {
    await using origin = await startOrigin(async (request, socket) => {
      if (request.target === '/mute') return;
      if (request.target === '/reset') return void socket.resetAndDestroy();
      if (request.target === '/cut') return void socket.end(message(['HTTP/1.1 200 OK', 'Content-Length: 99'], 'cut'));
      if (request.target === '/endless') {
        socket.write(
          Buffer.concat([message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked']), chunk(Buffer.alloc(200_000))]),
        );
        const ticking = setInterval(() => socket.write(chunk('tick')), 50);
        socket.once('close', () => clearInterval(ticking));
        return;
      }
      await request.content.catch(() => undefined);
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok'));
    });
    await using proxy = await startTestAgent({ edge, limits: { headDeadlineMs: 2_000 } });
    let before = resources();
    for (let last = {}; !isDeepStrictEqual(last, before); before = resources()) {
      last = before;
      await pause();
    }
    for (let round = 0; round < rounds; round++) {
      await Promise.allSettled([
        getOnce(proxy.port, `${origin.url}/good`),
        exchangeOnce(
          proxy.port,
          message([`POST ${origin.url}/post HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'], 'hello'),
        ),
        getOnce(proxy.port, `${origin.url}/reset`),
        getOnce(proxy.port, `${origin.url}/cut`),
        exchangeOnce(proxy.port, 'nonsense\r\n\r\n'),
        exchangeOnce(proxy.port, message([`CONNECT 127.0.0.1:1 HTTP/1.1`, 'Host: x'])),
        abandoned(proxy, origin, '/mute'),
        abandoned(proxy, origin, '/endless'),
        abandonedUpload(proxy, origin),
        abandonedTunnel(proxy, origin),
        spoken(proxy, Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 1)), // SOCKS5, to a port that refuses
        spoken(proxy, Buffer.of(5, 1, 0, 5, 2)),
        spoken(proxy, Buffer.of(22, 3, 1)),
        spoken(proxy, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
        abandonedSocks(proxy, origin),
      ]);
    }
    expect(proxy.records.length).toBeGreaterThan(rounds * 5);
    await proxy.active(0);
    const surplus = () => Object.entries(resources()).filter(([kind, count]) => count > (before[kind] ?? 0));
    for (let waitedMs = 0; waitedMs < settleTimeoutMs && surplus().length > 0; waitedMs += 100) await pause();
    expect(surplus()).toEqual([]);
    expect((await getOnce(proxy.port, `${origin.url}/after`)).status).toBe(200);
  },
  60_000,
);

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

/** What keeps this process alive, by kind. The agent, its clients and the origin all are in it. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/^(TCP|Pipe|TLS|Timeout|Immediate|GetAddrInfo)/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** What is no HTTP/1.1, until the agent has closed. */
async function spoken(proxy: TestAgent, octets: Buffer | string): Promise<void> {
  using client = await connectClient(proxy.port);
  client.send(octets);
  await client.octets.rest();
}

async function abandoned(proxy: TestAgent, origin: Origin, path: string): Promise<void> {
  const client = await connectClient(proxy.port);
  const asked = origin.requests.length;
  client.sendHead(`GET ${origin.url}${path} HTTP/1.1`, 'Host: x');
  await (path === '/mute' ? origin.received(asked + 1) : client.octets.exactly(1000));
  client.socket.destroy();
}

async function abandonedUpload(proxy: TestAgent, origin: Origin): Promise<void> {
  const client = await connectClient(proxy.port);
  const asked = origin.requests.length;
  client.send(
    message([`POST ${origin.url}/upload HTTP/1.1`, 'Host: x', 'Content-Length: 100000'], Buffer.alloc(50_000)),
  );
  await origin.received(asked + 1);
  client.socket.resetAndDestroy();
}

async function abandonedTunnel(proxy: TestAgent, origin: Origin): Promise<void> {
  const client = await connectClient(proxy.port);
  client.sendHead(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1`, 'Host: x');
  await client.octets.until('\r\n\r\n');
  client.socket.destroy();
}

async function abandonedSocks(proxy: TestAgent, origin: Origin): Promise<void> {
  for (const octets of [
    Buffer.of(5),
    Buffer.of(5, 1, 0, 5, 1),
    Buffer.of(5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, origin.port >> 8, origin.port & 255, 71),
  ]) {
    const client = await connectClient(proxy.port);
    client.send(octets);
    if (octets.length > 1) await client.octets.exactly(octets.length > 5 ? 12 : 2);
    client.socket.destroy();
  }
}
