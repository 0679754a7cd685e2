// I03, I06: a thousand clients that leave at any moment. Handles, descriptors and memory return to where they were.
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';

const clients = 1_000;
const atOnce = 40;
/** Those before the measure is taken: they fill what is kept on purpose, connections and the latest records. */
const firstClients = 300;
/** Far less than 700 clients would take that each left its buffers behind. */
const maxGrowthBytes = 16 * 1024 * 1024;
const settleTimeoutMs = 20_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test.each(routes)(
  'I03 a thousand clients that leave at random moments leave nothing behind by edge %s',
  async (edge) => {
    const { origin, port } = await startSpoutingOrigin();
    await using proxy = await startTestAgent({ edge, limits: { headDeadlineMs: 3_000 } });
    const random = seeded(20260102);
    const start = await quiet(proxy);
    await leave(proxy, port, random, firstClients);
    await proxy.active(0);
    const before = await quiet(proxy);
    await leave(proxy, port, random, clients - firstClients);
    await proxy.active(0);
    const surplus = await settled(async () => {
      const now = await quiet(proxy);
      return [
        ...(now.handles > start.handles ? [`${now.handles - start.handles} handles`] : []),
        ...(now.edgeDescriptors > start.edgeDescriptors ? ['descriptors of the edge'] : []),
        ...(now.memory > before.memory + maxGrowthBytes ? [`${now.memory - before.memory} octets`] : []),
      ];
    });
    expect(surplus).toEqual([]);
    expect((await getOnce(proxy.port, `http://127.0.0.1:${port}/short`)).content.toString()).toBe('short');
    origin.closeAllConnections();
    await new Promise((resolve) => origin.close(resolve));
  },
  120_000,
);

/** Each client does something, and is gone before or after it has what it came for. */
async function leave(proxy: TestAgent, originPort: number, random: () => number, count: number): Promise<void> {
  const host = `127.0.0.1:${originPort}`;
  const head = (method: string, path: string, more = '') =>
    `${method} http://${host}${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
  const upload = `${head('POST', '/short', 'Content-Length: 100000\r\n')}${'x'.repeat(50_000)}`;
  const socks = Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, originPort >> 8, originPort & 255]).toString('latin1');
  const openings = [
    ...[head('GET', '/short'), head('GET', '/large'), head('GET', '/endless'), head('GET', '/mute')],
    ...[
      upload,
      `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n${head('GET', '/endless')}`,
      `${socks}GET / HTTP/1.1`,
    ],
    ...[
      head('GET', '/short').repeat(5),
      head('GET', '/short').slice(0, 30),
      head('GET', '/short', 'Upgrade: x\r\nConnection: upgrade\r\n'),
    ],
  ];
  let left = count;
  const visit = async () => {
    while (left-- > 0) {
      using client = await connectClient(proxy.port);
      const text = openings[Math.floor(random() * openings.length)] as string;
      client.send(text.slice(0, random() < 0.2 ? Math.floor(random() * text.length) : text.length));
      if (random() < 0.5) client.socket.pause(); // nor does everybody read
      for (let turns = Math.floor(random() ** 3 * 60); turns > 0; turns--) await turn();
      const manner = random();
      if (manner < 0.3) client.socket.resetAndDestroy();
      else if (manner < 0.5) client.socket.end();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, visit));
}

/** Memory that is in use, what keeps this process alive, and what the edge's process has open. */
async function quiet(proxy: TestAgent): Promise<Record<'memory' | 'handles' | 'edgeDescriptors', number>> {
  expect(proxy.records.filter(({ error }) => error?.type === 'proxy_internal_error')).toEqual([]);
  (proxy.records as unknown[]).length = 0; // the tests' own
  await pause();
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe|TLS|Timeout)/.test(kind)).length;
  const { edgePid } = proxy.agent.state();
  const edgeDescriptors = edgePid === undefined ? 0 : readdirSync(`/proc/${edgePid}/fd`).length;
  return { memory: heapUsed + external + arrayBuffers, handles, edgeDescriptors };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

/** Waits until nothing is left, or long enough that something always will be. */
async function settled(left: () => Promise<string[]>): Promise<string[]> {
  const deadline = performance.now() + settleTimeoutMs;
  for (;;) {
    const surplus = await left();
    if (surplus.length === 0 || performance.now() > deadline) return surplus;
  }
}

/** Keeps nothing of what it is asked. */
async function startSpoutingOrigin(): Promise<{ readonly origin: Server; readonly port: number }> {
  const large = Buffer.alloc(300_000, 'large ');
  const origin = createServer((request, response) => {
    response.on('error', () => undefined);
    if (request.url === '/mute') return;
    if (request.url === '/large') return void response.end(large);
    if (request.url === '/endless') {
      const spout = () => void response.write(large.subarray(0, 30_000));
      response.on('drain', spout);
      return spout();
    }
    request.resume().on('end', () => response.end('short'));
  });
  origin.keepAliveTimeout = 1_000;
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  return { origin, port: (origin.address() as { port: number }).port };
}

/** Numbers from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
