// Fetching a list: hops judged, versions said, and no octet more than a list may have.
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createListFetch, type ListRequest } from '../../../agent/lists/list-fetch.ts';
import type { UpstreamAnswer, UpstreamRequest } from '../../../agent/proxy/ports.ts';
import type { Fields } from '../../../http/fields.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { contentOf, limits } from '../../support/walk.ts';

interface Answer {
  readonly status?: number;
  readonly fields?: Fields;
  readonly content?: readonly (string | Buffer)[];
  readonly ending?: 'end' | 'open' | ProxyError;
}

test('the text of a list is written as it comes, with what is said of its version before it', async () => {
  const fetched = await fetchList({
    'https://lists.example/a?b=c': {
      fields: [
        ['ETag', '"1"'],
        ['Last-Modified', 'yesterday'],
      ],
      content: ['ads.', 'example\n'],
    },
  });
  expect(fetched.result).toEqual({ kind: 'fetched' });
  expect(fetched.told).toEqual([{ etag: '"1"', lastModified: 'yesterday' }, 'ads.', 'example\n']);
  expect(fetched.judged).toEqual(['https lists.example:443']);
});

test('a copy that is there is asked for by its version, and 304 says that it is the last one', async () => {
  const { result, asked, told } = await fetchList(
    { 'https://lists.example/a?b=c': { status: 304 } },
    { validators: { etag: '"1"', lastModified: 'yesterday' } },
  );
  expect(result).toEqual({ kind: 'unchanged' });
  expect(asked[0]?.fields).toContainEqual(['If-None-Match', '"1"']);
  expect(asked[0]?.fields).toContainEqual(['If-Modified-Since', 'yesterday']);
  expect(told).toEqual([]);
});

test('redirects are followed, and each hop is judged', async () => {
  const { result, judged } = await fetchList({
    'https://lists.example/a?b=c': { status: 302, fields: [['Location', '/d']] },
    'https://lists.example/d': { status: 307, fields: [['Location', 'https://cdn.example:8443/e']] },
    'https://cdn.example:8443/e': { content: ['ads.example\n'] },
  });
  expect(result).toEqual({ kind: 'fetched' });
  expect(judged).toEqual(['https lists.example:443', 'https lists.example:443', 'https cdn.example:8443']);
});

test('C09 a redirect to a destination that is not admitted is not followed', async () => {
  const { result, asked } = await fetchList({
    'https://lists.example/a?b=c': { status: 301, fields: [['Location', 'https://private.example/']] },
  });
  expect(result).toEqual({ kind: 'failed', because: 'edgehop does not go to this destination: private' });
  expect(asked.map(({ origin }) => origin)).toEqual(['https://lists.example']);
});

test.each([
  ['to another scheme', 'ftp://lists.example/', 'its source leads to something that is no http or https URL'],
  ['from https to http', 'http://lists.example/', 'its source leads from https to http'],
  ['in a circle', '/a?b=c', 'its source leads on more than 5 times'],
])('a redirect %s fails', async (_what, location, because) => {
  const { result } = await fetchList({
    'https://lists.example/a?b=c': { status: 302, fields: [['Location', location]] },
  });
  expect(result).toEqual({ kind: 'failed', because });
});

test('a length that is too large is refused before any content', async () => {
  const { result, told, wasCancelled } = await fetchList(
    { 'https://lists.example/a?b=c': { fields: [['Content-Length', '1073741824']], content: ['never'] } },
    { maxBytes: 1_000 },
  );
  expect(result).toEqual({ kind: 'failed', because: 'it is larger than its maxBytes, 1000' });
  expect(told).toEqual([]);
  expect(wasCancelled).toBe(true);
});

test('content that turns out to be too large is broken off, and none of the excess is written', async () => {
  const { result, told, wasCancelled } = await fetchList(
    { 'https://lists.example/a?b=c': { content: ['x'.repeat(600), 'x'.repeat(600), 'x'.repeat(600)], ending: 'open' } },
    { maxBytes: 1_000 },
  );
  expect(result).toEqual({ kind: 'failed', because: 'it is larger than its maxBytes, 1000' });
  expect(told.slice(1).join('').length).toBeLessThanOrEqual(1_000);
  expect(wasCancelled).toBe(true);
});

test('gzip is decoded', async () => {
  const { result, told } = await fetchList({
    'https://lists.example/a?b=c': {
      fields: [['Content-Encoding', 'gzip']],
      content: [gzipSync('ads.example\n'.repeat(1_000))],
    },
  });
  expect(result).toEqual({ kind: 'fetched' });
  expect(told.slice(1).join('')).toBe('ads.example\n'.repeat(1_000));
});

test('B09 gzip of far more text than a list may have is broken off at its bound', async () => {
  const { result, told } = await fetchList(
    {
      'https://lists.example/a?b=c': {
        fields: [['Content-Encoding', 'gzip']],
        content: [gzipSync(Buffer.alloc(50_000_000))],
        ending: 'open',
      },
    },
    { maxBytes: 100_000 },
  );
  expect(result).toEqual({ kind: 'failed', because: 'it is larger than its maxBytes, 100000' });
  expect(told.slice(1).join('').length).toBeLessThanOrEqual(100_000);
});

test.each([
  ['another status', { status: 404 }, 'its source answered 404'],
  [
    'another coding',
    { fields: [['Content-Encoding', 'br']] },
    'its source gives it in a coding that was not asked for',
  ],
  [
    'gzip that is none',
    { fields: [['Content-Encoding', 'gzip']], content: ['ads.example\n'] },
    'its content is broken',
  ],
  [
    'content that is cut off',
    { content: ['ads'], ending: new ProxyError('http_response_incomplete', 'The content stopped before its end.') },
    'the content stopped before its end',
  ],
] as const)('%s fails', async (_what, answer, because) => {
  expect((await fetchList({ 'https://lists.example/a?b=c': answer })).result).toEqual({ kind: 'failed', because });
});

test('a source that cannot be reached fails with what is known of it', async () => {
  expect((await fetchList({})).result).toEqual({ kind: 'failed', because: 'the connection was refused' });
});

test('a fetch that is given up cancels what is on its way', async () => {
  const controller = new AbortController();
  const fetching = fetchList(
    { 'https://lists.example/a?b=c': { content: ['ads.'], ending: 'open' } },
    { signal: controller.signal, onWrite: () => controller.abort() },
  );
  expect((await fetching).result).toMatchObject({ kind: 'failed' });
  expect((await fetching).wasCancelled).toBe(true);
});

async function fetchList(
  answers: Readonly<Record<string, Answer>>,
  parts: Partial<ListRequest> & { readonly onWrite?: () => void } = {},
) {
  const told: unknown[] = [];
  const judged: string[] = [];
  const asked: UpstreamRequest[] = [];
  const contents: { readonly wasCancelled: boolean }[] = [];
  const fetch = createListFetch({
    limits,
    judge: ({ scheme, host, port }) => {
      judged.push(`${scheme} ${host}:${port}`);
      if (host !== 'private.example') return { kind: 'admitted' };
      const error = new ProxyError('destination_ip_prohibited', 'edgehop does not go to this destination: private.');
      return { kind: 'refused', error };
    },
    client: {
      close: async () => undefined,
      send: async (request): Promise<UpstreamAnswer> => {
        asked.push(request);
        const answer = answers[`${request.origin}${request.path}`];
        if (answer === undefined) {
          const error = new ProxyError('connection_refused', 'The connection was refused.');
          return { kind: 'failed', error, progress: 'unsent' };
        }
        const { status = 200, fields = [], content = [], ending } = answer;
        const length = fields.find(([name]) => name === 'Content-Length')?.[1];
        const source = contentOf(content, ending);
        contents.push(source);
        return {
          kind: 'response',
          status,
          reason: '',
          fields,
          octets: length === undefined ? undefined : Number(length),
          content: source,
          address: undefined,
        };
      },
    },
  });
  const { onWrite, ...request } = parts;
  const result = await fetch({
    url: 'https://lists.example/a?b=c',
    validators: {},
    maxBytes: 1_000_000,
    begin: async (validators) => void told.push(validators),
    write: async (octets) => {
      told.push(octets.toString());
      onWrite?.();
    },
    signal: new AbortController().signal,
    ...request,
  });
  return { result, told, judged, asked, wasCancelled: contents.at(-1)?.wasCancelled };
}
