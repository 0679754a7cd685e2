// Rules through a real agent: one case for each `then`, by the edge and directly, and what hostile requests make of them.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemLookup } from '../../agent/proxy/admit/resolver.ts';
import { config } from '../../schemas/config.ts';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { acceptOf } from '../support/web-socket.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const evilName = '<script>alert("x")</script> & co';

let folder: string;
let origin: Origin;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-rules-'));
  mkdirSync(join(folder, 'site', 'docs'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'site', 'page.html'), '0123456789');
  writeFileSync(join(folder, 'site', 'docs', 'index.html'), 'docs');
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'site', 'link.txt'));
  symlinkSync(folder, join(folder, 'site', 'up'));
  origin = await startOrigin((request, socket) => {
    const path = request.target.split('?')[0];
    const answer = (head: readonly string[], content = '') =>
      void socket.write(message([...head, `Content-Length: ${content.length}`], content));
    if (request.values('upgrade').length > 0) {
      const accept = acceptOf(request.values('sec-websocket-key')[0] ?? '');
      return void socket.write(
        message([
          'HTTP/1.1 101 Switching Protocols',
          'Upgrade: websocket',
          'Connection: Upgrade',
          `Sec-WebSocket-Accept: ${accept}`,
          'Server: old',
        ]),
      );
    }
    if (path === '/missing') return answer(['HTTP/1.1 404 Not Found', 'Server: old'], 'x'.repeat(1_000));
    if (path === '/broken/500') return answer(['HTTP/1.1 500 Internal Server Error']);
    if (path === '/edits/stored' && request.values('if-none-match').includes('"a"')) {
      return void socket.write(message(['HTTP/1.1 304 Not Modified', 'ETag: "a"', 'Server: old']));
    }
    const fields = path === '/edits/stored' ? ['Cache-Control: max-age=60', 'ETag: "a"'] : [];
    return answer(['HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Server: old', 'X-Old: 1', ...fields], 'hello');
  });
});

afterAll(async () => {
  await origin[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Hosts ending in .mock are answered here: nobody may look them up. */
function rulesOf(port: number) {
  const at = (path: string) => ({ url: `http://127.0.0.1:${port}${path}` });
  return [
    { name: evilName, when: { host: 'ads.mock' }, then: { block: {} } },
    { name: 'law', when: { host: 'law.mock' }, then: { block: { status: 451, message: 'Not <here>.' } } },
    { name: 'drop', when: { host: 'drop.mock' }, then: { block: 'drop' } },
    { name: 'text', when: { host: 'text.mock' }, then: { respond: { text: 'hällo', fields: { 'X-Own': '1' } } } },
    { name: 'json', when: { host: 'json.mock' }, then: { respond: { status: 201, json: { a: [1] } } } },
    { name: 'none', when: { host: 'none.mock' }, then: { respond: { status: 204 } } },
    { name: 'file', when: { host: 'file.mock', path: '/one' }, then: { respond: { file: 'site/page.html' } } },
    { name: 'lost', when: { host: 'file.mock', path: '/lost' }, then: { respond: { file: join(folder, 'lost.txt') } } },
    { name: 'site', when: { host: 'site.mock' }, then: { respond: { folder: 'site', under: '/app' } } },
    {
      name: 'moved',
      when: { url: 'http://moved.mock/*' },
      then: { redirect: { to: 'https://new.mock/{1}', status: 308 } },
    },
    {
      name: 'map',
      when: { url: 'http://map.mock/*' },
      then: { rewrite: { to: `http://127.0.0.1:${port}/mapped/{1}` } },
    },
    { name: 'inwards', when: { host: 'inwards.mock' }, then: { rewrite: { to: 'http://10.0.0.7/' } } },
    { name: 'metadata', when: { host: 'meta.mock' }, then: { rewrite: { to: 'http://169.254.169.254/latest' } } },
    {
      name: 'request',
      when: at('/request*'),
      then: {
        request: {
          set: { 'X-Set': 'new' },
          add: { 'X-Added': '1' },
          remove: 'x-removed',
          shorten: ['referer', 'user-agent'],
          removeCookies: '_*',
        },
      },
    },
    {
      name: 'response',
      when: at('/edits/*'),
      then: { response: { set: { Server: 'new' }, add: { 'X-New': '1' }, remove: 'x-old' } },
    },
    {
      name: 'html only',
      when: { ...at('/edits/*'), response: { type: 'text/html' } },
      then: { response: { set: { 'X-Html': '1' } } },
    },
    {
      name: 'instead',
      when: { ...at('/missing'), response: { status: 404 } },
      then: { respond: { status: 200, text: 'a stand-in' } },
    },
    { name: 'quiet', when: at('/quiet*'), then: { log: 'off' } },
    { name: 'broken only', when: at('/broken/*'), then: { log: 'errors' } },
    { name: 'quiet errors', when: { host: 'tracker.mock' }, then: { block: {}, log: 'errors' } },
    { name: 'images unseen', when: { ...at('/seen/*'), response: { type: 'image/*' } }, then: { log: 'off' } },
    { name: 'reset', when: at('/reset'), then: { shape: { fault: { kind: 'reset' } } } },
    { name: 'slow', when: at('/slow'), then: { shape: { latencyMs: 1 } } },
    { name: 'straight', when: at('/straight'), then: { route: 'direct' } },
    {
      name: 'socket',
      when: at('/chat'),
      then: { request: { set: { 'X-Set': 'new' } }, response: { set: { Server: 'new' } } },
    },
    { name: 'no socket', when: at('/blocked-chat'), then: { block: {} } },
    { name: 'no answer', when: at('/dropped-chat'), then: { block: 'drop' } },
    { name: 'no network', when: at('/offline-chat'), then: { shape: 'offline' } },
  ];
}

describe.each(routes)('with edge %s,', (edge) => {
  let agent: TestAgent;
  const lookedUp: string[] = [];
  const url = (path: string) => `${origin.url}${path}`;
  const send = (lines: readonly string[], content = '', method = 'GET') =>
    exchangeOnce(agent.port, message([...lines, 'Connection: close'], content), method);

  beforeAll(async () => {
    agent = await startTestAgent({
      edge,
      allowPrivate: false,
      allow: [`127.0.0.1:${origin.port}`],
      config: { rules: rulesOf(origin.port) as never },
      configPath: join(folder, 'edgehop.jsonc'),
      lookup: (host) => {
        lookedUp.push(host);
        return systemLookup(host);
      },
    });
  });

  afterAll(() => agent[Symbol.asyncDispose]());

  describe('block', () => {
    test('answers with problem details that name the rule', async () => {
      const response = await getOnce(agent.port, 'http://ads.mock/a');
      expect(response.status).toBe(403);
      expect(JSON.parse(response.content.toString())).toMatchObject({
        detail: `The rule "${evilName}" blocks this.`,
        advice: `To change this, edit the rule "${evilName}" in edgehop.jsonc.`,
      });
      expect(response.field('proxy-status')).toContain('error=http_request_denied');
      expect(await agent.recordOf('ads.mock/a')).toMatchObject({
        rules: [evilName],
        error: { type: 'http_request_denied', source: 'agent' },
      });
    });

    test('G08, D09: shows a browser the rule’s name as text, with a status and message of its own', async () => {
      const page = (await getOnce(agent.port, 'http://ads.mock/b', 'Accept: text/html')).content.toString();
      expect(page).toContain('&#60;script&#62;');
      expect(page).not.toContain('<script>');
      const law = await getOnce(agent.port, 'http://law.mock/', 'Accept: text/html');
      expect(law.status).toBe(451);
      expect(law.startLine).toContain('Unavailable For Legal Reasons');
      expect(law.content.toString()).toMatch(/Not &#60;here&#62;\.[\s\S]*edit the rule &#34;law&#34;/);
    });

    test('drop resets the connection', async () => {
      using client = await connectClient(agent.port);
      client.sendHead('GET http://drop.mock/ HTTP/1.1', 'Host: drop.mock');
      expect(await client.ended).toBe('reset');
      expect(client.octets.all().length).toBe(0);
      const record = await agent.recordOf('drop.mock/');
      expect(record).toMatchObject({ rules: ['drop'], error: { message: 'The rule "drop" drops this.' } });
      expect(record.response).toBeUndefined();
    });
  });

  describe('respond', () => {
    test('answers with text, json, or nothing', async () => {
      const text = await getOnce(agent.port, 'http://text.mock/');
      expect([text.status, text.field('content-type'), text.field('x-own'), text.content.toString()]).toEqual([
        200,
        'text/plain; charset=utf-8',
        '1',
        'hällo',
      ]);
      const json = await getOnce(agent.port, 'http://json.mock/');
      expect([json.status, json.field('content-type'), json.content.toString()]).toEqual([
        201,
        'application/json',
        '{"a":[1]}',
      ]);
      const none = await getOnce(agent.port, 'http://none.mock/');
      expect([none.status, none.field('content-length'), none.framing]).toEqual([204, undefined, 'none']);
    });

    test('answers with a file: HEAD, conditions and ranges as of any content', async () => {
      const ask = (method: string, ...fields: string[]) =>
        send([`${method} http://file.mock/one HTTP/1.1`, 'Host: file.mock', ...fields], '', method);
      const whole = await ask('GET');
      expect([whole.status, whole.field('content-length'), whole.field('content-type')]).toEqual([
        200,
        '10',
        'text/html; charset=utf-8',
      ]);
      expect(whole.content.toString()).toBe('0123456789');
      const tag = whole.field('etag') as string;
      expect(tag).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
      const head = await ask('HEAD');
      expect([head.status, head.field('content-length'), head.content.length]).toEqual([200, '10', 0]);
      expect((await ask('GET', `If-None-Match: ${tag}`)).status).toBe(304);
      expect((await ask('GET', `If-Modified-Since: ${whole.field('last-modified')}`)).status).toBe(304);
      expect((await ask('GET', 'If-Match: "other"')).status).toBe(412);
      const part = await ask('GET', 'Range: bytes=2-4', `If-Range: ${tag}`);
      expect([part.status, part.field('content-range'), part.content.toString()]).toEqual([206, 'bytes 2-4/10', '234']);
      const parts = await ask('GET', 'Range: bytes=0-1,8-');
      expect(parts.field('content-type')).toMatch(/^multipart\/byteranges; boundary=/);
      expect(parts.content.toString()).toMatch(/bytes 0-1\/10\r\n\r\n01\r\n[\s\S]*bytes 8-9\/10\r\n\r\n89\r\n/);
      expect((await ask('GET', 'Range: bytes=10-')).status).toBe(416);
    });

    test('a file that is missing is 404, in words that name rule and file but not where that would lie', async () => {
      const lost = await getOnce(agent.port, 'http://file.mock/lost');
      expect(lost.status).toBe(404);
      expect(lost.content.toString()).toContain('The rule \\"lost\\" answers with the file \\"lost.txt\\"');
      expect(lost.content.toString()).not.toContain(folder);
    });

    test('answers from a folder, below a part of the path', async () => {
      const get = (path: string) => getOnce(agent.port, `http://site.mock${path}`);
      expect((await get('/app/page.html?v=1')).content.toString()).toBe('0123456789');
      expect((await get('/app/docs/')).content.toString()).toBe('docs');
      const noSlash = await get('/app/docs?v=1');
      expect([noSlash.status, noSlash.field('location')]).toEqual([302, 'http://site.mock/app/docs/?v=1']);
    });

    test.each([
      ['/app/../../secret.txt', 404],
      ['/app/%2e%2e/%2e%2e/secret.txt', 404],
      ['/app/%2e%2e%2fsecret.txt', 403],
      ['/app/..%2fsecret.txt', 403],
      ['/app/..%5csecret.txt', 403],
      ['/app/%2fetc/passwd', 403],
      ['/app/page.html%00.txt', 403],
      ['/app/link.txt', 403],
      ['/app/up/secret.txt', 403],
      ['/app//page.html', 404],
      ['/app/page.html/', 404],
      ['/app/page.html/x', 404],
      ['/app/%zz', 404],
      ['/app/nothing', 404],
      ['/app/', 404],
      ['/app', 404],
      ['/apple/page.html', 404],
      ['/page.html', 404],
    ])('a path never leads out of the folder: %s is %i', async (path, status) => {
      const response = await getOnce(agent.port, `http://site.mock${path}`);
      expect(response.status).toBe(status);
      expect(response.content.toString()).not.toMatch(/^secret$|root:/m);
      expect(response.content.toString()).not.toContain(folder);
    });

    test('A15: content that is sent to it is read to its end, and the connection serves on', async () => {
      using client = await connectClient(agent.port);
      for (const length of [0, 5, 200_000]) {
        client.sendHead('POST http://json.mock/ HTTP/1.1', 'Host: json.mock', `Content-Length: ${length}`);
        client.send('GET /smuggled HTTP/1.1\r\n\r\n'.repeat(length).slice(0, length));
        expect((await client.response()).status).toBe(201);
      }
      client.send(message(['GET http://text.mock/ HTTP/1.1', 'Host: text.mock']));
      expect((await client.response()).status).toBe(200);
    });

    test('a client that waits for 100 Continue is answered at once', async () => {
      using client = await connectClient(agent.port);
      client.sendHead('POST http://json.mock/ HTTP/1.1', 'Host: x', 'Content-Length: 5', 'Expect: 100-continue');
      expect((await client.response()).status).toBe(201);
      expect(await client.ended).toBe('end');
    });
  });

  test('redirect fills in what the pattern matched, and D: nothing of a request makes a field', async () => {
    const moved = await getOnce(agent.port, 'http://moved.mock/a/b?c=d');
    expect([moved.status, moved.field('location'), moved.content.length]).toEqual([308, 'https://new.mock/a/b?c=d', 0]);
    expect(moved.field('cache-control')).toBe('no-store');
    const injected = await getOnce(agent.port, 'http://moved.mock/%0d%0aSet-Cookie:%20a=b');
    expect(injected.field('location')).toBe('https://new.mock/%0d%0aSet-Cookie:%20a=b');
    expect(injected.field('set-cookie')).toBeUndefined();
  });

  describe('rewrite', () => {
    test('asks another URL, whose Host goes with it, with everything else unchanged', async () => {
      const number = origin.requests.length + 1;
      const response = await getOnce(agent.port, 'http://map.mock/a?b=c', 'Cookie: a=1', 'Origin: http://map.mock');
      expect(response.content.toString()).toBe('hello');
      const request = await origin.received(number);
      expect(request.target).toBe('/mapped/a?b=c');
      expect(request.values('host')).toEqual([`127.0.0.1:${origin.port}`]);
      expect([request.values('cookie'), request.values('origin')]).toEqual([['a=1'], ['http://map.mock']]);
      expect(await agent.recordOf('map.mock/a?b=c')).toMatchObject({
        rules: ['map'],
        rewrittenUrl: url('/mapped/a?b=c'),
        destination: { host: '127.0.0.1', port: origin.port },
      });
    });

    test.each(['http://inwards.mock/', 'http://meta.mock/'])(
      'C01, C09: where it leads is judged like everything else: %s',
      async (from) => {
        const response = await getOnce(agent.port, from);
        expect(response.status).toBe(403);
        expect(response.field('proxy-status')).toContain('error=destination_ip_prohibited');
      },
    );
  });

  test('request fields are set, added, removed and shortened', async () => {
    const number = origin.requests.length + 1;
    await getOnce(
      agent.port,
      url('/request'),
      'x-set: old',
      'X-Removed: 1',
      'Referer: http://a.example/secret?x',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0.1',
      'Cookie: _ga=1; id=2; _gid=3',
    );
    const request = await origin.received(number);
    expect(['x-set', 'x-added', 'x-removed', 'referer', 'user-agent', 'cookie'].map(request.values)).toEqual([
      ['new'],
      ['1'],
      [],
      ['http://a.example/'],
      ['Firefox/140'],
      ['id=2'],
    ]);
  });

  test('response fields are changed behind the cache: on a miss, on a hit, on 304', async () => {
    const fieldsOf = async (...fields: string[]) => {
      const response = await getOnce(agent.port, url('/edits/stored'), ...fields);
      const { status } = response;
      return [status, ...['server', 'x-new', 'x-old', 'x-html'].map((name) => response.field(name))];
    };
    expect(await fieldsOf()).toEqual([200, 'new', '1', undefined, undefined]);
    const number = origin.requests.length;
    expect(await fieldsOf()).toEqual([200, 'new', '1', undefined, undefined]);
    expect(await fieldsOf('If-None-Match: "a"')).toEqual([304, 'new', '1', undefined, undefined]);
    expect(origin.requests.length).toBe(number);
    expect((await agent.recordOf('/edits/stored')).rules).toEqual(['response']);
  });

  test('a response is replaced where its head says so, and the rest of it is wanted no more', async () => {
    const response = await getOnce(agent.port, url('/missing'));
    expect([response.status, response.content.toString(), response.field('server')]).toEqual([
      200,
      'a stand-in',
      undefined,
    ]);
    expect(response.field('proxy-status')).toMatch(/received-status=404$/);
    expect(await agent.recordOf('/missing')).toMatchObject({ rules: ['instead'], response: { status: 200 } });
  });

  test('the log hears what rules let it hear', async () => {
    for (const path of ['/quiet', '/broken/200', '/broken/500', '/seen/text']) await getOnce(agent.port, url(path));
    await getOnce(agent.port, 'http://tracker.mock/');
    await getOnce(agent.port, url('/last'));
    await agent.recordOf('/last');
    const paths = agent.records.map(({ request }) => new URL(request.url, 'http://x').pathname);
    expect(paths).toEqual(expect.arrayContaining(['/broken/500', '/seen/text']));
    expect(paths).not.toContain('/quiet');
    expect(paths).not.toContain('/broken/200');
    expect(agent.records.some(({ request }) => request.url.includes('tracker.mock'))).toBe(false);
    expect((await agent.recordOf('/seen/text')).rules).toBeUndefined();
  });

  test('a simulated network stands around the exchange', async () => {
    using client = await connectClient(agent.port);
    client.sendHead(`GET ${url('/reset')} HTTP/1.1`, 'Host: x');
    expect(await client.ended).toBe('reset');
    expect(await agent.recordOf('/reset')).toMatchObject({ rules: ['reset'], shape: { fault: 'reset' } });
    expect((await getOnce(agent.port, url('/slow'))).status).toBe(200);
    expect(await agent.recordOf('/slow')).toMatchObject({ rules: ['slow'], shape: { rule: 'slow', latencyMs: 1 } });
  });

  test('a route is forced', async () => {
    await getOnce(agent.port, url('/straight'));
    expect((await agent.recordOf('/straight')).route).toEqual({ kind: 'direct', because: 'rule' });
  });

  describe('an upgrade', () => {
    const upgradeTo = (path: string) =>
      message([
        `GET ${url(path)} HTTP/1.1`,
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Key: ${key}`,
        'Sec-WebSocket-Version: 13',
      ]);

    test('is asked for with other fields, and its 101 is told with others', async () => {
      const number = origin.requests.length + 1;
      using client = await connectClient(agent.port);
      client.send(upgradeTo('/chat'));
      const response = await client.response();
      expect([response.status, response.field('server'), response.field('sec-websocket-accept')]).toEqual([
        101,
        'new',
        acceptOf(key),
      ]);
      expect((await origin.received(number)).values('x-set')).toEqual(['new']);
      client.socket.resetAndDestroy();
      expect((await agent.recordOf('/chat')).rules).toEqual(['socket']);
    });

    test.each(['/dropped-chat', '/offline-chat'])('is dropped: %s', async (path) => {
      using client = await connectClient(agent.port);
      client.send(upgradeTo(path));
      expect(await client.ended).toBe('reset');
      expect((await agent.recordOf(path)).response).toBeUndefined();
    });

    test('is blocked like any request', async () => {
      const response = await exchangeOnce(agent.port, upgradeTo('/blocked-chat'));
      expect([response.status, response.ending]).toEqual([403, 'end']);
    });
  });

  test('what is answered here is asked of nobody', () => {
    expect(lookedUp.filter((host) => host.endsWith('.mock'))).toEqual([]);
  });
});

describe('a tunnel that is not intercepted', () => {
  let agent: TestAgent;

  beforeAll(async () => {
    agent = await startTestAgent({
      edge: 'none',
      answers: Object.fromEntries(['open', 'elsewhere', 'away', 'far'].map((name) => [`${name}.mock`, ['127.0.0.1']])),
      config: {
        rules: [
          { name: 'paths only', when: { path: '/*' }, then: { block: {} } },
          { name: 'ads', when: { host: '*.ads.mock' }, then: { block: { status: 410 } } },
          { name: 'drop', when: { host: 'drop.mock' }, then: { block: 'drop' } },
          { name: 'straight', when: { host: 'open.mock' }, then: { route: 'direct', response: { set: { a: 'b' } } } },
          { name: 'edge', when: { host: 'elsewhere.mock' }, then: { route: 'edge', fallback: 'fail' } },
          { name: 'quiet', when: { host: 'quiet.ads.mock' }, then: { log: 'off' } },
          { name: 'away', when: { host: 'away.mock' }, then: { shape: 'offline' } },
          { name: 'far', when: { host: 'far.mock' }, then: { shape: { latencyMs: 2 } } },
        ],
      },
    });
  });

  afterAll(() => agent[Symbol.asyncDispose]());

  const connectTo = (authority: string) =>
    exchangeOnce(agent.port, message([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`]));
  const socks = (host: string) =>
    Buffer.concat([
      Buffer.of(5, 1, 0),
      Buffer.of(5, 1, 0, 3, host.length),
      Buffer.from(host),
      Buffer.of(443 >> 8, 443 & 255),
    ]);

  test('is blocked with a status', async () => {
    const response = await connectTo('a.ads.mock:443');
    expect([response.status, response.ending]).toEqual([410, 'end']);
    expect(await agent.recordOf('a.ads.mock:443')).toMatchObject({ rules: ['ads'], response: { status: 410 } });
  });

  test('is dropped', async () => {
    using client = await connectClient(agent.port);
    client.sendHead('CONNECT drop.mock:443 HTTP/1.1', 'Host: drop.mock:443');
    expect(await client.ended).toBe('reset');
    expect(client.octets.all().length).toBe(0);
  });

  test('of SOCKS is refused with its word for it, or dropped', async () => {
    using blocked = await connectClient(agent.port);
    blocked.send(socks('b.ads.mock'));
    expect([...(await blocked.octets.exactly(4))]).toEqual([5, 0, 5, 2]);
    using dropped = await connectClient(agent.port);
    dropped.send(socks('drop.mock'));
    expect(await dropped.ended).toBe('reset');
  });

  test('goes where its rule says, and nothing else of the rule is its', async () => {
    using client = await connectClient(agent.port);
    client.sendHead(`CONNECT open.mock:${origin.port} HTTP/1.1`, 'Host: x');
    expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.resetAndDestroy();
    const record = await agent.recordOf(`open.mock:${origin.port}`);
    expect(record).toMatchObject({ rules: ['straight'], route: { kind: 'direct', because: 'rule' } });
  });

  test('is refused where its rule lets only an edge carry it', async () => {
    const response = await connectTo('elsewhere.mock:443');
    expect(response.status).toBe(502);
    expect(response.content.toString()).toContain('The rule \\"edge\\" sends this by an edge');
  });

  test('goes over a simulated network, or meets none', async () => {
    using client = await connectClient(agent.port);
    client.sendHead(`CONNECT far.mock:${origin.port} HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    client.sendHead('GET / HTTP/1.1', 'Host: x', 'Connection: close');
    expect((await client.response()).content.toString()).toBe('hello');
    client.socket.resetAndDestroy();
    const record = await agent.recordOf(`far.mock:${origin.port}`);
    expect(record).toMatchObject({ rules: ['far'], shape: { rule: 'far', latencyMs: 2 } });
    using away = await connectClient(agent.port);
    away.sendHead(`CONNECT away.mock:${origin.port} HTTP/1.1`, 'Host: x');
    expect(await away.ended).toBe('reset');
    expect(await agent.recordOf(`away.mock:${origin.port}`)).toMatchObject({
      rules: ['away'],
      shape: { preset: 'offline' },
    });
  });

  test('is not logged where its rule says so', async () => {
    await connectTo('quiet.ads.mock:443');
    await connectTo('last.ads.mock:443');
    await agent.recordOf('last.ads.mock:443');
    expect(agent.records.some(({ request }) => request.url === 'quiet.ads.mock:443')).toBe(false);
  });
});

test('rules are for reverse routes too, where a rewrite to another origin leaves the pool and is judged', async () => {
  await using agent = await startTestAgent({
    edge: 'none',
    allowPrivate: false,
    config: {
      pools: { app: { targets: [{ url: origin.url }] } },
      reverse: [{ host: 'app.localhost', pool: 'app' }],
      rules: [
        { name: 'admin', when: { host: 'app.localhost', path: '/admin/*' }, then: { block: { status: 503 } } },
        { name: 'seen', when: { host: 'app.localhost' }, then: { response: { set: { Server: 'new' } } } },
        { name: 'within', when: { path: '/old/*' }, then: { rewrite: { to: '{scheme}://{host}:{port}/mapped/{1}' } } },
        { name: 'away', when: { path: '/away' }, then: { rewrite: { to: `${origin.url}/` } } },
      ],
    },
  });
  const ask = (path: string) =>
    exchangeOnce(
      agent.port,
      message([`GET ${path} HTTP/1.1`, `Host: app.localhost:${agent.port}`, 'Connection: close']),
    );
  expect((await ask('/admin/x')).status).toBe(503);
  const number = origin.requests.length + 1;
  const within = await ask('/old/a');
  expect([within.status, within.field('server')]).toEqual([200, 'new']);
  expect((await origin.received(number)).target).toBe('/mapped/a');
  const away = await ask('/away');
  expect([away.status, away.field('proxy-status')]).toEqual([
    403,
    expect.stringContaining('error=destination_ip_prohibited'),
  ]);
});

test.each([
  { set: { 'X-A': 'a\r\nB: c' } },
  { add: { 'X-A': 'a\nb' } },
  { set: { 'X-A\r\nB': 'c' } },
  { set: { 'Content-Length': '1' } },
  { set: { 'Transfer-Encoding': 'chunked' } },
])('D, A: a rule can make no message of its own: %j', (edits) => {
  expect(config.safeParse({ rules: [{ then: { request: edits } }] }).success).toBe(false);
  expect(config.safeParse({ rules: [{ then: { response: edits } }] }).success).toBe(false);
});
