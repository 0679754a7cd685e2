// I06: a bad network between the agent or its edge and the origin. Everything is answered in words, cut, or whole; nothing stays behind.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startToxicRelay, type ToxicRelay, type Toxics } from '../support/toxic-relay.ts';

/** Of the agent whose networks stall: long enough for what does not. */
const patienceMs = 2_500;

const content = randomBytes(200_000);
const ok = 'HTTP/1.1 200 OK';
const answers: Readonly<Record<string, Buffer>> = {
  '/length': message([ok, `Content-Length: ${content.length}`], content),
  '/chunks': Buffer.concat([
    message([ok, 'Transfer-Encoding: chunked']),
    chunk(content.subarray(0, 70_000)),
    chunk(content.subarray(70_000)),
    chunk(),
  ]),
};
const paths = Object.keys(answers);

/** Where the answer is broken: before its head, in it, and far behind it. */
const places = { 'before the head': 0, 'in the head': 10, 'in the content': 90_000 } as const;
const acts = ['stall', 'reset', 'truncate'] as const;
const breaks = Object.entries(places).flatMap(([stage, octets]) =>
  acts.flatMap((act) => paths.map((path) => ({ stage, octets, act, path }))),
);

describe.concurrent.each(routes)('by edge %s', (edge) => {
  let proxy: TestAgent;
  let origin: Origin;

  beforeAll(async () => {
    origin = await startOrigin(async (request, socket) => {
      const received = await request.content.catch(() => undefined);
      if (received === undefined) return;
      const text = `${request.method} ${request.target} ${received.length}`;
      socket.write(answers[request.target] ?? message([ok, `Content-Length: ${text.length}`], text));
    });
    proxy = await startTestAgent({ edge, limits: { headDeadlineMs: patienceMs, idleTimeoutMs: patienceMs } });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    };
  });

  /** Whatever has happened, the next request over the same way works, once the way does. */
  async function expectHealed(relay: ToxicRelay): Promise<void> {
    relay.suffer({});
    relay.go('up');
    const response = await getOnce(proxy.port, `http://127.0.0.1:${relay.port}/after`);
    expect(response.content.toString()).toBe('GET /after 0');
  }

  const urlOf = (relay: ToxicRelay, path: string) => `http://127.0.0.1:${relay.port}${path}`;
  const recordOf = (url: string) => proxy.recordWhere(({ request }) => request.url === url);

  test.each(breaks)('I06 an answer of $path that meets a $act $stage', async ({ stage, octets, act, path }) => {
    await using relay = await startToxicRelay(origin.port);
    relay.suffer({ down: { after: [octets, act] } });
    const url = urlOf(relay, path);
    if (stage === 'in the content') {
      const response = await getOnce(proxy.port, url).catch(() => undefined); // the head may be cut off with it
      expect(response?.isComplete ?? false).toBe(false);
      expect(content.subarray(0, response?.content.length).equals(response?.content ?? Buffer.of())).toBe(true);
      const expected = act === 'stall' ? /^connection_read_timeout$/ : /^http_response_incomplete$/;
      expect((await recordOf(url)).error?.type).toMatch(expected);
    } else {
      const response = await getOnce(proxy.port, url);
      expect([response.status, response.isComplete]).toEqual([act === 'stall' ? 504 : 502, true]);
      expect((await recordOf(url)).error?.status).toBe(response.status);
    }
    await expectHealed(relay);
  });

  test.each(acts)('an upload that meets a %s', async (act) => {
    await using relay = await startToxicRelay(origin.port);
    relay.suffer({ up: { after: [50_000, act] } });
    const url = urlOf(relay, `/upload-${edge}-${act}`);
    const head = [`POST ${url} HTTP/1.1`, 'Host: x', 'Connection: close', `Content-Length: ${content.length}`];
    const response = await exchangeOnce(proxy.port, message(head, content));
    expect([response.status, response.isComplete]).toEqual([act === 'stall' ? 504 : 502, true]);
    expect((await recordOf(url)).retries).toBe(0); // I08
    expect(origin.requests.filter(({ target }) => url.endsWith(target)).length).toBeLessThan(2);
    await expectHealed(relay);
  });

  const slow: readonly Toxics[] = [
    { slice: 500 },
    { slice: 1_000 },
    { slice: 40_000, delayMs: 5 },
    { slice: 16_384, delayMs: 1 },
  ];
  test.each(slow.flatMap((toxics) => paths.map((path) => ({ toxics, path }))))(
    'an answer of $path in pieces, $toxics, is whole',
    async ({ toxics, path }) => {
      await using relay = await startToxicRelay(origin.port);
      relay.suffer({ up: toxics, down: toxics });
      const response = await getOnce(proxy.port, urlOf(relay, path));
      expect([response.status, response.isComplete]).toEqual([200, true]);
      expect(response.content.equals(content)).toBe(true);
      const head = [`POST ${urlOf(relay, '/up')} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 20000'];
      const answer = await exchangeOnce(proxy.port, message(head, content.subarray(0, 20_000)));
      expect(answer.content.toString()).toBe('POST /up 20000');
    },
  );

  test.each([
    ['down', 502],
    ['mute', 504],
  ] as const)('a network that is %s', async (how, status) => {
    await using relay = await startToxicRelay(origin.port);
    relay.go(how);
    expect((await getOnce(proxy.port, urlOf(relay, '/length'))).status).toBe(status);
    await expectHealed(relay);
  });

  test('kept connections that are reset while nobody uses them cost nobody an answer', async () => {
    await using relay = await startToxicRelay(origin.port);
    for (let round = 0; round < 5; round++) {
      const asked = Array.from({ length: 4 }, (_, i) => getOnce(proxy.port, urlOf(relay, `/${round}-${i}`)));
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      // The edge's fetch does not ask again when a kept connection turns out to be gone, but says so.
      expect(statuses.filter((status) => status !== 200 && !(edge === 'embedded' && status === 502))).toEqual([]);
      relay.resetAll();
    }
  });
});
