// edgehop.internal and the PAC file, asked in every way that a client, a page or an attacker has (G05, G07, G10).
import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashOf } from '../../agent/access/password-hash.ts';
import { ownStatus } from '../../schemas/api.ts';
import { config } from '../../schemas/config.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import { isInstalled, run } from '../support/program.ts';

const hasCurl = isInstalled('curl');
const looked: string[] = [];
let origin: Origin;
let proxy: TestAgent;

beforeAll(async () => {
  origin = await startOrigin((_, socket) => {
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 6'], 'origin'));
  });
  proxy = await startTestAgent({
    edge: 'embedded',
    allow: ['*.internal', '127.0.0.1'],
    lookup: async (name) => {
      looked.push(name);
      return ['127.0.0.1'];
    },
    config: {
      pools: { p: { targets: [{ url: origin.url }] } },
      reverse: [
        { host: '*.internal', pool: 'p' },
        { host: 'app.localhost', pool: 'p' },
      ],
      rules: [
        { name: 'all', when: { host: ['*', 'edgehop.internal'] }, then: { response: { set: { 'x-ruled': '1' } } } },
        { name: 'own', when: { host: 'edgehop.internal' }, then: { block: 'drop' } },
        { name: 'led', when: { path: '/led' }, then: { rewrite: { to: 'http://edgehop.internal/ca.pem' } } },
      ],
    },
  });
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

const ask = (url: string, method = 'GET', ...fields: string[]) =>
  exchangeOnce(
    proxy.port,
    `${[`${method} ${url} HTTP/1.1`, 'Host: x', 'Connection: close', ...fields].join('\r\n')}\r\n\r\n`,
    method,
  );

describe('through the proxy', () => {
  test.each([
    'http://edgehop.internal/',
    'http://edgehop.internal',
    'HTTP://EDGEHOP.Internal./',
    'http://edgehop.internal:80/?query',
    'http://user:password@edgehop.internal/',
    'http://edgehop.internal/a/../b/%2e%2e/../../',
  ])('%s is the page', async (url) => {
    const answer = await ask(url);
    expect([answer.status, answer.field('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const text = answer.content.toString();
    expect(text).toContain(`127.0.0.1:${proxy.port}`);
    expect(text).toContain(`http://127.0.0.1:${proxy.controlPort}/proxy.pac`);
    expect(text).toMatch(/Its edge is embedded and \w+\./);
    expect(text).not.toContain('password');
  });

  test('its style is the one that its policy lets', async () => {
    const answer = await ask('http://edgehop.internal/');
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(answer.content.toString()) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.field('content-security-policy')).toContain(`'sha256-${hash}'`);
    expect(answer.field('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  test('the state is JSON without a secret', async () => {
    const { content, field } = await ask('http://edgehop.internal/status');
    expect(field('content-type')).toBe('application/json');
    expect(ownStatus.parse(JSON.parse(content.toString()))).toMatchObject({
      agent: 'listening',
      edge: { kind: 'embedded' },
    });
    expect(content.toString()).not.toContain(proxy.agent.state().controlToken);
  });

  test('HEAD has the same fields, and HTTP/1.0 is answered', async () => {
    const whole = await ask('http://edgehop.internal/status');
    const head = await ask('http://edgehop.internal/status', 'HEAD');
    expect([head.status, head.content.length]).toEqual([200, 0]);
    expect(head.field('content-length')).toBe(String(whole.content.length));
    const old = await exchangeOnce(proxy.port, 'GET http://edgehop.internal/status HTTP/1.0\r\n\r\n');
    expect([old.status, old.content]).toEqual([200, whole.content]);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'])('%s is 405', async (method) => {
    const fields = method === 'POST' ? ['Content-Length: 3'] : [];
    using client = await connectClient(proxy.port);
    client.sendHead(`${method} http://edgehop.internal/ HTTP/1.1`, 'Host: x', ...fields);
    if (method === 'POST') client.send('a=1');
    const answer = await client.response(method);
    expect([answer.status, answer.field('allow')]).toEqual([405, 'GET, HEAD']);
    client.sendHead('GET http://edgehop.internal/status HTTP/1.1', 'Host: x'); // on the same connection
    expect((await client.response()).status).toBe(200);
  });

  test.each(['/nothing', '/ca.pem', '/ca.crt', '/v1/config', '/ready', '/..%2fetc/passwd'])(
    '%s is 404 with a sentence, for there is no CA',
    async (path) => {
      const answer = await ask(`http://edgehop.internal${path}`);
      expect([answer.status, answer.field('content-type')]).toEqual([404, 'text/plain; charset=utf-8']);
      expect(answer.content.toString()).toMatch(/^[A-Za-z].*\.\n$/);
    },
  );

  test('a request for another protocol gets the page, and no tunnel', async () => {
    const answer = await ask('http://edgehop.internal/', 'GET', 'Upgrade: websocket', 'Connection: Upgrade');
    expect([answer.status, answer.field('upgrade')]).toEqual([200, undefined]);
    expect(answer.ending).toBe('end');
  });

  test('no rule, no cache and no edge has a part in it, no name is looked up, and no other site may read it', async () => {
    const before = proxy.records.length;
    for (const fields of [[], ['Origin: http://evil.example'], ['Cache-Control: only-if-cached']]) {
      const answer = await ask('http://edgehop.internal/proxy.pac?once', 'GET', ...fields);
      expect([answer.status, answer.field('content-type')]).toEqual([200, 'application/x-ns-proxy-autoconfig']);
      expect(answer.field('cache-control')).toBe('no-store');
      for (const name of ['x-ruled', 'cache-status', 'age', 'etag', 'access-control-allow-origin', 'set-cookie'])
        expect(answer.field(name), name).toBeUndefined();
      expect(answer.field('x-content-type-options')).toBe('nosniff');
      expect(answer.field('cross-origin-resource-policy')).toBe('same-origin');
    }
    const record = await proxy.recordWhere(
      (each) => proxy.records.indexOf(each) >= before && each.request.url.endsWith('?once'),
    );
    expect(record).toMatchObject({ request: { url: 'http://edgehop.internal/proxy.pac?once' } });
    for (const part of ['route', 'cache', 'rules', 'pool', 'error']) expect(record).not.toHaveProperty(part);
    expect(Object.keys(record.stages).sort()).toEqual(['client-accepted', 'request-received', 'response-sent']);
    expect(looked).not.toContain('edgehop.internal');
    expect(origin.requests.map(({ target }) => target).join()).not.toContain('once');
  });
});

describe('nowhere else', () => {
  test.each([
    'http://edgehop.internal:81/',
    'http://edgehop.internal:443/',
    'https://edgehop.internal/',
    'https://edgehop.internal:80/',
  ])('%s is refused with a sentence', async (url) => {
    const answer = await ask(url);
    expect(answer.status).toBe(403);
    expect(answer.content.toString()).toContain('plain HTTP on port 80');
    expect(answer.field('x-ruled')).toBeUndefined();
  });

  test('the port of the proxy in its URL is another port', async () => {
    expect((await ask(`http://edgehop.internal:${proxy.port}/`)).status).toBe(403);
  });

  test.each(['edgehop.internal:443', 'EDGEHOP.internal.:443', 'edgehop.internal:80', 'edgehop.internal:8081'])(
    'CONNECT %s is refused with a sentence, which no rule and no exception changes',
    async (target) => {
      const answer = await exchangeOnce(proxy.port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`, 'CONNECT');
      expect(answer.status).toBe(403);
      expect(answer.content.toString()).toContain('Open http://edgehop.internal/ instead.');
      expect(looked).not.toContain('edgehop.internal');
    },
  );

  test('SOCKS5 does not lead there', async () => {
    using client = await connectClient(proxy.port);
    const name = 'edgehop.internal';
    client.send(Buffer.concat([Buffer.of(5, 1, 0, 5, 1, 0, 3, name.length), Buffer.from(name), Buffer.of(0, 80)]));
    expect([...(await client.octets.exactly(12))]).toEqual([5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect(await client.ended).toBe('end');
    expect(looked).not.toContain(name);
  });

  test('G02: what is asked in origin-form is of a reverse route, or of nobody', async () => {
    const pools = { p: { targets: [{ url: origin.url }] } };
    await using bare = await startTestAgent({ edge: 'none' });
    await using routed = await startTestAgent({
      edge: 'none',
      config: { pools, reverse: [{ host: 'edgehop.internal', pool: 'p' }] },
    });
    for (const path of ['/', '/ca.pem', '/status']) {
      const lines = `GET ${path} HTTP/1.1\r\nHost: edgehop.internal\r\nConnection: close\r\n\r\n`;
      expect((await exchangeOnce(bare.port, lines)).status).toBe(400);
      expect((await exchangeOnce(routed.port, lines)).content.toString()).toBe('origin');
    }
    expect((await getOnce(routed.port, 'http://edgehop.internal/status')).content.toString()).toContain('"version"');
  });

  test('a rule leads nobody there', async () => {
    const answer = await ask('http://o.example/led');
    expect(answer.status).toBe(403);
    expect(answer.content.toString()).toContain('edgehop itself');
  });

  test('names below and beside it are others', async () => {
    for (const url of ['http://edgehop.internal.evil.example/status', 'http://edgehop.internal@evil.example/status']) {
      const { content } = await ask(url);
      expect(content.toString()).not.toContain('"version"');
    }
  });
});

describe('the control port', () => {
  const fetched = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number | undefined; headers: object; text: string }>((resolve, reject) => {
      request({ port: proxy.controlPort, host: '127.0.0.1', path, method, headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      })
        .once('error', reject)
        .end();
    });

  test('gives the PAC file without a token, and an engine understands it', async () => {
    const { status, headers, text } = await fetched('/proxy.pac');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/x-ns-proxy-autoconfig',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    const resolve = createPacResolver(await QuickJS.create(), text);
    const throughProxy = `PROXY 127.0.0.1:${proxy.port}; DIRECT`;
    for (const url of [
      'http://example.com/',
      'http://edgehop.internal/',
      'http://app.localhost/',
      'http://a.internal/',
    ])
      expect(await resolve(url), url).toBe(throughProxy);
    for (const url of [`http://127.0.0.2:${proxy.controlPort}/`, 'http://printer/', 'http://x.localhost/'])
      expect(await resolve(url), url).toBe('DIRECT');
    expect((await ask('http://edgehop.internal/proxy.pac')).content.toString()).toBe(text);
  });

  test.each([
    [{ host: 'evil.example:8081' }, 403],
    [{ host: 'edgehop.internal' }, 403],
    [{ host: 'localtest.me' }, 403],
    [{ host: '0.0.0.0' }, 403],
    [{ host: '127.0.0.1.evil.example' }, 403],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'localhost' }, 200],
  ] as [Record<string, string>, number][])('G03: with %j it is %i', async (headers, status) => {
    const answer = await fetched('/proxy.pac', headers);
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    if (status === 403) expect(answer.text).not.toContain('FindProxyForURL');
  });

  test.each(['POST', 'PUT', 'OPTIONS'])('%s is not for who has no token', async (method) => {
    expect((await fetched('/proxy.pac', {}, method)).status).toBe(401);
  });

  test.each(['/proxy.pac/', '/proxy.pac/../v1/config', '/PROXY.PAC', '//proxy.pac', '/ca.pem', '/'])(
    '%s is not open',
    async (path) => {
      expect((await fetched(path)).status).toBe(401);
    },
  );

  test('G05: nobody gets it through the proxy', async () => {
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:7f00:1]', 'localtest.me']) {
      const { status, content } = await ask(`http://${host}:${proxy.controlPort}/proxy.pac`);
      expect(status, host).toBe(403);
      expect(content.toString()).not.toContain('FindProxyForURL');
    }
  });
});

test('a changed configuration is in the next file, and the certificate is there once there is a CA', async () => {
  await using changed = await startTestAgent({ edge: 'none' });
  const own = (path: string) => getOnce(changed.port, `http://edgehop.internal${path}`);
  expect((await own('/proxy.pac')).content.toString()).not.toContain('corp.example');
  expect((await own('/ca.crt')).status).toBe(404);
  const wanted = config.parse({
    edge: { use: 'none' },
    pac: { direct: ['*.corp.example'] },
    intercept: { hosts: ['*'] },
  });
  expect(await changed.agent.reload(wanted)).toMatchObject({ kind: 'applied' });
  expect((await own('/proxy.pac')).content.toString()).toContain('["*.corp.example",0]');
  await expect.poll(async () => (await own('/ca.crt')).status).toBe(200); // making it takes a moment
  const der = await own('/ca.crt');
  const pem = await own('/ca.pem');
  expect([der.field('content-type'), pem.field('content-type')]).toEqual([
    'application/x-x509-ca-cert',
    'application/x-pem-file',
  ]);
  const certificate = new X509Certificate(der.content);
  expect(certificate.ca).toBe(true);
  expect(pem.content.toString()).toBe(certificate.toString());
  expect((await own('/')).content.toString()).toContain(certificate.fingerprint256);
});

test('nobody is shown a certificate for it: a tunnel there is refused, whatever is intercepted', async () => {
  await using seeing = await startTestAgent({
    edge: 'none',
    config: { intercept: { hosts: ['*', 'edgehop.internal'] } },
  });
  const target = 'edgehop.internal:443';
  const refused = await exchangeOnce(seeing.port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`, 'CONNECT');
  expect([refused.status, refused.content.toString()]).toEqual([403, expect.stringContaining('plain HTTP on port 80')]);
});

test('who has no credentials gets none of it', async () => {
  const credentials = [{ name: 'anna', hash: await hashOf('s3cret', { cost: 2, parallelism: 1 }) }];
  await using closed = await startTestAgent({ edge: 'none', config: { admit: { credentials } } });
  expect((await getOnce(closed.port, 'http://edgehop.internal/ca.pem')).status).toBe(407);
});

test.skipIf(!hasCurl)('curl gets the page through the proxy, and is refused HTTPS at once', async () => {
  const page = await run('curl', '-sS', '-x', `http://127.0.0.1:${proxy.port}`, 'http://edgehop.internal/');
  expect(page.stdout).toContain('<title>edgehop</title>');
  const refused = await run('curl', '-sS', '-x', `http://127.0.0.1:${proxy.port}`, 'https://edgehop.internal/');
  expect([refused.code, refused.stderr]).toEqual([56, expect.stringContaining('403')]);
});
