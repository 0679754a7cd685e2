// Ranges, as they are asked for and as they come.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  askedRange,
  holdsWhatIsAsked,
  ifRangeHolds,
  maxRanges,
  parseContentRange,
  partOf,
  type RangeSpec,
  slicesOf,
} from '../../../http/caching/range.ts';
import { dateBefore, requestWith, responseWith, storedWith } from '../../support/stored.ts';

/** What comes of a Range for a content of ten octets: `first-last` each, `416`, or `whole`. */
function slicesFor(value: string, completeOctets = 10): string {
  const asked = askedRange(requestWith([`Range: ${value}`]));
  if (asked.kind === 'whole') return 'whole';
  const slices = slicesOf(asked.ranges, completeOctets);
  return slices.length === 0 ? '416' : slices.map(({ first, last }) => `${first}-${last}`).join();
}

describe('the slices that a Range asks for (RFC 9110 14.1.2)', () => {
  test.each([
    ['bytes=0-0', '0-0'],
    ['bytes=0-1', '0-1'],
    ['bytes=1-', '1-9'],
    ['bytes=-1', '9-9'],
    ['bytes=-10', '0-9'],
    ['bytes=-99', '0-9'],
    ['bytes=5-99', '5-9'],
    ['BYTES=0-1', '0-1'],
    ['bytes=10-', '416'],
    ['bytes=10-20', '416'],
    ['bytes=-0', '416'],
    ['bytes=0-99999999999999999999999999', '0-9'],
    ['bytes=99999999999999999999999999-', '416'],
    ['bytes=0-0,9-9', '0-0,9-9'],
    ['bytes=9-9 , 0-0', '9-9,0-0'], // in the order asked for
    ['bytes=0-0,,2-2', '0-0,2-2'],
    ['bytes=0-0,20-30', '0-0'],
    ['bytes=0-4,3-6', '0-6'],
    ['bytes=0-4,5-6', '0-6'],
    ['bytes=5-6,0-4', '0-6'],
    ['bytes=7-8,0-4', '7-8,0-4'],
    ['bytes=6-7,0-4', '6-7,0-4'],
    [`bytes=${Array.from({ length: maxRanges }, () => '0-0').join()}`, '0-0'],
    ['bytes=0-1,8-9,1-8', '0-9'],
    ['bytes=0-,0-,0-,0-', '0-9'],
  ])('%s: %s', (value, slices) => {
    expect(slicesFor(value)).toBe(slices);
  });

  test.each([
    'bytes=',
    'bytes',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'bytes=2-1',
    'bytes=0-1,2-1',
    'bytes=0x1-2',
    'bytes=+1-2',
    'bytes=1-2-3',
    'bytes =0-1',
    'bytes= 0 - 1',
    'lines=0-1',
    'bytes=0-1;q',
    `bytes=${Array.from({ length: maxRanges + 1 }, (_, i) => `${i}-${i}`).join()}`,
  ])('%s is ignored (RFC 9110 14.2)', (value) => {
    expect(slicesFor(value)).toBe('whole');
  });

  test('nothing of an empty content can be satisfied', () => {
    expect(slicesFor('bytes=0-', 0)).toBe('416');
    expect(slicesFor('bytes=-5', 0)).toBe('416');
  });

  test('two Range lines, and the Range of another method, are ignored', () => {
    expect(askedRange(requestWith(['Range: bytes=0-0', 'Range: bytes=0-0']))).toEqual({ kind: 'whole' });
    expect(askedRange(requestWith(['Range: bytes=0-0'], 'HEAD'))).toEqual({ kind: 'whole' });
    expect(askedRange(requestWith([]))).toEqual({ kind: 'whole' });
  });

  test('slices hold exactly the octets asked for, each once', () => {
    const place = fc.nat(30);
    const spec: fc.Arbitrary<RangeSpec> = fc.oneof(
      fc.record({ kind: fc.constant('suffix' as const), octets: place }),
      fc.record({ kind: fc.constant('from' as const), first: place, last: fc.constant(undefined) }),
      fc.tuple(place, place).map(([first, more]) => ({ kind: 'from' as const, first, last: first + more })),
    );
    fc.assert(
      fc.property(fc.array(spec, { maxLength: 8 }), fc.nat(25), (ranges, completeOctets) => {
        const places = Array.from({ length: completeOctets }, (_, i) => i);
        const asked = places.filter((at) =>
          ranges.some((range) =>
            range.kind === 'suffix'
              ? at >= completeOctets - range.octets
              : at >= range.first && at <= (range.last ?? completeOctets),
          ),
        );
        const slices = slicesOf(ranges, completeOctets);
        const held = slices.flatMap(({ first, last }) => places.slice(first, last + 1));
        expect([...held].sort((a, b) => a - b)).toEqual(asked);
      }),
    );
  });
});

describe('If-Range (RFC 9110 13.1.5)', () => {
  const strong = ['ETag: "a"', `Last-Modified: ${dateBefore(100)}`, `Date: ${dateBefore(10)}`];
  test.each([
    ['"a"', strong, true],
    ['"b"', strong, false],
    ['W/"a"', strong, false],
    ['W/"a"', ['ETag: W/"a"'], false],
    ['a', ['ETag: a'], false],
    [dateBefore(100), strong, true],
    [dateBefore(99), strong, false], // exactly, not at least
    [dateBefore(100), [`Last-Modified: ${dateBefore(100)}`, `Date: ${dateBefore(100)}`], false],
    [dateBefore(100), [`Last-Modified: ${dateBefore(100)}`], false],
    ['', strong, false],
    ['*', strong, false],
  ])('%s of %j holds: %s', (value, lines, holds) => {
    expect(ifRangeHolds(requestWith([`If-Range: ${value}`]), storedWith(lines))).toBe(holds);
  });

  test('none holds always, two never', () => {
    expect(ifRangeHolds(requestWith([]), storedWith())).toBe(true);
    expect(ifRangeHolds(requestWith(['If-Range: "a"', 'If-Range: "a"']), storedWith(strong))).toBe(false);
  });
});

test.each([
  [['Range: bytes=20-29'], true],
  [['Range: bytes=25-25,28-29'], true],
  [['Range: bytes=19-29'], false],
  [['Range: bytes=20-30'], false],
  [['Range: bytes=20-'], false],
  [['Range: bytes=-5'], false],
  [['Range: bytes=200-'], false],
  [[], false],
  [['Range: bytes=20-29', 'If-Range: "other"'], false],
])('RFC 9111 3.3: the octets 20 to 29 of 100 are enough for %j: %s', (lines, isEnough) => {
  expect(holdsWhatIsAsked(requestWith(lines), storedWith(['ETag: "a"'], 10, 20))).toBe(isEnough);
});

test('RFC 9111 3.3: a part at the end answers a suffix, and no part answers HEAD', () => {
  const end = storedWith([], 10, 90);
  expect(holdsWhatIsAsked(requestWith(['Range: bytes=-5']), end)).toBe(true);
  expect(holdsWhatIsAsked(requestWith(['Range: bytes=-5'], 'HEAD'), end)).toBe(false);
  expect(holdsWhatIsAsked(requestWith([], 'HEAD'), storedWith())).toBe(true);
});

test.each([
  ['bytes 0-9/10', { kind: 'satisfied', first: 0, last: 9, completeOctets: 10 }],
  ['Bytes 4-9/*', { kind: 'satisfied', first: 4, last: 9, completeOctets: undefined }],
  ['bytes 0-0/1', { kind: 'satisfied', first: 0, last: 0, completeOctets: 1 }],
  ['bytes */10', { kind: 'unsatisfied', completeOctets: 10 }],
  ['bytes 0-10/10', undefined],
  ['bytes 5-4/10', undefined],
  ['bytes */*', undefined],
  ['bytes 0-9', undefined],
  ['bytes -9/10', undefined],
  ['bytes=0-9/10', undefined],
  ['lines 0-9/10', undefined],
  ['bytes 0-9/10, bytes 0-9/10', undefined],
  ['bytes 0-9/99999999999999999999', undefined],
])('RFC 9110 14.4: Content-Range: %s', (value, range) => {
  expect(parseContentRange(value)).toEqual(range);
});

describe('the part that a 206 carries (RFC 9111 3.3)', () => {
  const part = (status: number, ...lines: string[]) => partOf(responseWith(status, lines));

  test('is known by its first octet and the whole', () => {
    const expected = { first: 20, completeOctets: 100 };
    expect(part(206, 'Content-Range: bytes 20-29/100')).toEqual(expected);
    expect(part(206, 'Content-Range: bytes 20-29/100', 'Content-Length: 10')).toEqual(expected);
  });

  test.each([
    ['a multipart', 206, ['Content-Type: multipart/byteranges; boundary=x']],
    ['of a whole that nobody knows', 206, ['Content-Range: bytes 20-29/*']],
    ['of nothing', 206, ['Content-Range: bytes */100']],
    ['said twice', 206, ['Content-Range: bytes 20-29/100', 'Content-Range: bytes 20-29/100']],
    ['of a 200', 200, ['Content-Range: bytes 20-29/100']],
    ['longer than it says', 206, ['Content-Range: bytes 20-29/100', 'Content-Length: 11']],
    ['shorter than it says', 206, ['Content-Range: bytes 20-29/100', 'Content-Length: 9']],
  ])('%s: none', (_, status, lines) => {
    expect(part(status, ...lines)).toBeUndefined();
  });

  test('partial-store-partial-reuse-partial: an end counted wrong is where the content ends', () => {
    const wrong = ['Content-Range: bytes 4-9/10', 'Content-Length: 5'];
    expect(part(206, ...wrong)).toEqual({ first: 4, completeOctets: 9 });
    expect(part(206, 'ETag: "a"', ...wrong)).toBeUndefined();
    expect(part(206, 'Content-Range: bytes 4-9/10', 'Content-Length: 0')).toBeUndefined();
    expect(part(206, 'Content-Range: bytes 0-9/10', 'Content-Length: 5')).toBeUndefined();
  });
});
