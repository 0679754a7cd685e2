// A route heals itself: what the edge cannot carry goes directly, once, and only where that is harmless.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge } from '../support/edge.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { startSilentPort } from '../support/silent-port.ts';

let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(async (request, socket) => {
    const content = await request.content.catch(() => undefined);
    if (content === undefined) return;
    const text = `${request.method} ${content.length}`;
    socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`], text));
  });
});

afterAll(() => origin[Symbol.asyncDispose]());

/** A public name, as the agent sees it, that the direct route may dial: it leads to the origin of this test. */
const site = () => `http://site.example:${origin.port}`;

function startAgent(edge: string, fallback: 'direct' | 'fail' = 'direct'): Promise<TestAgent> {
  return startTestAgent({
    edge: edge as `http://${string}`,
    fallback,
    allowPrivate: false,
    allow: [`127.0.0.1:${origin.port}`],
    answers: { 'site.example': ['127.0.0.1'] },
    limits: { connectTimeoutMs: 300 },
  });
}

const answers = (line: string, content: string) =>
  startOrigin((_, socket) => {
    socket.end(message([line, 'Connection: close', `Content-Length: ${content.length}`], content));
  });

test.each([
  ['a captive portal', 'HTTP/1.1 200 OK', '<html>Log in</html>', 'edge-replaced'],
  ['a portal that redirects', 'HTTP/1.1 302 Found', '', 'edge-replaced'],
  ['an edge out of quota', 'HTTP/1.1 429 Too Many Requests', 'error code: 1027', 'edge-quota'],
  ['an edge that takes no such content', 'HTTP/1.1 413 Payload Too Large', '', 'edge-upload-limit'],
])('%s: a GET goes directly, and the record says why', async (_, line, content, because) => {
  await using portal = await answers(line, content);
  await using proxy = await startAgent(portal.url);
  expect((await getOnce(proxy.port, `${site()}/heals`)).content.toString()).toBe('GET 0');
  expect((await proxy.recordOf('/heals')).route).toEqual({ kind: 'direct', because });
});

test('a portal in between: a PUT is sent again whole, a POST is not sent twice', async () => {
  const before = origin.requests.length;
  await using portal = await startOrigin(async (request, socket) => {
    await request.content;
    socket.end(message(['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 2'], 'hi'));
  });
  await using proxy = await startAgent(portal.url);
  const send = (method: string, path: string) =>
    exchangeOnce(
      proxy.port,
      message([`${method} ${site()}${path} HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'], 'hello'),
    );
  expect((await send('POST', '/post')).status).toBe(502);
  expect(origin.requests.length).toBe(before);
  expect((await send('PUT', '/put')).content.toString()).toBe('PUT 5');
});

test('`fallback: fail` never goes directly', async () => {
  const before = origin.requests.length;
  await using portal = await answers('HTTP/1.1 200 OK', 'hi');
  await using proxy = await startAgent(portal.url, 'fail');
  expect((await getOnce(proxy.port, `${site()}/stays`)).status).toBe(502);
  expect((await proxy.recordOf('/stays')).route).toMatchObject({ kind: 'edge' });
  expect(origin.requests.length).toBe(before);
});

test('an edge that is down, or silent, is left alone for a while', async () => {
  await using silent = await startSilentPort();
  await using proxy = await startAgent(`http://127.0.0.1:${silent.port}`);
  for (const path of ['/first', '/second']) {
    expect((await getOnce(proxy.port, site() + path)).content.toString()).toBe('GET 0');
    expect((await proxy.recordOf(path)).route).toEqual({ kind: 'direct', because: 'edge-down' });
  }
});

test('a deployed edge that dies in between: the next request goes directly', async () => {
  const edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  await using proxy = await startAgent(edge.direct);
  expect((await getOnce(proxy.port, `${site()}/alive`)).content.toString()).toBe('GET 0');
  expect((await proxy.recordOf('/alive')).route).toMatchObject({ kind: 'edge' });
  await edge[Symbol.asyncDispose]();
  expect((await getOnce(proxy.port, `${site()}/dead`)).content.toString()).toBe('GET 0');
  expect((await proxy.recordOf('/dead')).route).toEqual({ kind: 'direct', because: 'edge-down' });
});
