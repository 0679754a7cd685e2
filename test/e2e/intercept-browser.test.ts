// A real browser on an intercepted site: sub-resources, fetch, WebSocket and events, cached when it is loaded again, timed stage by stage.
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Browser, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startAuthority, type TestAuthority } from '../support/authority.ts';
import {
  attachBrowser,
  browserCommand,
  hasBrowser,
  launchBrowser,
  launchBrowserByPac,
  trusting,
} from '../support/browser.ts';
import { makeHome } from '../support/command.ts';
import { startIntercepting } from '../support/intercepted.ts';
import { chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { closedPort } from '../support/tcp.ts';
import { acceptOf, frame } from '../support/web-socket.ts';

const others = getCACertificates('default');
let issuer: TestAuthority;
let origin: Origin;

beforeAll(async () => {
  issuer = await startAuthority();
  setDefaultCACertificates([...others, issuer.cert]);
  origin = await startOrigin(
    ({ target, values }, socket) => {
      const served = files[target];
      if (served !== undefined) {
        const [type, text, lifetime] = served;
        const fields = [
          `Content-Type: ${type}`,
          `Cache-Control: max-age=${lifetime}`,
          `Content-Length: ${text.length}`,
        ];
        socket.write(message(['HTTP/1.1 200 OK', ...fields], text));
      } else if (target === '/events') {
        socket.write(message(['HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked']));
        socket.write(chunk('data: event\n\n'));
      } else if (target === '/chat') {
        const accept = acceptOf(values('sec-websocket-key')[0] ?? '');
        const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
        socket.write(message(['HTTP/1.1 101 Switching Protocols', ...lines], frame(1, 'message')));
      } else socket.write(message(['HTTP/1.1 404 Not Found', 'Content-Length: 0']));
    },
    { tls: await issuer.leaf({ names: ['localhost', 'site.example'] }) },
  );
});

afterAll(async () => {
  setDefaultCACertificates(others);
  await origin?.[Symbol.asyncDispose]();
});

const page = `<!doctype html>
<meta charset="utf-8"><title>intercepted</title>
<link rel="stylesheet" href="/style.css"><h1>edgehop looks inside</h1><ul id="said"></ul>
<script src="/script.js"></script>`;

const script = `const say = (text) => { document.getElementById('said').append(Object.assign(document.createElement('li'), { textContent: text })); };
fetch('/api').then((response) => response.text()).then((text) => say('fetch: ' + text));
const socket = new WebSocket('wss://' + location.host + '/chat');
socket.onmessage = ({ data }) => { say('socket: ' + data); socket.close(); };
const events = new EventSource('/events');
events.onmessage = ({ data }) => { say('events: ' + data); events.close(); };`;

/** Type, text and lifetime in seconds. The page itself is always asked for again. */
const files: Readonly<Record<string, readonly [type: string, text: string, lifetime: number]>> = {
  '/': ['text/html', page, 0],
  '/style.css': ['text/css', 'h1 { color: rgb(0, 100, 0) }', 600],
  '/script.js': ['text/javascript', script, 600],
  '/api': ['text/plain', 'answer', 0],
};

interface Way {
  readonly browser: Browser;
  readonly url: string;
}

const ways: readonly (readonly [string, () => Promise<Way>])[] = [
  [
    '--proxy-server',
    async () => {
      const agent = await startIntercepting({ edge: 'embedded' }, ['localhost']);
      const browser = await launchBrowser(agent.port, [trusting(agent.authority())]);
      return { browser, url: `https://localhost:${origin.port}/` };
    },
  ],
  [
    'the PAC file',
    async () => {
      const answers = { 'site.example': ['127.0.0.1'] };
      const agent = await startIntercepting({ edge: 'none', answers }, ['*.example']);
      const pac = `http://127.0.0.1:${agent.controlPort}/proxy.pac`;
      const browser = await launchBrowserByPac(pac, [trusting(agent.authority())]);
      return { browser, url: `https://site.example:${origin.port}/` };
    },
  ],
  [
    'exec',
    async () => {
      const home = makeHome();
      home.write('issuer.pem', issuer.cert);
      const settings = { intercept: { hosts: ['localhost'] }, trust: { authorities: ['issuer.pem'] } };
      home.write('edgehop.jsonc', JSON.stringify(settings));
      const agent = await home.start('--edge', 'none', '--allow-private');
      const debuggingPort = await closedPort();
      const running = home.begin('exec', '--ca', '--', ...browserCommand(debuggingPort));
      onTestFinished(async () => {
        running.signal('SIGTERM');
        await running.ended;
        await agent[Symbol.asyncDispose]();
        home[Symbol.dispose]();
      });
      return { browser: await attachBrowser(debuggingPort), url: `https://localhost:${origin.port}/` };
    },
  ],
];

describe.skipIf(!hasBrowser)('a browser that is set up by', () => {
  test.each(ways)(
    '%s sees the whole site, from the cache when it is loaded again',
    { timeout: 90_000 },
    async (_, start) => {
      const { browser, url } = await start();
      onTestFinished(() => browser.close());
      const tab = await browser.newPage();
      const responses = new Map<string, Response>();
      tab.on('response', (response) => responses.set(new URL(response.url()).pathname, response));
      const load = async () => {
        responses.clear();
        await tab.goto(url);
        await expect
          .poll(() =>
            tab
              .locator('li')
              .allTextContents()
              .then((said) => said.sort()),
          )
          .toEqual(whole);
      };
      await load();
      expect(await tab.evaluate('getComputedStyle(document.querySelector("h1")).color')).toBe('rgb(0, 100, 0)');
      const protocol = await tab.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol');
      expect(protocol).toBe('h2');
      const timing = 'performance.getEntriesByType("navigation")[0].serverTiming.map(({ name }) => name)';
      expect(await tab.evaluate(timing)).toEqual(expect.arrayContaining(['edgehop', 'agent', 'origin']));
      // What the browser has stored itself is left out, so that the agent is asked again.
      const session = await tab.context().newCDPSession(tab);
      await session.send('Network.setCacheDisabled', { cacheDisabled: true });
      await session.send('Network.enable');
      await tab.setExtraHTTPHeaders({ 'cache-control': 'max-age=600', pragma: '' });
      await load();
      const asked = origin.requests.filter(({ target }) => target === '/style.css').length;
      const status = await responses.get('/style.css')?.headerValue('cache-status');
      expect(status).toMatch(/edgehop;hit/);
      await load();
      expect(origin.requests.filter(({ target }) => target === '/style.css')).toHaveLength(asked);
      const folder = process.env['EDGEHOP_SCREENSHOTS'];
      if (folder !== undefined) await tab.screenshot({ path: `${folder}/intercepted-${_.replace(/\W+/g, '-')}.png` });
    },
  );
});

const whole = ['events: event', 'fetch: answer', 'socket: message'];
