// A real browser that is set up by the PAC file alone, as a system would set it up.
import type { Browser, ConsoleMessage } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { hasBrowser, launchBrowserByPac } from '../support/browser.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

let origin: Origin;
let proxy: TestAgent;
let browser: Browser;

beforeAll(async () => {
  if (!hasBrowser) return;
  origin = await startOrigin(({ head }, socket) => {
    const text = `<!doctype html><title>page</title>${/^via:/im.test(head) ? 'proxied' : 'direct'}`;
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Type: text/html', `Content-Length: ${text.length}`], text));
  });
  proxy = await startTestAgent({
    edge: 'none',
    answers: { 'site.example': ['127.0.0.1'] },
    config: { intercept: { hosts: ['secure.example'] } }, // so that there is a CA
  });
  browser = await launchBrowserByPac(`http://127.0.0.1:${proxy.controlPort}/proxy.pac`);
});

afterAll(async () => {
  await browser?.close();
  await proxy?.[Symbol.asyncDispose]();
  await origin?.[Symbol.asyncDispose]();
});

test.runIf(hasBrowser)('a site goes through the proxy, and an address of this machine directly', async () => {
  const page = await browser.newPage();
  await page.goto(`http://site.example:${origin.port}/`);
  expect(await page.textContent('body')).toBe('proxied');
  await page.goto(`http://127.0.0.1:${origin.port}/`);
  expect(await page.textContent('body')).toBe('direct');
  await page.close();
});

test.runIf(hasBrowser)('edgehop.internal is shown with its style, and its own policy is content with it', async () => {
  const page = await browser.newPage();
  const said: string[] = [];
  page.on('console', (each: ConsoleMessage) => said.push(each.text()));
  await page.goto('http://edgehop.internal/');
  expect(await page.title()).toBe('edgehop');
  expect(await page.evaluate('getComputedStyle(document.body).paddingLeft')).toBe('16px');
  expect(said.filter((text) => !text.includes('favicon') && !text.includes('404'))).toEqual([]);
  await page.close();
});

/** What a page can try. Its text runs in the browser. */
const abuse = `(async () => {
  const read = (path) => fetch('http://edgehop.internal' + path).then((r) => r.text(), () => 'refused');
  const loaded = (name, path) =>
    new Promise((resolve) => {
      const element = document.createElement(name);
      element.onload = () => resolve('loaded');
      element.onerror = () => resolve('refused');
      element.src = 'http://edgehop.internal' + path;
      document.body.append(element);
    });
  const opaque = (path) =>
    fetch('http://edgehop.internal' + path, { mode: 'no-cors' }).then((r) => r.type, () => 'refused');
  const script = await loaded('script', '/proxy.pac');
  await loaded('iframe', '/');
  return {
    reads: await Promise.all(['/', '/status', '/proxy.pac', '/ca.pem'].map(read)),
    opaque: await Promise.all(['/', '/status', '/proxy.pac', '/ca.pem'].map(opaque)),
    script,
    hasRun: 'FindProxyForURL' in globalThis,
  };
})()`;

test.runIf(hasBrowser)('G07: a page of another site can neither frame, read nor run any of it', async () => {
  const page = await browser.newPage();
  await page.goto(`http://site.example:${origin.port}/`);
  const tried = await page.evaluate(abuse);
  expect(tried).toEqual({
    reads: ['refused', 'refused', 'refused', 'refused'],
    opaque: ['refused', 'refused', 'refused', 'refused'],
    script: 'refused',
    hasRun: false,
  });
  const texts = await Promise.all(page.frames().map((frame) => frame.content()));
  expect(texts.join()).not.toContain('<h1>edgehop</h1>');
  await page.close();
});

test.runIf(hasBrowser)('when edgehop has gone, the browser goes on without it', async () => {
  await using gone = await startTestAgent({ edge: 'none' });
  const other = await launchBrowserByPac(`http://127.0.0.1:${gone.controlPort}/proxy.pac`);
  try {
    const page = await other.newPage();
    await page.goto('http://edgehop.internal/'); // so that the file has been read
    await gone.agent.stop();
    await page.goto(`http://127-0-0-1.pac-test.example:${origin.port}/`);
    expect(await page.textContent('body')).toBe('direct');
  } finally {
    await other.close();
  }
});
