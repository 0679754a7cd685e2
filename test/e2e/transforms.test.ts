// Transforms and the cache by rule, through the agent: what a client gets, what is recorded, and what is stored.
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { config } from '../../schemas/config.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { factsOf, png } from '../support/images.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../support/origin.ts';

type Rules = NonNullable<z.input<typeof config>['rules']>;

const page = '<html><head></head><body><p id="ad">buy</p><p>old</p></body></html>';
const html = 'Content-Type: text/html; charset=utf-8';

let origin: Origin;
let answer: (request: OriginRequest) => readonly (string | Buffer)[];

beforeAll(async () => {
  origin = await startOrigin((request, socket) => {
    for (const part of answer(request)) socket.write(part, 'latin1');
  });
});
afterAll(() => origin[Symbol.asyncDispose]());

/** Answers everything with this content and these lines. */
function answersWith(content: Buffer | string, ...lines: string[]) {
  const octets = Buffer.from(content);
  answer = () => [
    message(['HTTP/1.1 200 OK', `Date: ${new Date().toUTCString()}`, `Content-Length: ${octets.length}`, ...lines]),
    octets,
  ];
}

let count = 0;
const newPath = (name = '') => `/${++count}${name}`;

const rules: Rules = [
  { name: 'ads', when: { path: '*/ads' }, then: { transform: { html: [{ select: '#ad', remove: true }] } } },
  {
    name: 'both',
    when: { path: '*/both' },
    then: { transform: { replace: [{ find: 'old', with: 'new' }], compress: true } },
  },
  { name: 'small', when: { path: '*/small' }, then: { transform: { image: { width: 40, format: 'auto' } } } },
  { name: 'must', when: { path: '*/must' }, then: { transform: { compress: true, required: true } } },
  { name: 'around', when: { path: '*/around' }, then: { cache: 'bypass' } },
  { name: 'checked', when: { path: '*/checked' }, then: { cache: 'validate' } },
  { name: 'hour', when: { path: '*/hour' }, then: { cache: { freshnessSeconds: 3600 } } },
  { name: 'some', when: { path: '*/some', response: { type: 'text/html' } }, then: { cache: 'bypass' } },
  {
    name: 'hour and ads',
    when: { path: '*/both-ways' },
    then: { cache: { freshnessSeconds: 3600 }, transform: { html: [{ select: '#ad', remove: true }] } },
  },
];

/** The content once its coding is undone. */
function textOf({ content, values }: Awaited<ReturnType<typeof getOnce>>): string {
  return (values('content-encoding').join() === 'gzip' ? gunzipSync(content) : content).toString();
}

describe.each(['embedded', 'embedded-socket'] as const)('by edge %s', (edge) => {
  let proxy: TestAgent;
  beforeAll(async () => {
    proxy = await startTestAgent({ edge, cache: { agent: { diskBytes: 0 }, edge: 'on' }, config: { rules } });
    return () => proxy[Symbol.asyncDispose]();
  });
  const get = (path: string, ...fields: string[]) => getOnce(proxy.port, origin.url + path, ...fields);

  test('a page is changed, and the record says by whom and how much', async () => {
    answersWith(gzipSync(page), html, 'Content-Encoding: gzip', 'ETag: "v"');
    const path = newPath('/ads');
    const got = await get(path, 'Accept-Encoding: br, gzip');
    expect([got.status, got.isComplete, textOf(got)]).toEqual([200, true, page.replace('<p id="ad">buy</p>', '')]);
    expect(origin.requests.at(-1)?.values('accept-encoding')).toEqual(['gzip']);
    const { transform, rules: names } = await proxy.recordOf(path);
    expect(names).toEqual(['ads']);
    expect(transform).toEqual({
      rule: 'ads',
      applied: ['html'],
      octets: { before: gzipSync(page).length, after: got.content.length },
    });
  });

  test('an image is made smaller', async () => {
    const image = png(200, 100);
    answersWith(image, 'Content-Type: image/png', 'ETag: "i"', 'Accept-Ranges: bytes');
    const path = newPath('/small');
    const got = await get(path, 'Accept: image/webp, image/*');
    expect(factsOf(got.content)).toEqual({ format: 'webp', width: 40, height: 20 });
    expect(['content-type', 'vary', 'accept-ranges'].map(got.values)).toEqual([['image/webp'], ['Accept'], []]);
    const after = got.content.length;
    expect((await proxy.recordOf(path)).transform).toEqual({
      rule: 'small',
      applied: ['image'],
      octets: { before: image.length, after },
    });
  });

  test('what was transformed is stored as such, and answers each client in its coding', async () => {
    const text = `old ${'text '.repeat(500)}`;
    answersWith(text, 'Content-Type: text/plain', 'Cache-Control: max-age=600', 'ETag: "v"');
    const path = newPath('/both');
    const before = origin.requests.length;
    for (const wishes of [['Accept-Encoding: gzip'], [], ['Accept-Encoding: gzip'], []]) {
      const got = await get(path, ...wishes);
      expect(got.values('content-encoding')).toEqual(wishes.length > 0 ? ['gzip'] : []);
      expect(textOf(got)).toBe(text.replace('old', 'new'));
    }
    expect(origin.requests.length - before).toBe(2);
  });

  test('E: a page that is stored transformed is validated by the tag that the origin knows', async () => {
    const path = newPath('/ads');
    answer = (request) =>
      request.values('if-none-match').join() === '"v"'
        ? [message(['HTTP/1.1 304 Not Modified', 'ETag: "v"', `Date: ${new Date().toUTCString()}`])]
        : [
            message([
              'HTTP/1.1 200 OK',
              html,
              'ETag: "v"',
              'Cache-Control: no-cache',
              `Content-Length: ${page.length}`,
            ]),
            page,
          ];
    const first = await get(path);
    const second = await get(path);
    expect([textOf(first), textOf(second)]).toEqual(Array(2).fill(page.replace('<p id="ad">buy</p>', '')));
    expect(origin.requests.at(-1)?.values('if-none-match')).toEqual(['"v"']);
    expect(second.values('etag')).toEqual(first.values('etag'));
    const tag = first.values('etag')[0] as string;
    expect((await get(path, `If-None-Match: ${tag}`)).status).toBe(304);
  });

  test('a part of what would be changed is asked for whole; a part of anything else passes', async () => {
    const ranged = (type: string) => (request: OriginRequest) =>
      request.values('range').length > 0
        ? [
            message([
              'HTTP/1.1 206 Partial Content',
              type,
              'ETag: "v"',
              'Content-Length: 5',
              `Content-Range: bytes 0-4/${page.length}`,
            ]),
            page.slice(0, 5),
          ]
        : [message(['HTTP/1.1 200 OK', type, 'ETag: "v"', `Content-Length: ${page.length}`]), page];
    answer = ranged(html);
    const whole = await get(newPath('/ads'), 'Range: bytes=0-4');
    expect([whole.status, textOf(whole)]).toEqual([200, page.replace('<p id="ad">buy</p>', '')]);
    answer = ranged('Content-Type: video/mp4');
    const part = await get(newPath('/ads'), 'Range: bytes=0-4');
    expect([part.status, textOf(part), part.values('etag')]).toEqual([206, page.slice(0, 5), ['"v"']]);
  });

  test('an origin that breaks off is told as that, whatever has been made of its content', async () => {
    answer = () => [
      message(['HTTP/1.1 200 OK', html, 'Transfer-Encoding: chunked']),
      chunk(page.slice(0, 40)),
      'zz\r\n',
    ];
    const path = newPath('/ads');
    const got = await get(path);
    expect(got.status === 200 ? got.isComplete : got.status).toBe(got.status === 200 ? false : 502); // by when it is seen
    expect((await proxy.recordOf(path)).error).toBeDefined();
  });

  test('a client that leaves ends the origin, whatever is being made of its content', async () => {
    const closed = Promise.withResolvers<void>();
    await using endless = await startOrigin((_, socket) => {
      socket.on('close', () => closed.resolve()).on('error', () => undefined);
      socket.write(message(['HTTP/1.1 200 OK', html, 'Transfer-Encoding: chunked']));
      const write = () => {
        if (socket.destroyed) return;
        socket.write(chunk('<p>old</p>'.repeat(1_000)), () => setImmediate(write));
      };
      write();
    });
    const client = await connectClient(proxy.port);
    client.sendHead(`GET ${endless.url}${newPath('/ads')} HTTP/1.1`, 'Host: x', 'Accept-Encoding: gzip');
    await client.octets.until('\r\n\r\n');
    client[Symbol.dispose]();
    await closed.promise;
  });

  test('HEAD says what GET would', async () => {
    answersWith(page, html, 'ETag: "v"');
    const got = await get(newPath('/ads'));
    answer = () => [message(['HTTP/1.1 200 OK', html, 'ETag: "v"', `Content-Length: ${page.length}`])];
    const head = await exchangeOnce(
      proxy.port,
      `HEAD ${origin.url}${newPath('/ads')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(head.values('etag')).toEqual(got.values('etag'));
    expect(head.values('content-length')).toEqual([]);
  });
});

describe.each(['embedded', 'none'] as const)('the cache by rule, edge %s', (edge) => {
  let proxy: TestAgent;
  beforeAll(async () => {
    proxy = await startTestAgent({ edge, cache: { agent: { diskBytes: 0 }, edge: 'on' }, config: { rules } });
    return () => proxy[Symbol.asyncDispose]();
  });
  const get = (path: string, ...fields: string[]) => getOnce(proxy.port, origin.url + path, ...fields);
  const askedFor = async (path: string, times: number, ...fields: string[]) => {
    const before = origin.requests.length;
    let last = await get(path, ...fields);
    for (let time = 1; time < times; time++) last = await get(path, ...fields);
    return { times: origin.requests.length - before, last };
  };
  const status = (response: Awaited<ReturnType<typeof getOnce>>) => response.values('cache-status').at(-1) ?? '';

  test('bypass: neither looked up nor stored', async () => {
    answersWith('x', 'Cache-Control: max-age=600', 'Content-Type: text/plain');
    const { times, last } = await askedFor(newPath('/around'), 3);
    expect(times).toBe(3);
    expect(status(last)).toMatch(/edgehop; ?fwd=bypass.*rule \\"around\\": bypass/);
  });

  test('validate: never without asking, and what the origin confirms is not sent again', async () => {
    const path = newPath('/checked');
    answer = (request) =>
      request.values('if-none-match').length > 0
        ? [message(['HTTP/1.1 304 Not Modified', 'ETag: "v"'])]
        : [message(['HTTP/1.1 200 OK', 'ETag: "v"', 'Cache-Control: max-age=600', 'Content-Length: 1']), 'x'];
    const { times, last } = await askedFor(path, 3);
    expect([times, last.status, last.content.toString()]).toEqual([3, 200, 'x']);
    expect(origin.requests.at(-1)?.values('if-none-match')).toEqual(['"v"']);
    expect(status(last)).toMatch(/fwd-status=304.*rule \\"checked\\": validate/);
  });

  test.each([
    ['no-store', ['Cache-Control: no-store']],
    ['private', ['Cache-Control: private, max-age=0']],
    ['nothing', []],
    ['an age', ['Cache-Control: max-age=5', 'Age: 1000000']],
    ['a targeted field', ['Edgehop-Cache-Control: no-store']],
  ])('freshnessSeconds holds whatever the origin says: %s', async (_, lines) => {
    answersWith('x', 'Content-Type: text/plain', ...lines);
    const { times, last } = await askedFor(newPath('/hour'), 3);
    expect(times).toBe(1);
    const ttl = Number(/edgehop;.*?ttl=(\d+)/.exec(status(last))?.[1]);
    expect(ttl).toBeGreaterThan(3500);
    expect(ttl).toBeLessThanOrEqual(3600);
    expect(last.values('edgehop-cache-control')).toEqual([]);
  });

  test.each([
    ['E04: with Set-Cookie', ['Set-Cookie: a=b'], []],
    ['E03: to an authorised request', [], ['Authorization: Basic eDp5']],
  ])('freshnessSeconds stores no answer %s', async (_, lines, fields) => {
    answersWith('x', 'Content-Type: text/plain', ...lines);
    expect((await askedFor(newPath('/hour'), 3, ...fields)).times).toBe(3);
  });

  test('freshnessSeconds keeps no error', async () => {
    answer = () => [message(['HTTP/1.1 500 No', 'Content-Length: 1']), 'x'];
    expect((await askedFor(newPath('/hour'), 3)).times).toBe(3);
  });

  test('a rule with a condition on the response heeds it, also for what is stored already', async () => {
    answersWith('x', 'Cache-Control: max-age=600', html);
    expect((await askedFor(newPath('/some'), 3)).times).toBe(3);
    answersWith('x', 'Cache-Control: max-age=600', 'Content-Type: text/plain');
    expect((await askedFor(newPath('/some'), 3)).times).toBe(1);
  });

  test('freshness and transform go together', async () => {
    answersWith(page, html, 'Cache-Control: no-store');
    const { times, last } = await askedFor(newPath('/both-ways'), 2);
    expect(times).toBe(1);
    expect(textOf(last)).toBe(edge === 'none' ? page : page.replace('<p id="ad">buy</p>', ''));
  });
});

describe('without an edge', () => {
  let proxy: TestAgent;
  beforeAll(async () => {
    proxy = await startTestAgent({ edge: 'none', config: { rules } });
    return () => proxy[Symbol.asyncDispose]();
  });

  test('a transform is skipped, and that is recorded', async () => {
    answersWith(page, html, 'Cache-Control: max-age=600');
    const path = newPath('/ads');
    const got = await getOnce(proxy.port, origin.url + path);
    expect(textOf(got)).toBe(page);
    const { transform } = await proxy.recordOf(path);
    expect(transform).toEqual({ rule: 'ads', applied: [], skipped: 'the exchange went without an edge' });
    const before = origin.requests.length;
    await getOnce(proxy.port, origin.url + path);
    expect(origin.requests.length).toBe(before);
  });

  test('one that is required fails, with a sentence, and nothing is asked', async () => {
    answersWith(page, html);
    const before = origin.requests.length;
    const got = await getOnce(proxy.port, `${origin.url}${newPath('/must')}`);
    expect([got.status, got.content.toString()]).toEqual([502, expect.stringContaining('requires a transform')]);
    expect(origin.requests.length).toBe(before);
  });
});

test('an agent whose edge comes and goes never gives one what was stored for the other', async () => {
  answersWith(page, html, 'Cache-Control: max-age=600');
  await using proxy = await startTestAgent({
    edge: 'embedded',
    config: {
      rules: [...rules, { name: 'direct', when: { fields: { 'x-direct': true } }, then: { route: 'direct' } }],
    },
  });
  const url = origin.url + newPath('/ads');
  const changed = page.replace('<p id="ad">buy</p>', '');
  for (const [fields, expected] of [
    [['X-Direct: 1'], page],
    [[], changed],
    [['X-Direct: 1'], page],
    [[], changed],
    [['Cache-Control: no-transform'], page],
    [[], changed],
  ] as const) {
    expect(textOf(await getOnce(proxy.port, url, ...fields))).toBe(expected);
  }
});
