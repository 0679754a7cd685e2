// How long a response is fresh because a rule says so.
import { describe, expect, test } from 'vitest';
import { freshnessLifetimeMs, ttlSeconds } from '../../../http/caching/freshness.ts';
import { overriddenFields } from '../../../http/caching/overridden.ts';
import { judgeStoring } from '../../../http/caching/storing.ts';
import type { Fields } from '../../../http/fields.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

function responseWith(fields: Fields, status = 200) {
  return { status, reason: '', fields, requestTime: now, responseTime: now };
}

function overridden(fields: Fields, seconds = 60, status = 200) {
  const response = responseWith(fields, status);
  return { ...response, fields: overriddenFields(response, seconds) ?? response.fields };
}

const request = { method: 'GET', url: 'http://o.example/', fields: [] };

describe('it is fresh for so long from now on', () => {
  test.each<[string, Fields]>([
    ['no-store', [['Cache-Control', 'no-store']]],
    ['private', [['Cache-Control', 'private']]],
    ['s-maxage', [['Cache-Control', 's-maxage=5']]],
    ['Expires', [['Expires', '0']]],
    ['CDN-Cache-Control', [['CDN-Cache-Control', 'no-store']]],
    [
      'our own field',
      [
        ['edgehop-cache-control', 'no-store'],
        ['Edgehop-Cache-Control', 'max-age=1'],
      ],
    ],
    [
      'an Age',
      [
        ['Age', '500'],
        ['Cache-Control', 'max-age=5'],
      ],
    ],
    ['a Date long ago', [['Date', 'Sat, 21 Nov 2026 11:00:00 GMT']]],
  ])('whatever the origin says: %s', (_, fields) => {
    const response = overridden(fields);
    expect(ttlSeconds(response, now)).toBe(60);
    expect(judgeStoring(request, response).kind).toBe('store');
  });
});

test('0 seconds: never without asking', () => {
  expect(freshnessLifetimeMs(overridden([['Age', '5']], 0))).toBe(0);
});

test.each([500, 502, 503, 401, 403, 302, 307, 416])('%d is none that a rule keeps', (status) => {
  expect(overriddenFields(responseWith([], status), 60)).toBeUndefined();
});

test('E03, E04: it makes neither a cookie nor an authorised answer storable', () => {
  expect(judgeStoring(request, overridden([['Set-Cookie', 'a=b']])).kind).toBe('refuse');
  const authorized = { ...request, fields: [['Authorization', 'Basic eDp5']] as const };
  expect(judgeStoring(authorized, overridden([])).kind).toBe('refuse');
  expect(judgeStoring(request, overridden([['Vary', '*']])).kind).toBe('refuse');
});
