// I06, I07, I08: a bad network between the agent and a deployed edge. Nothing is cut cleanly, sent twice that must not be, or left behind.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge, type TestEdge } from '../support/edge.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startToxicRelay, type ToxicRelay } from '../support/toxic-relay.ts';

const site = 'http://site.example';
const content = randomBytes(200_000);
const large = Buffer.alloc(16 * 1024 * 1024);
const ok = 'HTTP/1.1 200 OK';
/** The agent gives the edge ten seconds more than the origin, and cuts nobody off before. */
const patient = { connectTimeoutMs: 1_000, headDeadlineMs: 1_000, idleTimeoutMs: 20_000 };
const impatient = { connectTimeoutMs: 1_000, headDeadlineMs: 1_000, idleTimeoutMs: 2_500 };

let origin: Origin;
let edge: TestEdge;

beforeAll(async () => {
  origin = await startOrigin(async (request, socket) => {
    const received = await request.content.catch(() => undefined);
    if (received === undefined) return;
    const text = `${request.method} ${request.target} ${received.length}`;
    if (request.target.startsWith('/length'))
      return void socket.write(message([ok, `Content-Length: ${content.length}`], content));
    if (request.target.startsWith('/chunks'))
      return void socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk(content), chunk()]));
    socket.write(message([ok, `Content-Length: ${text.length}`], text));
  });
  edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  return async () => {
    await edge[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  };
});

/** An agent whose edge is behind a relay. Its direct route is refused: what heals there ends there. */
async function reached(fallback: 'direct' | 'fail', limits = patient) {
  const relay = await startToxicRelay(Number(new URL(edge.direct).port));
  const proxy = await startTestAgent({
    edge: `http://127.0.0.1:${relay.port}`,
    fallback,
    limits,
    allowPrivate: false,
    allow: [`127.0.0.1:${origin.port}`],
    answers: { 'site.example': ['127.0.0.1'] },
  });
  return {
    relay,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
    },
  };
}

let count = 0;
const url = (path: string) => `${site}:${origin.port}${path}-${++count}`;
const asked = (target: string) =>
  origin.requests.filter((request) => request.target === new URL(target).pathname).length;

function post(port: number, target: string) {
  const head = [`POST ${target} HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${content.length}`];
  return exchangeOnce(port, message(head, content));
}

/** What the relay suffers holds for new connections: those that the agent has kept are gone. */
function suffer(relay: ToxicRelay, toxics: Parameters<ToxicRelay['suffer']>[0]): void {
  relay.suffer(toxics);
  relay.resetAll();
}

const places = { 'before the head': 0, 'in the head': 100 } as const;
const early = Object.entries(places).flatMap(([stage, octets]) =>
  (['reset', 'truncate', 'stall'] as const).map((act) => ({ stage, octets, act })),
);
const paths = ['/length', '/chunks'];

describe.concurrent('without a fallback', () => {
  test.each(early)('I06 a reply of the edge that meets a $act $stage is an error', async ({ octets, act }) => {
    await using way = await reached('fail');
    suffer(way.relay, { down: { after: [octets, act] } });
    const [get, sent] = [url('/get'), url('/post')];
    const answers = await Promise.all([getOnce(way.proxy.port, get), post(way.proxy.port, sent)]);
    const status = act === 'stall' ? 504 : 502;
    for (const answer of answers) expect([answer.status, answer.isComplete]).toEqual([status, true]);
    expect(asked(sent)).toBeLessThan(2); // I08
    suffer(way.relay, {});
    expect((await getOnce(way.proxy.port, url('/after'))).status).toBe(200);
  });

  test.each(paths.flatMap((path) => (['reset', 'truncate', 'stall'] as const).map((act) => ({ path, act }))))(
    'content of $path that meets a $act is cut for the client',
    async ({ path, act }) => {
      await using way = await reached('fail', impatient);
      suffer(way.relay, { down: { after: [90_000, act] } });
      const target = url(path);
      const answer = await getOnce(way.proxy.port, target).catch(() => undefined); // the head may be cut off with it
      expect(answer?.isComplete ?? false).toBe(false);
      expect((await way.proxy.recordOf(new URL(target).pathname)).error).toBeDefined();
      suffer(way.relay, {});
      expect((await getOnce(way.proxy.port, url('/after'))).status).toBe(200);
    },
  );

  test.each(['reset', 'truncate'] as const)('an upload that meets a %s never looks whole', async (act) => {
    await using way = await reached('fail');
    suffer(way.relay, { up: { after: [50_000, act] } });
    const target = url('/upload');
    const answer = await post(way.proxy.port, target);
    expect([answer.status, answer.isComplete]).toEqual([502, true]);
    const arrived = origin.requests.filter((request) => request.target === new URL(target).pathname);
    expect(arrived.length).toBeLessThan(2);
    for (const { content: part } of arrived) await expect(part).rejects.toThrow('the connection ended');
  });

  test('an upload that meets a stall is 504', async () => {
    await using way = await reached('fail', impatient);
    suffer(way.relay, { up: { after: [50_000, 'stall'] } });
    const target = url('/upload');
    // More than kernels hold, so that somebody has to wait for the edge.
    const head = [`POST ${target} HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${large.length}`];
    const answer = await exchangeOnce(way.proxy.port, message(head, large));
    expect([answer.status, answer.field('proxy-status')]).toEqual([504, expect.stringContaining('write_timeout')]);
    suffer(way.relay, {});
    expect((await getOnce(way.proxy.port, url('/after'))).status).toBe(200);
  });

  test.each([{ slice: 500 }, { slice: 16_384, delayMs: 1 }])('in pieces, %j, all is whole', async (toxics) => {
    await using way = await reached('fail');
    suffer(way.relay, { up: toxics, down: toxics });
    for (const path of paths) {
      const answer = await getOnce(way.proxy.port, url(path));
      expect([answer.status, answer.isComplete, answer.content.equals(content)]).toEqual([200, true, true]);
    }
    expect((await post(way.proxy.port, url('/post'))).status).toBe(200);
  });

  test('a network that is down is told, and nobody goes directly', async () => {
    await using way = await reached('fail');
    way.relay.go('down');
    way.relay.resetAll();
    const target = url('/down');
    const answer = await getOnce(way.proxy.port, target);
    expect([answer.status, asked(target)]).toEqual([502, 0]);
    expect((await way.proxy.recordOf(new URL(target).pathname)).route?.kind).toBe('edge');
    way.relay.go('up');
    expect((await getOnce(way.proxy.port, url('/up'))).status).toBe(200);
  });
});

describe.concurrent('with a fallback', () => {
  test.each(early.filter(({ act }) => act !== 'stall'))(
    'I07: a GET whose reply meets a $act $stage is answered directly, a POST is not sent again',
    async ({ octets, act }) => {
      await using way = await reached('direct');
      suffer(way.relay, { down: { after: [octets, act] } });
      const [get, sent] = [url('/get'), url('/post')];
      const answer = await getOnce(way.proxy.port, get);
      expect(answer.content.toString()).toBe(`GET ${new URL(get).pathname} 0`);
      expect((await way.proxy.recordOf(new URL(get).pathname)).route).toMatchObject({ kind: 'direct' });
      await post(way.proxy.port, sent);
      expect(asked(sent)).toBeLessThan(2); // I08
    },
  );

  test('I07: an edge that has come back is used again', async () => {
    await using way = await reached('direct');
    way.relay.go('down');
    way.relay.resetAll();
    const down = url('/down');
    expect((await getOnce(way.proxy.port, down)).status).toBe(200);
    expect((await way.proxy.recordOf(new URL(down).pathname)).route).toMatchObject({ because: 'edge-down' });
  });
});
