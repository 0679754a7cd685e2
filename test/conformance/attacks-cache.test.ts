// ATTACKS.md group E: what poisons a cache, or makes it give one person's answer to another.
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { call } from '../support/edge.ts';
import { contentOf, neverStored, startSite, tiers, untilStored } from '../support/tiers.ts';

const fresh = 'Cache-Control: max-age=60';
const longAgo = 'Last-Modified: Mon, 01 Jan 2001 00:00:00 GMT';

/** Fields that some origins let decide what they answer, and that no cache looks at. */
const overriding = [
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Server: evil.example',
  'X-Forwarded-Scheme: evil.example',
  'X-Forwarded-Proto: evil.example',
  'X-Forwarded-Port: evil.example',
  'X-Forwarded-Prefix: evil.example',
  'X-Host: evil.example',
  'X-Original-URL: /evil.example',
  'X-Original-Host: evil.example',
  'X-Rewrite-URL: /evil.example',
  'X-HTTP-Method-Override: evil.example',
  'X-HTTP-Method: evil.example',
  'X-Method-Override: evil.example',
  'Forwarded: host=evil.example',
];

const notForAll = [
  'no-store, max-age=60',
  'max-age=60, no-store',
  'NO-STORE, max-age=60',
  'No-Store , max-age=60',
  'no-store=1, max-age=60',
  'no-store="x", max-age=60',
  'private, max-age=60',
  'max-age=60, Private',
  'private=, max-age=60',
  'private="", max-age=60',
  'no-cache, max-age=60',
  'max-age=60, max-age=0',
  'max-age=0, max-age=60',
  's-maxage=0, max-age=60',
  's-maxage=60, s-maxage=0',
  'max-age=',
  'max-age',
  'max-age=x',
  'max-age=-1',
  'max-age=1x',
  'max-age=0x60',
  'max-age=60 no-store',
  'max-age="60',
  'no-store max-age=60',
];

describe.each(tiers)('cached by %s', (_name, options) => {
  let proxy: TestAgent;

  beforeAll(async () => {
    const answers = { 'a.test': ['127.0.0.1'], 'b.test': ['127.0.0.1'] };
    proxy = await startTestAgent({ ...options, answers });
    return () => proxy[Symbol.asyncDispose]();
  });

  test('what may be stored is stored: without that, nothing here would show anything', async () => {
    await using origin = await startSite((_request, number) => [[fresh], `${number}`]);
    await untilStored(proxy.port, origin, `${origin.url}/`);
  });

  test('E01 one path on two ports and two hosts is two entries', async () => {
    await using one = await startSite(({ values }) => [[fresh], `one ${values('host')}`]);
    await using other = await startSite(({ values }) => [[fresh], `other ${values('host')}`]);
    const urls = [
      `http://127.0.0.1:${one.port}/x`,
      `http://127.0.0.1:${other.port}/x`,
      `http://localhost:${one.port}/x`,
    ];
    for (const _time of [1, 2, 3]) {
      for (const url of urls) {
        const site = url.includes(`${one.port}`) ? 'one' : 'other';
        expect(await contentOf(proxy.port, url)).toBe(`${site} ${new URL(url).host}`);
      }
    }
  });

  test.each(overriding)('E02 what an origin makes of %s reaches nobody else', async (field) => {
    await using origin = await startSite(({ octets }, number) => [[fresh], `${number} ${octets}`]);
    await contentOf(proxy.port, `${origin.url}/first`, field);
    for (const _time of [1, 2]) expect(await contentOf(proxy.port, `${origin.url}/first`)).not.toContain('evil');
    await contentOf(proxy.port, `${origin.url}/later`);
    await contentOf(proxy.port, `${origin.url}/later`, field);
    expect(await contentOf(proxy.port, `${origin.url}/later`)).not.toContain('evil');
  });

  test('E03 what was asked with Authorization is stored only where the origin says so', async () => {
    await using origin = await startSite(({ target, values }) => [
      [`Cache-Control: ${decodeURIComponent(target.slice(1))}`],
      `for ${values('authorization')}`,
    ]);
    const url = (directives: string) => `${origin.url}/${encodeURIComponent(directives)}`;
    await neverStored(proxy.port, origin, url('max-age=60'), 'Authorization: Basic eDp5');
    expect(await contentOf(proxy.port, url('max-age=60'), 'Authorization: Basic ejp6')).toBe('for Basic ejp6');
    expect(await contentOf(proxy.port, url('max-age=60'))).toBe('for ');
    for (const directives of ['public,max-age=60', 's-maxage=60', 'must-revalidate,max-age=60'])
      await untilStored(proxy.port, origin, url(directives), 'Authorization: Basic eDp5');
  });

  test('E04 a response that sets a cookie is not stored', async () => {
    await using origin = await startSite((_request, number) => [[fresh, `Set-Cookie: session=${number}`], 'hello']);
    await neverStored(proxy.port, origin, `${origin.url}/`);
  });

  test.each(['Accept-Language', 'Cookie', 'User-Agent', 'accept-language, X-Any'])(
    'E05 Vary: %s keeps answers apart',
    async (vary) => {
      const name = vary.split(',')[0] as string;
      await using origin = await startSite(({ values }) => [
        [fresh, `Vary: ${vary}`],
        `for ${values(name.toLowerCase())}`,
      ]);
      for (const _time of [1, 2, 3]) {
        for (const value of ['one', 'two']) {
          expect(await contentOf(proxy.port, `${origin.url}/`, `${name}: ${value}`)).toBe(`for ${value}`);
        }
        expect(await contentOf(proxy.port, `${origin.url}/`)).toBe('for ');
      }
    },
  );

  test.each(['*', 'Accept, *', '*, Accept'])('E05 Vary: %s is never reused', async (vary) => {
    await using origin = await startSite(() => [[fresh, `Vary: ${vary}`], 'hello']);
    await neverStored(proxy.port, origin, `${origin.url}/`);
  });

  test('E06 an answer is given only to requests that agree in all that it varies by, though that changes', async () => {
    const named = ['accept-language', 'accept-encoding', 'x-mode'];
    await using origin = await startSite(({ values }, number) => {
      const by = named.filter((_name, at) => ((number * 5) & (1 << at)) !== 0);
      const content = JSON.stringify(by.map((name) => [name, values(name)]));
      return [[fresh, ...(by.length === 0 ? [] : [`Vary: ${by.join(', ')}`])], content];
    });
    for (let time = 0; time < 24; time++) {
      const sent = named.map((name, at) => [name, `v${(time >> at) % 2}`] as const);
      const again = time % 3 === 0 ? ['Cache-Control: no-cache'] : [];
      const fields = sent.map(([name, value]) => `${name}: ${value}`);
      const varied = JSON.parse(await contentOf(proxy.port, `${origin.url}/`, ...fields, ...again));
      for (const [name, values] of varied) expect([name, values]).toEqual([name, [new Map(sent).get(name)]]);
    }
  });

  test.each([
    '/account.php/x.css',
    '/account;.css',
    '/account%2ex.css',
    '/account%0a.css',
    '/account%00.js',
    '/a.jpg?.png',
  ])('E07 %s is somebody’s own page, whatever its name ends in', async (path) => {
    for (const line of [
      [],
      ['Cache-Control: private'],
      ['Cache-Control: private', longAgo],
      ['Cache-Control: no-store'],
    ]) {
      await using origin = await startSite(({ values }) => [line, `page of ${values('cookie')}`]);
      for (const person of ['one', 'two', 'one']) {
        const page = await contentOf(proxy.port, `${origin.url}${path}`, `Cookie: ${person}`);
        expect(page).toBe(`page of ${person}`);
      }
      expect(origin.requests.length).toBe(3);
    }
  });

  test('E07 a path is never decoded into another one', async () => {
    await using origin = await startSite(({ target }) => [[fresh], target]);
    const paths = [
      '/account',
      '/static/..%2faccount',
      '/static/%2e%2e%2faccount',
      '/%61ccount',
      '/account%3f',
      '/account?',
    ];
    for (const _time of [1, 2, 3]) {
      for (const path of paths) expect(await contentOf(proxy.port, `${origin.url}${path}`)).toBe(path);
    }
  });

  test('E08 HEAD makes no entry without content', async () => {
    await using origin = await startSite(({ method }) => [[fresh, 'ETag: "a"'], `for ${method} ${'x'.repeat(10)}`]);
    const head = `HEAD ${origin.url}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect((await exchangeOnce(proxy.port, head, 'HEAD')).status).toBe(200);
    for (const _time of [1, 2]) expect(await contentOf(proxy.port, `${origin.url}/`)).toMatch(/^for GET x{10}$/);
  });

  test('E08 a GET with content is neither answered from what is stored nor stored', async () => {
    await using origin = await startSite(({ octets }, number) => [
      [fresh],
      `${number} ${/\r\n\r\n(.*)/.exec(octets)?.[1]}`,
    ]);
    const fat = `GET ${origin.url}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nevil`;
    for (const _time of [1, 2]) {
      const asked = origin.requests.length;
      expect((await exchangeOnce(proxy.port, fat)).status).toBe(200);
      expect(origin.requests.length).toBe(asked + 1);
    }
    const content = await untilStored(proxy.port, origin, `${origin.url}/`);
    expect(content).not.toContain('evil');
    const asked = origin.requests.length;
    await exchangeOnce(proxy.port, fat);
    expect(origin.requests.length).toBe(asked + 1);
    expect(await contentOf(proxy.port, `${origin.url}/`)).not.toContain('evil');
  });

  test.each([
    '400 Bad Request',
    '403 Forbidden',
    '404 Not Found',
    '405 Method Not Allowed',
    '410 Gone',
    '414 URI Too Long',
    '431 Too Large',
    '500 Oops',
    '501 Not Implemented',
    '503 Busy',
  ])('E09 %s that one request has caused is not stored for the others', async (status) => {
    await using origin = await startSite(({ values }) =>
      values('x-bad').length > 0 ? [[longAgo], 'error', status] : [[longAgo, fresh], 'page'],
    );
    for (const path of ['/1', '/2']) {
      expect(await contentOf(proxy.port, `${origin.url}${path}`, 'X-Bad: 1')).toBe('error');
      expect(await contentOf(proxy.port, `${origin.url}${path}`)).toBe('page');
    }
  });

  test('E11 URLs that differ in a character are different entries', async () => {
    await using origin = await startSite(({ target }) => [[fresh], target]);
    const paths = [
      '/?a=1&b=2',
      '/?b=2&a=1',
      '/?a',
      '/?a=',
      '/?a=1',
      '/?a=1&a=2',
      '/?a=2&a=1',
      '/?',
      '/',
      '//',
      '/%41',
      '/A',
      '/a',
      '/a/',
      '/?%41',
      '/?A',
      '/;a',
      '/?a=1;b=2',
      '/?a=%26',
      '/?a=&',
      '/a%2Fb',
      '/a%2fb',
      '/a/b',
      '/a+b',
      '/a%20b',
      '/a%2Bb',
    ];
    for (const _time of [1, 2]) {
      for (const path of paths) expect(await contentOf(proxy.port, `${origin.url}${path}`)).toBe(path);
    }
    for (const path of paths) expect(await untilStored(proxy.port, origin, `${origin.url}${path}`)).toBe(path);
    expect((await getOnce(proxy.port, `${origin.url}/#a`)).status).toBe(400);
  });

  test.each(notForAll)('E12 a response with Cache-Control: %s is not given to others unasked', async (directives) => {
    await using origin = await startSite((_request, number) => [[`Cache-Control: ${directives}`], `${number}`]);
    await neverStored(proxy.port, origin, `${origin.url}/`);
  });

  test.each([
    ['Cache-Control: no-store', fresh],
    [fresh, 'Cache-Control: private'],
    [fresh, 'CDN-Cache-Control: no-store'],
    [fresh, 'Edgehop-Cache-Control: no-store'],
    ['CDN-Cache-Control: max-age=60', 'Edgehop-Cache-Control: private'],
    ['Expires: 0', longAgo],
    ['Expires: -1', longAgo],
    ['Expires: Thu, 99 Foo 2099 00:00:00 GMT', longAgo],
    ['Expires: Tue, 01 Jan 2999 00:00:00 GMT', 'Cache-Control: max-age=0'],
  ])('E12 nor one with %s and %s', async (one, other) => {
    await using origin = await startSite((_request, number) => [[one, other], `${number}`]);
    await neverStored(proxy.port, origin, `${origin.url}/`);
  });

  test.each([
    'Cache-Control: no-store',
    'Cache-Control: NO-STORE',
    'Cache-Control: no-cache',
    'Pragma: no-cache',
    'Cache-Control: max-age=0',
  ])('E12 a request with %s is answered by the origin', async (field) => {
    await using origin = await startSite((_request, number) => [[fresh], `${number}`]);
    await untilStored(proxy.port, origin, `${origin.url}/`);
    await neverStored(proxy.port, origin, `${origin.url}/`, field);
  });

  test('E12 what was asked for with no-store is not stored', async () => {
    await using origin = await startSite((_request, number) => [[fresh], `${number}`]);
    expect(await contentOf(proxy.port, `${origin.url}/`, 'Cache-Control: no-store')).toBe('1');
    expect(await contentOf(proxy.port, `${origin.url}/`)).toBe('2');
  });

  test('E14 nothing that a page can send takes anything away', async () => {
    await using origin = await startSite(({ method }, number) =>
      method === 'GET' ? [[fresh], `${number}`] : [[], '', '405 Method Not Allowed'],
    );
    const content = await untilStored(proxy.port, origin, `${origin.url}/`);
    for (const field of [
      'X-Edge-Purge: 1',
      'X-Purge: all',
      'Edgehop-Purge: all',
      'Cache-Purge: 1',
      'Surrogate-Key: a',
      'Clear-Site-Data: "cache"',
    ])
      expect([field, await contentOf(proxy.port, `${origin.url}/`, field)]).toEqual([field, content]);
    for (const method of ['PURGE', 'BAN', 'REFRESH']) {
      const purge = `${method} ${origin.url}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      await exchangeOnce(proxy.port, purge);
      expect([method, await contentOf(proxy.port, `${origin.url}/`)]).toEqual([method, content]);
    }
    const control = `http://127.0.0.1:${proxy.controlPort}/v1/cache/purge`;
    const asked = { method: 'POST', content: '{"kind":"all"}' };
    expect((await call(control, asked)).status).toBe(401);
    const authorization = `Bearer ${proxy.agent.state().controlToken}`;
    const bySite = { ...asked, fields: { authorization, origin: 'http://evil.example' } };
    expect((await call(control, bySite)).status).toBe(403);
    expect(
      (
        await exchangeOnce(
          proxy.port,
          `POST ${control} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        )
      ).status,
    ).toBe(403);
    expect(await contentOf(proxy.port, `${origin.url}/`)).toBe(content);
    expect((await call(control, { ...asked, fields: { authorization } })).status).toBe(200);
    expect(await contentOf(proxy.port, `${origin.url}/`)).not.toBe(content);
  });
});
