// ATTACKS.md, groups A, B, C, D and E, against rules: what hostile clients, pages and files make of answers, rewrites and names.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { message, type Origin, startOrigin } from '../support/origin.ts';
import type { RuleInput } from '../support/rules.ts';
import { closedPort } from '../support/tcp.ts';

const rules: readonly RuleInput[] = [
  { name: 'own', when: { path: '/own/*' }, then: { rewrite: { to: 'http://127.0.0.1:{1}/' } } },
  { name: 'folder', when: { path: '/f/*' }, then: { respond: { folder: 'public', under: '/f' } } },
  { name: 'device', when: { path: '/device' }, then: { respond: { file: '/dev/zero' } } },
  { name: 'pipe', when: { path: '/pipe' }, then: { respond: { file: 'pipe' } } },
  { name: 'text', when: { path: '/text' }, then: { respond: { text: 'of ours' } } },
  { name: 'nothing', when: { path: '/205' }, then: { respond: { status: 205, text: 'of ours' } } },
  { name: 'drop', when: { path: '/drop' }, then: { block: 'drop' } },
  {
    name: '<b>"name"',
    when: { path: '/block' },
    then: { block: { status: 403, message: 'a\r\nX-Injected: y <script>é\u010d\u010a"' } },
  },
  { name: 'go', when: { url: 'http://go.example/*' }, then: { rewrite: { to: '{1}' } } },
  { name: 'away', when: { url: 'http://away.example/*' }, then: { redirect: { to: '{1}' } } },
  { name: 'below', when: { path: '/below/*' }, then: { redirect: { to: 'http://{1}.safe.example/' } } },
  {
    name: 'hosts',
    when: { host: ['blocked.example', '*.sub.example', '192.0.2.7', 'bücher.example', '[2001:db8::7]'] },
    then: { block: { status: 451 } },
  },
  { name: 'listed', when: { list: 'ads' }, then: { block: { status: 451 } } },
  { name: 'tagged', then: { response: { set: { 'x-rule': 'set' }, remove: ['server'] } } },
];

describe('with rules of every kind', () => {
  let folder: string;
  let origin: Origin;
  let proxy: TestAgent;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'edgehop-test-'));
    mkdirSync(join(folder, 'public'));
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    writeFileSync(join(folder, 'public', 'a.txt'), 'public');
    writeFileSync(join(folder, 'public', 'empty'), '');
    writeFileSync(join(folder, 'public', 'large'), '');
    truncateSync(join(folder, 'public', 'large'), 10 * 2 ** 30);
    symlinkSync('../secret.txt', join(folder, 'public', 'link.txt'));
    symlinkSync('/etc', join(folder, 'public', 'link'));
    for (const path of ['pipe', 'public/pipe']) execFileSync('mkfifo', [join(folder, path)]);
    writeFileSync(join(folder, 'ads.txt'), '||ads.example^\n0.0.0.0 192.0.2.9\n');
    origin = await startOrigin(async (request, socket) => {
      await request.content.catch(() => undefined);
      socket.write(message(['HTTP/1.1 200 OK', 'Server: x', 'Content-Length: 2'], 'ok'));
    });
    proxy = await startTestAgent({
      edge: 'none',
      config: { rules: [...rules], lists: { ads: { file: 'ads.txt' } } },
      configPath: join(folder, 'edgehop.jsonc'),
      lookup: async () => ['127.0.0.1'],
    });
    return async () => {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    };
  });

  test.each([
    ...['link.txt', 'link/passwd', '..%2fsecret.txt', '..%2Fsecret.txt', '%2e%2e%2fsecret.txt', '..%5csecret.txt'],
    ...['%2e%2e%5csecret.txt', '%2fetc%2fpasswd', 'a.txt%00', '%00', 'a.txt%2f..%2f..%2fsecret.txt'],
  ])('a folder is not left by %s', async (path) => {
    const { status, content } = await getOnce(proxy.port, `http://h.example/f/${path}`);
    expect([status, content.includes('root:'), content.includes(folder)]).toEqual([403, false, false]);
  });

  test.each([
    ...[
      '%252e%252e/secret.txt',
      '%252e%252e%252fsecret.txt',
      '....//secret.txt',
      '..;/secret.txt',
      '%c0%ae%c0%ae/secret.txt',
    ],
    ...['/secret.txt', '//a.txt', 'a.txt/', 'pipe', '%', '%0d%0a', 'a.txt;x', 'none', '', '~', 'con'],
  ])('a folder has nothing for %s', async (path) => {
    const { status, content } = await getOnce(proxy.port, `http://h.example/f/${path}`);
    expect([status, content.includes(folder)]).toEqual([404, false]);
  });

  test.each(['../secret.txt', '%2e%2e/secret.txt', '.%2E/secret.txt', './../secret.txt'])(
    'a path is canonical ahead of the rules: %s is below no folder',
    async (path) => {
      const port = origin.port;
      await getOnce(proxy.port, `http://h.example:${port}/f/${path}`);
      expect((await origin.received(origin.requests.length)).target).toBe('/secret.txt');
    },
  );

  test.each(['device', 'pipe'])('what is no file is never read: a %s', async (path) => {
    expect((await getOnce(proxy.port, `http://h.example/${path}`)).status).toBe(404);
  });

  test('of a file of 10 GB the last octets, and of an empty one nothing', async () => {
    const large = await getOnce(proxy.port, 'http://h.example/f/large', 'Range: bytes=-3');
    expect([large.status, large.content]).toEqual([206, Buffer.alloc(3)]);
    const many = `Range: bytes=${Array.from({ length: 1_000 }, () => '0-').join(',')}`;
    using client = await connectClient(proxy.port);
    client.sendHead('GET http://h.example/f/large HTTP/1.1', 'Host: x', many);
    // Ten thousand gigabytes are nobody's: it is the whole once, or no more than it.
    const head = (await client.octets.until('\r\n\r\n'))?.toString('latin1') ?? '';
    expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBeLessThanOrEqual(10 * 2 ** 30);
    const empty = await getOnce(proxy.port, 'http://h.example/f/empty', 'Range: bytes=0-0');
    expect([empty.status, empty.content.length]).toEqual([416, 0].includes(empty.status) ? [416, 0] : [200, 0]);
  });

  test('a file that becomes shorter while it is sent ends in a reset, never in a clean end', async () => {
    const path = join(folder, 'public', 'shrinking');
    writeFileSync(path, Buffer.alloc(64 * 2 ** 20));
    using client = await connectClient(proxy.port);
    client.sendHead('GET http://h.example/f/shrinking HTTP/1.1', 'Host: x');
    await client.octets.until('\r\n\r\n');
    client.socket.pause();
    truncateSync(path, 10);
    client.socket.resume();
    expect(await client.ended).toBe('reset');
  });

  const smuggled = () => `GET ${origin.url}/smuggled HTTP/1.1\r\nHost: x\r\n\r\n`;
  const asked = () => origin.requests.map(({ target }) => target);

  test.each(['text', 'block', 'f/a.txt', '205'])(
    'A15 content for /%s, which nobody reads, is no request',
    async (path) => {
      const content = smuggled();
      const after = `GET ${origin.url}/after-${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      const post = `POST http://h.example/${path} HTTP/1.1\r\nHost: x\r\n`;
      const chunked = `${content.length.toString(16)}\r\n${content}\r\n0\r\n\r\n`;
      for (const octets of [
        `${post}Content-Length: ${content.length}\r\n\r\n${content}${after}`,
        `${post}Transfer-Encoding: chunked\r\n\r\n${chunked}${after}`,
      ]) {
        using client = await connectClient(proxy.port);
        client.send(octets);
        await client.response('POST');
        expect((await client.response()).content.toString()).toBe('ok');
      }
      expect(asked()).not.toContain('/smuggled');
      expect(asked()).toContain(`/after-${path}`);
    },
  );

  test.each(['text', 'block', 'f/a.txt'])(
    'A15, A17 a client of /%s that waits for 100, or sends without end, is answered, and then nothing more is read',
    async (path) => {
      const post = `POST http://h.example/${path} HTTP/1.1\r\nHost: x\r\n`;
      for (const octets of [
        `${post}Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n`,
        `${post}Content-Length: 1000000000\r\n\r\n${smuggled().repeat(100)}`,
      ]) {
        using client = await connectClient(proxy.port);
        client.send(octets);
        const { status, field } = await client.response('POST');
        expect(status).toBe(path === 'block' ? 403 : 200);
        expect(field('connection')).toBe('close');
        await client.ended;
      }
      expect(asked()).not.toContain('/smuggled');
    },
  );

  test('A16 behind a request that is dropped, nothing on its connection is asked or answered', async () => {
    using client = await connectClient(proxy.port);
    const paths = [`${origin.url}/before-drop`, 'http://h.example/drop', `${origin.url}/behind-drop`];
    client.send(paths.map((url) => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    expect(await client.ended).toBe('reset');
    expect(
      client.octets
        .all()
        .toString('latin1')
        .match(/HTTP\/1\.1 \d+/g),
    ).toEqual(['HTTP/1.1 200']);
    expect(asked()).toContain('/before-drop');
    expect(asked()).not.toContain('/behind-drop');
  });

  test('D06, D09 whatever a rule says of itself is no field, and no markup', async () => {
    const page = await getOnce(proxy.port, 'http://h.example/block', 'Accept: text/html');
    expect([page.status, page.values('x-injected')]).toEqual([403, []]);
    expect(page.content.toString()).not.toMatch(/<script>|<b>/);
    const problem = await getOnce(proxy.port, 'http://h.example/block');
    expect(JSON.parse(problem.content.toString())).toMatchObject({ status: 403 });
  });

  test('205 has no content (RFC 9110 15.3.6)', async () => {
    const { status, content } = await getOnce(proxy.port, 'http://h.example/205');
    expect([status, content.length]).toEqual([205, 0]);
  });

  test.each(['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost', 'anything.example'])(
    'C05 no rewrite leads to us by %s',
    async (host) => {
      for (const port of [proxy.port, proxy.controlPort]) {
        expect((await getOnce(proxy.port, `http://go.example/http://${host}:${port}/`)).status).toBe(403);
      }
    },
  );

  test.each([
    ...['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//elsewhere.example', '', 'http:', 'http://'],
    ...['http://x.example:99999/', 'http://%00/', 'http://a%2fb/', 'http:%5c%5celsewhere.example', 'ftp://x.example/'],
  ])('a rule makes no URL of %s, and says so', async (text) => {
    for (const host of ['go', 'away']) {
      const { status, field, content } = await getOnce(proxy.port, `http://${host}.example/${text}`);
      expect([status, field('location')]).toEqual([500, undefined]);
      expect(JSON.parse(content.toString()).detail).toContain(`The rule "${host}"`);
    }
  });

  test.each([
    ['http://u:p@x.example/', 'http://x.example/'],
    ['http://x.example/%0d%0aSet-Cookie:%20a', 'http://x.example/%0d%0aSet-Cookie:%20a'],
    ['HTTP://X.EXAMPLE:80/a', 'http://x.example/a'],
  ])('B11 a redirect to %s is canonical', async (text, location) => {
    const { status, field, values } = await getOnce(proxy.port, `http://away.example/${text}`);
    expect([status, field('location'), values('set-cookie')]).toEqual([302, location, []]);
  });

  test.each([
    'evil.com/',
    'evil.com%2f',
    'evil.com:80',
    'evil.com%23',
    'evil.com%3f',
    'a@b',
    'a%40b',
    'x%20y',
    'evil.com%5c',
    '%00',
    '.',
    'a..b',
  ])('what is matched ends no host: /below/%s', async (text) => {
    const { status, field } = await getOnce(proxy.port, `http://h.example/below/${text}`);
    expect([status, field('location')]).toEqual([500, undefined]);
  });

  const spellings = [
    ...[
      'blocked.example',
      'BLOCKED.Example',
      'blocked.example.',
      'a.sub.example',
      'A.SUB.example.',
      '192.0.2.7',
      '192.0.2.9',
    ],
    ...[
      '[2001:db8:0:0:0:0:0:7]',
      '[2001:DB8::7]',
      'xn--bcher-kva.example',
      'XN--BCHER-KVA.EXAMPLE.',
      'ads.example',
      'x.ads.example.',
    ],
  ];

  test.each(spellings)('a rule on a host holds for %s on each way', async (host) => {
    const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect((await getOnce(proxy.port, `http://${host}/`)).status).toBe(451);
    expect((await exchangeOnce(proxy.port, `GET http://${host}/ HTTP/1.1\r\n${upgrade}`)).status).toBe(451);
    expect((await exchangeOnce(proxy.port, `CONNECT ${host}:443 HTTP/1.1\r\nHost: x\r\n\r\n`, 'CONNECT')).status).toBe(
      451,
    );
    expect(await bySocks(proxy.port, host.replace(/^\[|\]$/g, ''))).toBe(2); // RFC 1928 6: not allowed by ruleset
  });

  test.each([
    '192.0.2.7.',
    '0xc0000207',
    '3221226000',
    '192.0.519',
    'bl%6fcked.example',
    'blocked.example..',
    '.sub.example',
    'bücher.example',
    'ads。example',
    'ads.example\u00ad',
  ])('C16 no other spelling of a host gets by: %s', async (host) => {
    const octets = Buffer.from(host).toString('latin1');
    expect((await getOnce(proxy.port, `http://${octets}/`)).status).toBe(400);
    const connect = `CONNECT ${octets}:443 HTTP/1.1\r\nHost: x\r\n\r\n`;
    expect((await exchangeOnce(proxy.port, connect, 'CONNECT')).status).toBe(400);
    expect(await bySocks(proxy.port, host)).not.toBe(0);
  });

  test('fields of responses are set beside hostile ones, and the message stays one', async () => {
    await using hostile = await startOrigin((_, socket) => {
      socket.write(
        message(
          [
            'HTTP/1.1 200 OK',
            'Connection: x-rule',
            'X-Rule: origin',
            'x-rule: again',
            'Server: a',
            'Content-Length: 2',
          ],
          'ok',
        ),
      );
    });
    const { values, content } = await getOnce(proxy.port, `${hostile.url}/`);
    expect([values('x-rule'), values('server'), content.toString()]).toEqual([['set'], [], 'ok']);
  });
});

describe('C01, C03 a rewrite is judged as what it has become', () => {
  test.each([
    'http://127.0.0.1:{{PORT}}/',
    'http://[::1]:{{PORT}}/',
    'http://2130706433:{{PORT}}/',
    'http://private.example:{{PORT}}/',
  ])('%s', async (to) => {
    const port = await closedPort();
    await using proxy = await startTestAgent({
      edge: 'none',
      allowPrivate: false,
      config: { rules: [{ then: { rewrite: { to: to.replace('{{PORT}}', String(port)) } } }] },
      lookup: async (host) => (host === 'private.example' ? ['10.0.0.1'] : ['192.0.2.1']),
    });
    expect((await getOnce(proxy.port, 'http://public.example/')).status).toBe(403);
  });
});

/** What SOCKS5 answers to CONNECT for a name, RFC 1928 6; 255 where the connection ended without an answer. */
async function bySocks(port: number, host: string): Promise<number> {
  using client = await connectClient(port);
  const name = Buffer.from(host);
  client.send(Buffer.from([5, 1, 0]));
  client.send(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([1, 187])]));
  await client.ended;
  return client.octets.all()[3] ?? 255;
}
