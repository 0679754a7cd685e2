// Transforms on real workerd: each with each coding and kind of client, what is left alone, and what comes to harm.
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { transform as transformSchema } from '../../../schemas/transform.ts';
import {
  envelopeFor,
  exchange,
  failureOf,
  responseOf,
  startDeployedEdge,
  startEmbeddedEdge,
  type TestEdge,
  unmarked,
} from '../../support/edge.ts';
import { png, pngOf } from '../../support/images.ts';
import { chunk, message, type Origin, type OriginRequest, startOrigin } from '../../support/origin.ts';

type Given = z.input<typeof transformSchema>;
type Fields = [string, string][];

let edge: TestEdge;
let origin: Origin;
let answer: (request: OriginRequest) => readonly (string | Buffer)[];
/** The origin ends its connections behind an answer. */
let cuts = false;

beforeAll(async () => {
  edge = await startEmbeddedEdge();
  origin = await startOrigin((request, socket) => {
    for (const part of answer(request)) socket.write(part, 'latin1');
    if (cuts) socket.end();
  });
  return async () => {
    await origin[Symbol.asyncDispose]();
  };
});
afterAll(() => edge[Symbol.asyncDispose]());

/** What a PNG says ahead of its data when it moves. */
const animation = pngOf(4, 4, [['acTL', Buffer.alloc(8)]]);
const gzipClient: Fields = [['Accept-Encoding', 'gzip, br']];
const last = () => origin.requests.at(-1) as OriginRequest;

/** Answers with this content and these lines, its length known. */
function answersWith(content: Buffer | string, ...lines: string[]) {
  const octets = Buffer.from(content);
  answer = () => [message(['HTTP/1.1 200 OK', `Content-Length: ${octets.length}`, ...lines]), octets];
}

async function asked(given: Given, fields: Fields = [], method = 'GET') {
  const action = transformSchema.parse(given);
  const reply = await exchange(
    edge.direct,
    envelopeFor(origin.url, { method, fields, plan: { transform: [{ rule: 'test', action }] } }),
  );
  const head = responseOf(reply);
  const { content, endRecord } =
    head.content.kind === 'marked' ? unmarked(reply) : { content: reply.content, endRecord: undefined };
  const values = (name: string) =>
    head.fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  const coding = values('content-encoding').join();
  const text = () => (coding === 'gzip' ? gunzipSync(content) : content).toString();
  return { head, content, endRecord, values, coding, text, transform: head.transform, isComplete: reply.isComplete };
}

const page =
  '<!DOCTYPE html><html><head><title>a</title></head><body class="x"><p id="ad">buy</p><p>old</p></body></html>';
const html = 'Content-Type: text/html; charset=utf-8';
const long = 'a long text of which there is enough. '.repeat(100);

describe.each([
  ['identity', (text: string) => [text, []] as const],
  ['gzip', (text: string) => [gzipSync(text), ['Content-Encoding: gzip']] as const],
])('content in %s', (from, coded) => {
  describe.each([
    ['a client that takes gzip', gzipClient, true],
    ['a client that says nothing', [] as Fields, false],
    ['a client that refuses gzip', [['Accept-Encoding', 'gzip;q=0, identity']] as Fields, false],
  ])('%s', (_, fields, takesGzip) => {
    test.each<[string, Given, string, string, string[], string, boolean]>([
      [
        'html',
        { html: [{ select: '#ad', remove: true }] },
        page,
        html,
        ['html'],
        page.replace('<p id="ad">buy</p>', ''),
        false,
      ],
      [
        'inject',
        { inject: { style: 'p{}' } },
        page,
        html,
        ['inject'],
        page.replace('</head>', '<style>p{}</style></head>'),
        false,
      ],
      [
        'replace',
        { replace: [{ find: 'old', with: 'n\u00ebw' }] },
        page,
        html,
        ['replace'],
        page.replace('old', 'n\u00ebw'),
        false,
      ],
      ['compress', { compress: true }, long, 'Content-Type: text/plain', ['compress'], long, true],
      [
        'all of them',
        { html: [{ select: '#ad', remove: true }], replace: [{ find: 'old', with: long }], compress: true },
        page + long,
        html,
        ['html', 'replace', 'compress'],
        page.replace('<p id="ad">buy</p>', '').replace('old', long) + long,
        true,
      ],
    ])('%s', async (name, given, content, type, applied, expected, compresses) => {
      const [octets, lines] = coded(content);
      answersWith(octets, type, 'ETag: "v1"', 'Accept-Ranges: bytes', 'Content-MD5: abcd', 'Digest: x', ...lines);
      const got = await asked(given, fields);
      const isCompressed = takesGzip && (from === 'gzip' || compresses);
      const isUntouched = name === 'compress' && (from === 'gzip' || !takesGzip);
      if (isUntouched) {
        expect(got.content.equals(Buffer.from(octets))).toBe(true);
        expect(got.transform).toMatchObject({ rule: 'test', applied: [], skipped: expect.any(String) });
        expect(got.values('etag')).toEqual(['"v1"']);
      } else {
        expect(got.coding).toBe(isCompressed ? 'gzip' : '');
        expect(got.text()).toBe(expected);
        const done = applied.filter((part) => part !== 'compress' || (takesGzip && from === 'identity'));
        expect(got.transform?.applied).toEqual(done);
        expect(got.values('etag')).toEqual([expect.stringMatching(/^W\/"v1~eh[0-9a-f]{8}s"$/)]);
        expect(['content-length', 'accept-ranges', 'content-md5', 'digest'].flatMap(got.values)).toEqual([]);
        expect(got.endRecord).toEqual({ outcome: 'complete', octetsBefore: Buffer.from(octets).length });
      }
      if (isCompressed || name === 'compress') expect(got.values('vary')).toEqual(['Accept-Encoding']);
    });
  });
});

describe('a transform leaves alone', () => {
  const given: Given = {
    html: [{ select: 'p', remove: true }],
    replace: [{ find: 'old', with: 'new' }],
    image: { width: 10 },
    compress: true,
  };
  test.each<[string, string | Buffer, string[], string]>([
    ['what says no-transform', page, [html, 'Cache-Control: max-age=5, no-transform'], 'no-transform'],
    ['a coding that it cannot undo', page, [html, 'Content-Encoding: br'], 'br'],
    ['two codings', page, [html, 'Content-Encoding: gzip, gzip'], 'gzip, gzip'],
    ['what is sent as it happens', 'data: old', ['Content-Type: text/event-stream'], 'as it happens'],
    ['what is no text', 'old', ['Content-Type: application/zip'], 'application/zip'],
    ['what has no type', 'old', [], 'of no type'],
    ['no content', '', [html], 'no content'],
    ['an image that is none', 'old', ['Content-Type: image/png'], 'Content-Type'],
    ['an image that is broken', png(20, 10).subarray(0, 60), ['Content-Type: image/png'], 'cannot change it'],
    ['an image that is another', png(20, 10), ['Content-Type: image/jpeg'], 'Content-Type'],
    ['an animation', animation, ['Content-Type: image/png'], 'animated'],
  ])('%s', async (_, content, lines, because) => {
    answersWith(content, ...lines, 'ETag: "v1"', 'Accept-Ranges: bytes');
    const got = await asked(given, gzipClient);
    expect(got.content.equals(Buffer.from(content))).toBe(true);
    expect([got.values('etag'), got.values('accept-ranges')]).toEqual([['"v1"'], ['bytes']]);
    expect(got.transform).toEqual({ rule: 'test', applied: [], skipped: expect.stringContaining(because) });
  });

  test('another charset than UTF-8, as far as texts go', async () => {
    answersWith('caf\u00e9 old', 'Content-Type: text/plain; charset=utf-16');
    expect((await asked({ replace: [{ find: 'old', with: 'new' }] })).transform).toMatchObject({ applied: [] });
  });

  test.each(['utf-16', 'no-such-charset'])('a page in %s', async (charset) => {
    answersWith(page, `Content-Type: text/html; charset=${charset}`);
    const got = await asked({ html: [{ select: 'p', remove: true }] });
    expect(got.text()).toBe(page);
    expect(got.transform).toMatchObject({ applied: [], skipped: expect.stringContaining('charset') });
  });

  test('a page, where the selector is none', async () => {
    answersWith(page, html);
    const got = await asked({ html: [{ select: 'a:has(b)', remove: true }], compress: true });
    expect([got.text(), got.transform?.skipped]).toEqual([page, expect.stringContaining('a:has(b)')]);
  });

  test('a request that says no-transform', async () => {
    answersWith(page, html);
    const got = await asked(given, [['Cache-Control', 'no-transform']]);
    expect([got.text(), got.transform?.applied]).toEqual([page, []]);
  });
});

describe('texts are replaced', () => {
  const replace: Given = { replace: [{ find: 'needle', with: 'pin' }], maxReplaceBytes: 1000 };
  const hay = 'hay '.repeat(200);

  test.each<[string, () => readonly (string | Buffer)[], boolean]>([
    ['in content of known length', () => sized(`${hay}needle`), true],
    ['in content of unknown length', () => chunked(['nee', 'dle', hay]), true],
    ['in pieces of one octet', () => chunked([...`a needle, a needl, a needle`]), true],
    ['not in what says it is larger', () => sized(`needle${hay}${hay}`), false],
    ['not in what turns out to be larger', () => chunked(['needle', hay, hay]), false],
    ['not in what turns out to be larger once it is decoded', () => zipped(`needle${hay}${hay}`), false],
    ['in what is small enough when it is decoded', () => zipped(`needle${hay}`), true],
  ])('%s', async (_, sends, isReplaced) => {
    answer = sends;
    const got = await asked(replace, gzipClient);
    expect([got.text().includes('pin'), got.text().includes('needle')]).toEqual([isReplaced, !isReplaced]);
    expect(got.transform?.applied).toEqual(isReplaced ? ['replace'] : []);
    if (!isReplaced) expect(got.transform?.skipped).toContain('maxReplaceBytes');
  });
});

const text = 'Content-Type: text/plain; charset=utf-8';
const sized = (content: string | Buffer, ...lines: string[]) => [
  message(['HTTP/1.1 200 OK', text, `Content-Length: ${content.length}`, ...lines]),
  content,
];
const zipped = (content: string) => sized(gzipSync(content), 'Content-Encoding: gzip');
const chunked = (pieces: readonly (string | Buffer)[], type = text) => [
  message(['HTTP/1.1 200 OK', type, 'Transfer-Encoding: chunked']),
  ...pieces.map((piece) => chunk(piece.toString('latin1'))),
  chunk(),
];

describe('a Content-Security-Policy lets what is injected pass, enforced and only reported', () => {
  test('in fields and in the page', async () => {
    const meta = `<meta http-equiv="Content-Security-Policy" content="script-src &#39;self&#39;">`;
    answersWith(page.replace('<head>', `<head>${meta}`), html, "Content-Security-Policy: default-src 'none'");
    const got = await asked({ inject: { script: 'x()' } });
    const hash = `'sha256-${createHash('sha256').update('x()').digest('base64')}'`;
    expect(got.values('content-security-policy')).toEqual([`default-src 'none'; script-src ${hash}`]);
    expect(got.text()).toContain(`content=" script-src 'self' ${hash}"`);
    expect(got.text()).toContain('<script>x()</script></head>');
  });
});

describe('content that comes to harm', () => {
  const given: Given = { html: [{ select: 'p', set: { class: 'x' } }], replace: [{ find: 'old', with: 'new' }] };
  const isHonest = (got: Awaited<ReturnType<typeof asked>>) =>
    (got.endRecord as { outcome: string } | undefined)?.outcome !== 'complete';

  test('is told as broken off where a tag ends in the middle and the origin with it', async () => {
    cuts = true;
    answer = () => [message(['HTTP/1.1 200 OK', html, 'Transfer-Encoding: chunked']), chunk('<p>old</p><p clas')];
    const got = await asked({ html: [{ select: 'p', set: { class: 'x' } }] }).finally(() => {
      cuts = false;
    });
    expect(isHonest(got)).toBe(true);
  });

  test('of known length, too', async () => {
    cuts = true;
    answer = () => [message(['HTTP/1.1 200 OK', html, 'Content-Length: 5000']), '<p>old</p><p clas'];
    const got = await asked({ html: [{ select: 'p', set: { class: 'x' } }] }).finally(() => {
      cuts = false;
    });
    expect(isHonest(got)).toBe(true);
  });

  const gzip = gzipSync(page.repeat(50));
  test.each([
    ['is no gzip', Buffer.from('this is no gzip')],
    ['is gzip that ends too early', gzip.subarray(0, gzip.length - 10)],
    ['is gzip with a wrong checksum', Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)])],
    ['is gzip with something behind it', Buffer.concat([gzip, Buffer.from('more')])],
  ])('that %s', async (_, octets) => {
    answersWith(octets, html, 'Content-Encoding: gzip');
    const got = await asked({ html: [{ select: 'p', set: { class: 'x' } }] });
    expect(got.endRecord).toMatchObject({ outcome: 'failed', error: { type: 'http_response_content_coding' } });
  });

  test('is refused where it must be whole first', async () => {
    answersWith(Buffer.from('this is no gzip'), html, 'Content-Encoding: gzip');
    const action = transformSchema.parse({ replace: [{ find: 'old', with: 'new' }] });
    const plan = { transform: [{ rule: 'test', action }] };
    const failure = failureOf(await exchange(edge.direct, envelopeFor(origin.url, { plan })));
    expect(failure.error.type).toBe('http_response_content_coding');
  });

  test('is no content at all, which is no gzip either', async () => {
    answer = () => [
      message(['HTTP/1.1 200 OK', html, 'Content-Encoding: gzip', 'Transfer-Encoding: chunked']),
      chunk(),
    ];
    const got = await asked({ html: [{ select: 'p', remove: true }] });
    expect([got.text(), got.endRecord]).toEqual(['', { outcome: 'complete', octetsBefore: 0 }]);
  });

  test('is a bomb of gzip: it ends before it is large', async () => {
    answersWith(gzipSync(Buffer.alloc(300_000_000, '>')), html, 'Content-Encoding: gzip');
    const got = await asked({ html: [{ select: 'p', remove: true }] });
    expect(got.endRecord).toMatchObject({ outcome: 'failed', error: { type: 'http_response_content_coding' } });
    expect(got.content.length).toBeLessThan(80_000_000);
  });

  test.each([
    ['an attribute of a megabyte', `<p a="${'x'.repeat(1_000_000)}">old</p>`],
    ['a page in octets', page],
  ])('is whole with %s', async (name, content) => {
    answer = () => chunked(name === 'a page in octets' ? [...content] : [content], html);
    const got = await asked({ ...given, maxReplaceBytes: 4_000_000 });
    expect(got.text()).toContain('new</p>');
    expect(got.text()).toContain('class="x"');
    expect(got.endRecord).toEqual({ outcome: 'complete', octetsBefore: content.length });
  });

  test('has a tag without an end', async () => {
    const endless = Array.from({ length: 10 }, () => 'x'.repeat(1024 * 1024));
    answer = () => chunked(['<p a="', ...endless], html);
    const got = await asked({ html: [{ select: 'p', remove: true }] });
    expect(got.endRecord).toMatchObject({ outcome: 'failed', error: { type: 'proxy_internal_error', status: 502 } });
  });
});

test('an origin knows its own tags again', async () => {
  answersWith(page, html, 'ETag: W/"v1"');
  const given: Given = { html: [{ select: 'p', remove: true }] };
  const tag = (await asked(given)).values('etag')[0] as string;
  answer = () => [message(['HTTP/1.1 304 Not Modified', 'ETag: W/"v1"'])];
  const got = await asked(given, [['If-None-Match', `"other", ${tag}`]]);
  expect(last().values('if-none-match')).toEqual(['"other", W/"v1"']);
  expect([got.head.status, got.values('etag')]).toEqual([304, [tag]]);
  const another = await asked(
    {
      html: [
        { select: 'p', remove: true },
        { select: 'a', remove: true },
      ],
    },
    [['If-None-Match', tag]],
  );
  expect(last().values('if-none-match')).toEqual([tag]);
  expect(another.values('etag')).toEqual(['W/"v1"']);
});

test('an image passes where the edge has no Images binding', async () => {
  await using deployed = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}` });
  answersWith(png(20, 10), 'Content-Type: image/png');
  const action = transformSchema.parse({ image: { width: 10 } });
  const plan = { transform: [{ rule: 'test', action }] };
  const reply = await exchange(deployed.direct, envelopeFor('http://origin.example/', { plan }));
  expect(responseOf(reply).transform).toMatchObject({ applied: [], skipped: 'the edge has no Images binding' });
  expect(reply.content.equals(png(20, 10))).toBe(true);
});
