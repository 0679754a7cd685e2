// What of a transform a response takes: a table of heads.
import { describe, expect, test } from 'vitest';
import { transform } from '../../../schemas/transform.ts';
import { acceptsGzip, treatmentOf } from '../../../worker/transform/treatment.ts';

const everything = transform.parse({
  html: [{ select: 'p', remove: true }],
  replace: [{ find: 'a', with: 'b' }],
  image: { format: 'auto' },
  compress: true,
});
const gzip = [['Accept-Encoding', 'gzip']] as const;

function judged(
  fields: Record<string, string>,
  { status = 200, octets = 5_000, asked = gzip as readonly (readonly [string, string])[] } = {},
) {
  return treatmentOf(everything, { fields: asked }, { status, fields: Object.entries(fields) }, octets);
}

describe('by type', () => {
  test.each([
    ['text/html', { html: true, replace: true, compress: true }],
    ['TEXT/HTML; charset="UTF-8"', { html: true, replace: true, compress: true }],
    ['text/html; charset=iso-8859-1', { html: true, replace: false, compress: true }],
    ['application/json', { html: false, replace: true, compress: true }],
    ['application/ld+json', { html: false, replace: true, compress: true }],
    ['application/xhtml+xml', { html: false, replace: true, compress: true }],
    ['application/wasm', { html: false, replace: false, compress: true }],
    ['image/svg+xml', { html: false, replace: true, compress: true }],
  ])('%s', (type, expected) => {
    expect(judged({ 'content-type': type })).toMatchObject({ kind: 'text', from: 'identity', to: 'gzip', ...expected });
  });

  test.each(['application/zip', 'video/mp4', 'image/gif', 'font/woff2'])('nothing of %s', (type) => {
    expect(judged({ 'content-type': type })).toMatchObject({ kind: 'pass', because: expect.stringContaining(type) });
  });
});

describe('nothing', () => {
  test.each<[string, Record<string, string>, Parameters<typeof judged>[1]]>([
    ['of 204', {}, { status: 204 }],
    ['of 304', {}, { status: 304 }],
    ['of a part', { 'content-range': 'bytes 0-1/2' }, { status: 206 }],
    ['of no content', {}, { octets: 0 }],
    ['where the response forbids it', { 'cache-control': 'public, No-Transform' }, {}],
    ['where the request forbids it', {}, { asked: [['Cache-Control', 'no-transform']] }],
    ['of br', { 'content-encoding': 'br' }, {}],
    ['of gzip in gzip', { 'content-encoding': 'gzip, gzip' }, {}],
  ])('%s', (_, fields, options) => {
    expect(judged({ 'content-type': 'text/html', ...fields }, options).kind).toBe('pass');
  });
});

describe('an image becomes what the client names', () => {
  test.each([
    ['image/avif,image/webp,*/*', 'image/avif'],
    ['image/webp', 'image/webp'],
    ['image/avif;q=0, image/webp', 'image/webp'],
    ['image/*, */*;q=0.8', 'image/png'],
    ['', 'image/png'],
  ])('%s', (accept, to) => {
    const asked = [['Accept', accept]] as const;
    expect(judged({ 'content-type': 'image/png' }, { asked })).toMatchObject({ kind: 'image', to, varies: ['Accept'] });
  });
});

test.each([
  ['gzip', true],
  ['X-GZIP', true],
  ['br, *', true],
  ['gzip;q=0, *', false],
  ['gzip; q=0.001', true],
  ['br', false],
  ['', false],
])('Accept-Encoding: %s', (value, expected) => {
  expect(acceptsGzip([['Accept-Encoding', value]])).toBe(expected);
});
