// What Cache-Control says: strict where it allows, lenient where it forbids. RFC 9111 5.2, RFC 9213.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCacheControl, requestDirectives, responseDirectives } from '../../http/cache-control.ts';
import type { Field } from '../../http/fields.ts';

const of = (...lines: string[]) => parseCacheControl(lines.map((line): Field => ['Cache-Control', line]));
const infinite = Number.POSITIVE_INFINITY;

test('every directive has its place', () => {
  expect(
    of('public, No-Store, max-age=1,S-MAXAGE=2 , must-revalidate, proxy-revalidate', 'must-understand, no-transform'),
  ).toMatchObject({
    public: true,
    noStore: true,
    maxAgeSeconds: 1,
    sharedMaxAgeSeconds: 2,
    mustRevalidate: true,
    proxyRevalidate: true,
    mustUnderstand: true,
    noTransform: true,
    immutable: false,
  });
  expect(
    of('immutable, only-if-cached, min-fresh=3, max-stale=4, stale-while-revalidate=5, stale-if-error=6'),
  ).toMatchObject({
    immutable: true,
    onlyIfCached: true,
    minFreshSeconds: 3,
    maxStaleSeconds: 4,
    staleWhileRevalidateSeconds: 5,
    staleIfErrorSeconds: 6,
    noStore: false,
  });
});

test('nothing is said where there is no field, or an empty one', () => {
  for (const directives of [of(), of(''), of(' , ,')]) {
    expect(directives).toMatchObject({
      noStore: false,
      noCache: { kind: 'absent' },
      private: { kind: 'absent' },
      proxyRevalidate: false,
      public: false,
      maxAgeSeconds: undefined,
      maxStaleSeconds: undefined,
      staleIfErrorSeconds: undefined,
    });
  }
});

test.each([
  ['an extension beside', 'foobar, max-age=3600', 3600],
  ['a quoted argument', 'max-age="3600"', 3600],
  ['a quoted argument with an escape', 'max-age="3\\600"', 3600],
  ['leading zeros', 'max-age=003600', 3600],
  ['2^31 - 1', 'max-age=2147483647', 2147483647],
  ['RFC 9111 1.2.2: 2^31', 'max-age=2147483648', 2147483648],
  ['RFC 9111 1.2.2: more than 2^31', 'max-age=99999999999', 2147483648],
  ['more digits than a number holds', `max-age=${'9'.repeat(400)}`, 2147483648],
  ['RFC 9111 4.2.1: the strictest of several', 'max-age=1800, max-age=1', 1],
  ['the strictest, whatever the order', 'max-age=1, max-age=1800', 1],
  ['one in a quoted string before it', 'extension="max-age=3600", max-age=1', 1],
  ['one in a quoted string behind it', 'max-age=1, extension="max-age=3600"', 1],
  ['E12: a space before the sign', 'max-age =3600', 0],
  ['E12: a space behind the sign', 'max-age= 3600', 0],
  ['E12: single quotes', "max-age='3600'", 0],
  ['E12: a minus', 'max-age=-3600', 0],
  ['E12: a plus', 'max-age=+3600', 0],
  ['E12: a fraction', 'max-age=3600.5', 0],
  ['E12: an exponent', 'max-age=1e3', 0],
  ['E12: hexadecimal', 'max-age=0x10', 0],
  ['E12: letters behind', 'max-age=3600a', 0],
  ['E12: nothing', 'max-age=', 0],
  ['E12: no argument', 'max-age', 0],
  ['E12: an empty string', 'max-age=""', 0],
  ['E12: an open quote', 'max-age="3600', 0],
  ['E12: one good and one bad', 'max-age=3600, max-age=x', 0],
  ['E12: a semicolon', 'max-age=3600; foo', 0],
  ['E12: another one behind an open quote', 'foo="bar, max-age=3600', 0],
])('max-age with %s', (_, line, seconds) => {
  expect(of(line).maxAgeSeconds).toBe(seconds);
});

test('several lines are one list', () => {
  expect(of('max-age=1800', 'max-age=1').maxAgeSeconds).toBe(1);
  expect(of('foo="bar', 'no-store').noStore).toBe(true);
});

test.each([
  'private; max-age=3600',
  'max-age=3600; private',
  'max-age=3600;private',
  'private max-age=3600',
  'foo="bar, private',
  'private =x',
  'PRIVATE:',
  'private="',
  'private="a b"',
  'private=""',
  'private',
  'private="x", private',
])('E12: %s is private', (line) => {
  expect(of(line).private).toEqual({ kind: 'whole' });
});

test('E12: what is malformed allows nothing', () => {
  const directives = of(
    'x; public; must-understand; immutable; only-if-cached; must-revalidate; max-stale; stale-if-error=5',
  );
  expect(directives).toMatchObject({
    public: false,
    mustUnderstand: false,
    immutable: false,
    onlyIfCached: false,
    mustRevalidate: false,
    proxyRevalidate: true,
    maxStaleSeconds: 0,
    staleIfErrorSeconds: 0,
  });
});

test('a restriction with an argument that it does not have still restricts', () => {
  expect(of('no-store=0').noStore).toBe(true);
  expect(of('no-store="x"').noStore).toBe(true);
});

test.each([
  ['no-cache="A"', ['a']],
  ['no-cache="A, b , c"', ['a', 'b', 'c']],
  ['no-cache=Set-Cookie', ['set-cookie']],
  ['no-cache="a", no-cache="b"', ['a', 'b']],
])('RFC 9111 5.2.2.4: %s names fields', (line, names) => {
  expect(of(line).noCache).toEqual({ kind: 'fields', names });
});

test.each([
  ['max-stale', infinite],
  ['max-stale=5', 5],
  ['max-stale, max-stale=5', 5],
  ['max-stale=x', 0],
])('RFC 9111 5.2.1.2: %s', (line, seconds) => {
  expect(of(line).maxStaleSeconds).toBe(seconds);
});

test.each([
  ['min-fresh=5', 5],
  ['min-fresh=5, min-fresh=50', 50],
  ['min-fresh=x', infinite],
])('RFC 9111 5.2.1.3: %s', (line, seconds) => {
  expect(of(line).minFreshSeconds).toBe(seconds);
});

describe('Pragma in requests, RFC 9111 5.4', () => {
  test('counts where there is no Cache-Control', () => {
    expect(requestDirectives([['Pragma', 'x, No-Cache']]).noCache).toEqual({ kind: 'whole' });
  });

  test('does not count beside Cache-Control', () => {
    const fields: Field[] = [
      ['Pragma', 'no-cache'],
      ['Cache-Control', ''],
    ];
    expect(requestDirectives(fields).noCache).toEqual({ kind: 'absent' });
  });

  test.each(['unrecognised-extension', 'no-store, max-age=0', 'no-cache-please'])('%s says nothing', (pragma) => {
    expect(requestDirectives([['Pragma', pragma]])).toEqual(of());
  });

  test('says nothing in a response', () => {
    expect(responseDirectives([['Pragma', 'no-cache']]).noCache).toEqual({ kind: 'absent' });
  });
});

describe('targeted fields, RFC 9213', () => {
  const targeted = (value: string, ...more: Field[]) =>
    responseDirectives([['CDN-Cache-Control', value], ['Cache-Control', 'no-store'], ...more]);

  test('the first that is present counts alone', () => {
    expect(targeted('max-age=60')).toMatchObject({ from: 'cdn-cache-control', maxAgeSeconds: 60, noStore: false });
    expect(targeted('max-age=60', ['Edgehop-Cache-Control', 'max-age=5'])).toMatchObject({
      from: 'edgehop-cache-control',
      maxAgeSeconds: 5,
    });
    expect(responseDirectives([['Cache-Control', 'max-age=1']])).toMatchObject({
      from: 'cache-control',
      maxAgeSeconds: 1,
    });
  });

  test.each([
    ['an extension', 'foobar, max-age=60', 60],
    ['a large number', 'max-age=99999999999', 2147483648],
    ['the last of several, as structured fields have it', 'max-age=1, max-age=60', 60],
    ['a negative number', 'max-age=-5', 0],
    ['a parameter', 'max-age=60;x=1', 60],
  ])('%s is read', (_, value, maxAgeSeconds) => {
    expect(targeted(value)).toMatchObject({ from: 'cdn-cache-control', maxAgeSeconds });
  });

  test('restrictions are read', () => {
    expect(targeted('private, no-cache, must-revalidate')).toMatchObject({
      private: { kind: 'whole' },
      noCache: { kind: 'whole' },
      mustRevalidate: true,
    });
    expect(targeted('private="set-cookie"').private).toEqual({ kind: 'fields', names: ['set-cookie'] });
    expect(targeted('no-store, max-age=5').noStore).toBe(true);
    expect(targeted('no-store=?0, max-age=5').noStore).toBe(false);
  });

  test.each([
    ['nothing', ''],
    ['malformed', 'max-age=10000, &&&&&'],
    ['a space before the sign', 'max-age =100'],
    ['a space behind the sign', 'max-age= 100'],
    ['an upper-case key', 'MaX-aGe=3600'],
    ['a string where a number belongs', 'max-age="10000"'],
    ['a fraction', 'max-age=1.5'],
    ['no argument', 's-maxage'],
  ])('%s: the field is as if it were not there', (_, value) => {
    expect(targeted(value)).toMatchObject({ from: 'cache-control', noStore: true, maxAgeSeconds: undefined });
  });
});

test('nothing that is added to a field lifts a restriction, or makes a lifetime longer', () => {
  const line = fc.string({ unit: fc.constantFrom(...'abz01-=", ;\\', 'private', 'max-age=', 'public', 'no-store') });
  fc.assert(
    fc.property(line, line, (before, behind) => {
      const directives = of(before, 'no-store, private, max-age=5', behind);
      expect(directives.noStore).toBe(true);
      expect(directives.private).toEqual({ kind: 'whole' });
      expect(directives.maxAgeSeconds).toBeLessThanOrEqual(5);
    }),
  );
});
