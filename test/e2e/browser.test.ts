// A real browser behind the proxy: pages with parts, a POST by script, TLS by CONNECT, and nobody else is dialled.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { selfSigned } from '../support/certificate.ts';
import { message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

const page = `<!doctype html><title>page</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="/pixel.png">
<img src="/pixel.png"><script src="/script.js"></script><p>hello</p>`;

const parts: Readonly<Record<string, readonly [type: string, content: string | Buffer]>> = {
  '/': ['text/html', page],
  '/style.css': ['text/css', 'p { color: rgb(1, 2, 3) }'],
  '/script.js': ['text/javascript', 'document.title = "script ran"'],
  '/pixel.png': ['image/png', pixel],
};

async function answer(request: OriginRequest, socket: { write(octets: Buffer): unknown }): Promise<void> {
  const posted = request.method === 'POST' ? `got ${await request.content}` : undefined;
  const [type, content] =
    posted === undefined ? (parts[request.target] ?? ['text/plain', 'none']) : ['text/plain', posted];
  socket.write(message(['HTTP/1.1 200 OK', `Content-Type: ${type}`, `Content-Length: ${content.length}`], content));
}

let origin: Origin;
let secure: Origin;
let proxy: TestAgent;
let browser: Browser;

beforeAll(async () => {
  if (!hasBrowser) return;
  origin = await startOrigin(answer);
  secure = await startOrigin(answer, { tls: selfSigned('127.0.0.1', 'localhost') });
  proxy = await startTestAgent({ edge: 'embedded' });
  browser = await launchBrowser(proxy.port);
});

afterAll(async () => {
  await browser?.close();
  await proxy?.[Symbol.asyncDispose]();
  await origin?.[Symbol.asyncDispose]();
  await secure?.[Symbol.asyncDispose]();
});

test.runIf(hasBrowser)('a page over http is shown with its style, its script and its image', async () => {
  const tab = await browser.newPage();
  await tab.goto(`${origin.url}/`, { waitUntil: 'load' });
  expect(await tab.title()).toBe('script ran');
  expect(await tab.evaluate("getComputedStyle(document.querySelector('p')).color")).toBe('rgb(1, 2, 3)');
  expect(await tab.evaluate("document.querySelector('img').naturalWidth")).toBe(1);
  for (const path of ['/', '/style.css', '/script.js', '/pixel.png']) {
    const record = await proxy.recordWhere(({ request }) => request.url === origin.url + path);
    expect(record).toMatchObject({ response: { status: 200 }, route: { kind: 'edge' } });
  }
  await tab.close();
});

test.runIf(hasBrowser)('a POST by script arrives, and its answer comes back', async () => {
  const tab = await browser.newPage();
  await tab.goto(`${origin.url}/`);
  const text = await tab.evaluate("fetch('/post', { method: 'POST', body: 'from the page' }).then((r) => r.text())");
  expect(text).toBe('got from the page');
  expect(await proxy.recordOf('/post')).toMatchObject({ request: { method: 'POST' }, octets: { fromClient: 13 } });
  await tab.close();
});

test.runIf(hasBrowser)('a page over https comes by a tunnel', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const tab = await context.newPage();
  await tab.goto(`${secure.url}/`, { waitUntil: 'load' });
  expect(await tab.title()).toBe('script ran');
  await context.close();
  const record = await proxy.recordOf(`127.0.0.1:${secure.port}`);
  expect(record).toMatchObject({
    kind: 'tunnel',
    request: { method: 'CONNECT' },
    route: { kind: 'direct', because: 'connect' },
  });
});

test.runIf(hasBrowser)('an error is a page that a person can read', async () => {
  const tab = await browser.newPage();
  const response = await tab.goto(`http://127.0.0.1:${proxy.controlPort}/`);
  expect(response?.status()).toBe(403);
  expect(await tab.textContent('h1')).toBe('403 Forbidden');
  expect(await tab.textContent('body')).toContain('The destination is edgehop itself.');
  await tab.close();
});

test.runIf(hasBrowser)('nobody but this machine was dialled', () => {
  expect(proxy.records.length).toBeGreaterThan(5);
  const foreign = proxy.records.filter(
    ({ destination, route }) => route !== undefined && destination?.host !== '127.0.0.1',
  );
  expect(foreign.map(({ request }) => request.url)).toEqual([]);
});
