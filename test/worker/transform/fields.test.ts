// The fields of changed content say nothing of the octets that came.
import { expect, test } from 'vitest';
import { changedFields, changedTrailers, withVary } from '../../../worker/transform/fields.ts';

test('what speaks of octets goes, the tag becomes weak, the coding is told', () => {
  const fields = [
    ['Content-Length', '5'],
    ['Accept-Ranges', 'bytes'],
    ['Content-MD5', 'x'],
    ['Digest', 'x'],
    ['Content-Digest', 'x'],
    ['Repr-Digest', 'x'],
    ['Content-Encoding', 'gzip'],
    ['Content-Type', 'image/png'],
    ['ETag', '"a"'],
    ['Last-Modified', 'then'],
  ] as const;
  const change = { transformId: '00000000', coding: 'identity', varies: [] } as const;
  expect(changedFields(fields, change)).toEqual([
    ['Content-Type', 'image/png'],
    ['Last-Modified', 'then'],
    ['ETag', 'W/"a~eh00000000s"'],
  ]);
  expect(changedFields(fields, { ...change, coding: 'gzip', type: 'image/webp', varies: ['Accept'] })).toEqual([
    ['Last-Modified', 'then'],
    ['ETag', 'W/"a~eh00000000s"'],
    ['Content-Encoding', 'gzip'],
    ['Content-Type', 'image/webp'],
    ['Vary', 'Accept'],
  ]);
});

test('Vary names each field once', () => {
  expect(withVary([['Vary', 'accept, Origin']], ['Accept', 'Accept-Encoding'])).toEqual([
    ['Vary', 'accept, Origin'],
    ['Vary', 'Accept-Encoding'],
  ]);
  expect(withVary([['Vary', '*']], ['Accept'])).toEqual([['Vary', '*']]);
});

test('of trailers those that sum octets up go', () => {
  expect(
    changedTrailers([
      ['Repr-Digest', 'x'],
      ['Server-Timing', 'a'],
    ]),
  ).toEqual([['Server-Timing', 'a']]);
});
