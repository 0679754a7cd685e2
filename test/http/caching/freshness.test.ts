// How long a response is fresh, and how old it is. RFC 9111 4.2.
import { describe, expect, test } from 'vitest';
import {
  ageSeconds,
  currentAgeMs,
  freshnessLifetime,
  freshnessLifetimeMs,
  ttlSeconds,
} from '../../../http/caching/freshness.ts';
import type { CacheResponse } from '../../../http/caching/stored.ts';
import type { Field } from '../../../http/fields.ts';
import { formatHttpDate } from '../../../http/http-date.ts';

const now = Date.UTC(2026, 10, 21, 12);
const at = (seconds: number) => formatHttpDate(now + seconds * 1000);
const day = 86_400;

function response(fields: readonly Field[], more: Partial<CacheResponse> = {}): CacheResponse {
  return { status: 200, reason: 'OK', fields, requestTime: now, responseTime: now, ...more };
}

describe('freshness lifetime, RFC 9111 4.2.1', () => {
  test.each<[string, Field[], string, number]>([
    [
      's-maxage before max-age',
      [
        ['Cache-Control', 'max-age=1, s-maxage=5'],
        ['Expires', at(9)],
      ],
      's-maxage',
      5,
    ],
    [
      'max-age before Expires',
      [
        ['Cache-Control', 'max-age=7'],
        ['Expires', at(-9)],
        ['Date', at(0)],
      ],
      'max-age',
      7,
    ],
    [
      'max-age before an invalid Expires',
      [
        ['Cache-Control', 'max-age=7'],
        ['Expires', '0'],
      ],
      'max-age',
      7,
    ],
    [
      'a max-age of 0 before Expires',
      [
        ['Cache-Control', 'max-age=0'],
        ['Expires', at(9)],
      ],
      'max-age',
      0,
    ],
    [
      'Expires less Date',
      [
        ['Expires', at(9)],
        ['Date', at(-3)],
      ],
      'Expires',
      12,
    ],
    ['Expires less the time it came, without Date', [['Expires', at(9)]], 'Expires', 9],
    [
      'Expires less the time it came, with an invalid Date',
      [
        ['Expires', at(9)],
        ['Date', 'foo'],
      ],
      'Expires',
      9,
    ],
    [
      'Expires before Date, both ahead',
      [
        ['Expires', at(300)],
        ['Date', at(400)],
      ],
      'Expires',
      0,
    ],
    [
      'an invalid Expires',
      [
        ['Expires', '0'],
        ['Last-Modified', at(-1000)],
        ['Date', at(0)],
      ],
      'Expires',
      0,
    ],
    [
      'Expires twice, unlike',
      [
        ['Expires', at(9)],
        ['Expires', at(8)],
      ],
      'Expires',
      0,
    ],
    [
      'Expires twice, alike',
      [
        ['Expires', at(9)],
        ['Expires', at(9)],
      ],
      'Expires',
      9,
    ],
    ['an Expires beyond 2^31 seconds', [['Expires', 'Sun, 21 Nov 2286 04:46:39 GMT']], 'Expires', 2 ** 31],
    [
      'RFC 9213: a targeted field before all',
      [
        ['CDN-Cache-Control', 'max-age=3'],
        ['Cache-Control', 's-maxage=9'],
        ['Expires', at(9)],
      ],
      'max-age',
      3,
    ],
  ])('%s', (_, fields, because, seconds) => {
    expect(freshnessLifetime(response(fields))).toEqual({ kind: 'explicit', because, ms: seconds * 1000 });
  });

  test('nothing says anything', () => {
    expect(freshnessLifetime(response([]))).toEqual({ kind: 'none', ms: 0 });
    expect(
      freshnessLifetimeMs(
        response([
          ['CDN-Cache-Control', 'public'],
          ['Expires', at(9)],
        ]),
      ),
    ).toBe(0);
  });
});

describe('heuristic freshness, RFC 9111 4.2.2', () => {
  const modified = (seconds: number, more: Field[] = []): Field[] => [
    ['Last-Modified', at(seconds)],
    ['Date', at(0)],
    ...more,
  ];

  test.each([
    ['a tenth of the time since', -1000, 100],
    ['a day at most', -100 * day, day],
    ['none when it was just now', 0, 0],
    ['none when it lies ahead', 1000, 0],
  ])('%s', (_, seconds, lifetime) => {
    const expected = { kind: 'heuristic', because: 'Last-Modified', ms: lifetime * 1000 };
    expect(freshnessLifetime(response(modified(seconds)))).toEqual(expected);
  });

  test.each([200, 203, 204, 206, 300, 301, 308])('a %i may have it', (status) => {
    expect(freshnessLifetimeMs(response(modified(-1000), { status }))).toBe(100_000);
  });

  test.each([201, 202, 302, 303, 307, 400, 403, 404, 405, 410, 414, 500, 501, 502, 503, 504, 599])(
    'E09: a %i has none, unless it is public',
    (status) => {
      expect(freshnessLifetime(response(modified(-1000), { status }))).toEqual({ kind: 'none', ms: 0 });
      const isPublic = response(modified(-1000, [['Cache-Control', 'public']]), { status });
      expect(freshnessLifetimeMs(isPublic)).toBe(100_000);
    },
  );

  test('none by an invalid Last-Modified', () => {
    expect(
      freshnessLifetimeMs(
        response([
          ['Last-Modified', '0'],
          ['Date', at(0)],
        ]),
      ),
    ).toBe(0);
  });
});

describe('age, RFC 9111 4.2.3', () => {
  test.each<[string, Field[], number]>([
    ['neither Age nor Date', [], 0],
    ['Age', [['Age', '30']], 30],
    ['a Date behind', [['Date', at(-30)]], 30],
    ['a Date ahead', [['Date', at(30)]], 0],
    [
      'the greater of both',
      [
        ['Date', at(-30)],
        ['Age', '20'],
      ],
      30,
    ],
    [
      'the greater of both, turned round',
      [
        ['Date', at(-20)],
        ['Age', '30'],
      ],
      30,
    ],
    ['an Age that is no number', [['Age', 'abc']], 0],
    ['a negative Age', [['Age', '-7200']], 0],
    ['a fraction', [['Age', '7200.0']], 0],
    ['RFC 9111 1.2.2: an Age of more than 2^31', [['Age', '99999999999']], 2 ** 31],
    ['RFC 9111 5.1: the first of a list', [['Age', ' 7200 , 0']], 7200],
    ['RFC 9111 5.1: the first of a list, turned round', [['Age', '0, 7200']], 0],
    [
      'RFC 9111 5.1: the first line',
      [
        ['Age', '7200'],
        ['Age', '0'],
      ],
      7200,
    ],
  ])('by %s', (_, fields, seconds) => {
    expect(ageSeconds(response(fields), now)).toBe(seconds);
    expect(ageSeconds(response(fields), now + 5_000)).toBe(seconds + 5);
  });

  test('the time that the answer took counts, since nobody knows when in it the response was made', () => {
    expect(currentAgeMs(response([['Age', '10']], { requestTime: now - 4_000 }), now + 500)).toBe(14_500);
  });

  test('a Date has no fraction of a second, so that none counts', () => {
    expect(
      currentAgeMs(response([['Date', at(0)]], { requestTime: now + 900, responseTime: now + 900 }), now + 900),
    ).toBe(0);
  });

  test('a clock that was put back makes nothing younger than it came', () => {
    expect(ageSeconds(response([['Age', '10']]), now - 60_000)).toBe(10);
  });
});

test('RFC 9211 2.6: what is left of freshness, in whole seconds, and less than 0 once it is stale', () => {
  const tenSeconds = response([['Cache-Control', 'max-age=10']]);
  expect(ttlSeconds(tenSeconds, now)).toBe(10);
  expect(ttlSeconds(tenSeconds, now + 500)).toBe(9);
  expect(ttlSeconds(tenSeconds, now + 10_001)).toBe(-1);
});
