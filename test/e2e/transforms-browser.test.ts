// What is injected into a page runs in a real browser, whatever the page's Content-Security-Policy says, and nothing else becomes allowed.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';

const script = 'document.documentElement.dataset.injected = "ran \u00e9"';
const style = 'p { color: rgb(1, 2, 3) }';
const own = '<script>document.documentElement.dataset.own = "ran"</script>';

/** What each page says of itself, by its path. */
const policies: Readonly<Record<string, readonly [field: string, meta: string]>> = {
  '/none': ['', ''],
  '/default-none': ["Content-Security-Policy: default-src 'none'", ''],
  '/self': ["Content-Security-Policy: script-src 'self'; style-src 'self'", ''],
  '/two': ["Content-Security-Policy: script-src 'none', default-src 'self'", ''],
  '/meta': ['', 'default-src &#39;self&#39;'],
  '/both': [
    "Content-Security-Policy: script-src-elem 'self'; style-src-elem 'none'",
    "script-src 'none'; style-src 'none'",
  ],
  '/inline': ["Content-Security-Policy: default-src 'unsafe-inline'", ''],
  '/strict': ["Content-Security-Policy: script-src 'strict-dynamic' 'nonce-x'; style-src 'none'", ''],
};

let origin: Origin;
let proxy: TestAgent;
let browser: Browser;

beforeAll(async () => {
  origin = await startOrigin(({ target }, socket) => {
    const [field = '', meta = ''] = policies[target] ?? [];
    const inPage = meta === '' ? '' : `<meta http-equiv="Content-Security-Policy" content="${meta}">`;
    const page = `<!doctype html><html><head>${inPage}<title>x</title></head><body><p>hello</p>${own}</body></html>`;
    const lines = ['HTTP/1.1 200 OK', 'Content-Type: text/html; charset=utf-8', `Content-Length: ${page.length}`];
    socket.write(message(field === '' ? lines : [...lines, field], page));
  });
  const rules = [{ name: 'inject', then: { transform: { inject: { script, style } } } }];
  proxy = await startTestAgent({ edge: 'embedded', config: { rules } });
  if (!hasBrowser) return;
  browser = await launchBrowser(proxy.port);
});

afterAll(async () => {
  await browser?.close();
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const ownRuns = ['/none', '/inline'];

test.runIf(hasBrowser).each(Object.keys(policies))('%s', async (path) => {
  const page = await browser.newPage();
  try {
    await page.goto(origin.url + path);
    const html = page.locator('html');
    expect(await html.getAttribute('data-injected')).toBe('ran \u00e9');
    expect(await html.getAttribute('data-own')).toBe(ownRuns.includes(path) ? 'ran' : null);
    expect(await page.evaluate('getComputedStyle(document.querySelector("p")).color')).toBe('rgb(1, 2, 3)');
  } finally {
    await page.close();
  }
});
