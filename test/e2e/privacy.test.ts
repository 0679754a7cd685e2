// What `privacy` makes of Via and Forwarded on the wire, by each route, and which circles are still found.
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { routes, startTestAgent } from '../support/agent.ts';
import { getOnce } from '../support/client.ts';
import { message, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

const answering = () =>
  startOrigin((_, socket) => {
    socket.write(message(['HTTP/1.1 200 OK', 'Cache-Control: max-age=60', 'Content-Length: 2'], 'ok'));
  });

test.each(routes)('off leaves nothing of this machine or its client, by edge %s', async (edge) => {
  await using origin = await answering();
  await using proxy = await startTestAgent({ edge, config: { privacy: { via: 'off', forwarded: 'off' } } });
  expect((await getOnce(proxy.port, `${origin.url}/`)).status).toBe(200);
  const { octets } = await origin.received(1);
  expect(octets).not.toMatch(/^(?:via|forwarded|x-forwarded-for):/im);
  expect(octets).not.toMatch(/edgehop-[0-9a-f]{8}/);
  expect(octets).not.toContain(hostname());
});

test.each(routes)('on tells the machine and the client, by edge %s', async (edge) => {
  await using origin = await answering();
  await using proxy = await startTestAgent({ edge, config: { privacy: { via: 'on', forwarded: 'on' } } });
  await getOnce(proxy.port, `${origin.url}/`, 'Forwarded: for=192.0.2.1');
  const request = await origin.received(1);
  expect(request.values('via').join(', ')).toMatch(/^1\.1 edgehop-[0-9a-f]{8} \([A-Za-z0-9._-]+\)$/);
  expect(request.values('forwarded').join(', ')).toMatch(
    /^for=192\.0\.2\.1, for=127\.0\.0\.1;by=_edgehop-[0-9a-f]{8};proto=http$/,
  );
});

test('one client keeps its pseudonym for the run, and the next run knows another', async () => {
  await using origin = await answering();
  const seen = async (times: number) => {
    await using proxy = await startTestAgent({ edge: 'none', config: { privacy: { forwarded: 'pseudonym' } } });
    const before = origin.requests.length;
    for (let i = 0; i < times; i++) await getOnce(proxy.port, `${origin.url}/`); // each on a connection of its own
    const forwarded = origin.requests.slice(before).flatMap(({ values }) => values('forwarded'));
    expect(forwarded).toHaveLength(times); // nothing that was made for one client is stored for all
    return new Set(forwarded.map((value) => /^for=(_[\w.-]+);/.exec(value)?.[1]));
  };
  const [first, second] = [await seen(3), await seen(1)];
  expect([first.size, second.size]).toEqual([1, 1]);
  expect([...first]).not.toEqual([...second]);
  expect([...first][0]).not.toContain('127');
});

/** An agent whose parent proxy is itself, though it cannot know that: another address leads there. */
async function inCircle(via: 'on' | 'pseudonym' | 'off') {
  let port = 0;
  const relay = await startTcp((socket) => {
    const back = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, back],
      [back, socket],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  const proxy = await startTestAgent({
    edge: 'none',
    config: { privacy: { via } },
    parents: { http: `http://127.0.0.1:${relay.port}` },
    answers: { 'site.example': ['192.0.2.1'] },
    limits: { maxOriginConnections: 4, headDeadlineMs: 2_000, connectTimeoutMs: 2_000 },
  });
  port = proxy.port;
  return { relay, proxy };
}

test.each(['on', 'pseudonym'] as const)('C12: a circle is found by Via: %s', async (via) => {
  const { relay, proxy } = await inCircle(via);
  const response = await getOnce(proxy.port, 'http://site.example/');
  expect(response.status).toBe(502);
  expect(proxy.records.filter(({ error }) => error?.type === 'proxy_loop_detected')).toHaveLength(1);
  expect(proxy.records).toHaveLength(2); // there and back once
  await proxy[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

test('C12: without Via a circle is ended by the limits, not by us knowing it', { timeout: 30_000 }, async () => {
  const { relay, proxy } = await inCircle('off');
  const response = await getOnce(proxy.port, 'http://site.example/');
  expect(response.status).toBeGreaterThanOrEqual(500);
  expect(proxy.records.some(({ error }) => error?.type === 'proxy_loop_detected')).toBe(false);
  expect(proxy.records.length).toBeLessThan(12);
  await proxy[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});
