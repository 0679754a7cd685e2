// What the engine decides is told whole: which response would answer, until when it is fresh, what would be stored.
import { describe, expect, test } from 'vitest';
import type { ListedEntry } from '../../../agent/cache/admin.ts';
import { explain } from '../../../agent/control/cache-explain.ts';
import type { CacheResponse, StoredResponse } from '../../../http/caching/stored.ts';
import type { Fields } from '../../../http/fields.ts';
import { cacheExplanation } from '../../../schemas/cache-admin.ts';
import { epochMs } from '../../support/walk.ts';

const url = 'http://o.example/';
const now = epochMs + 10_000;

function response(...lines: (readonly [string, string])[]): CacheResponse {
  const fields: Fields = [['Date', new Date(epochMs).toUTCString()], ...lines];
  return { status: 200, reason: 'OK', fields, requestTime: epochMs, responseTime: epochMs };
}

function listed(parts: Partial<StoredResponse>, ...lines: (readonly [string, string])[]): ListedEntry {
  const stored = { ...response(...lines), url, selecting: [], octets: 5, ...parts };
  return { entry: { key: url, stored }, isInMemory: false, isOnDisk: true };
}

function explained(stored: readonly ListedEntry[] | undefined, fields: Fields = [], came?: CacheResponse) {
  return cacheExplanation.parse(explain({ request: { method: 'GET', url, fields }, response: came, stored, now }));
}

describe('what would answer', () => {
  test('a fresh response, until its lifetime is over', () => {
    const { answer } = explained([listed({}, ['Cache-Control', 'max-age=60'])]);
    expect(answer).toMatchObject({
      kind: 'fresh',
      ttlSeconds: 50,
      entry: { ageSeconds: 10, lifetime: { seconds: 60 }, freshUntil: '2026-01-02T03:05:05.000000Z', onDisk: true },
    });
  });

  test('a stale one that has to be validated', () => {
    const { answer } = explained([listed({}, ['Cache-Control', 'max-age=5'], ['ETag', '"a"'])]);
    expect(answer).toMatchObject({
      kind: 'validate',
      because: 'stale',
      isAlways: false,
      ttlSeconds: -5,
      entry: { octets: 5 },
    });
  });

  test('one that has to be validated each time', () => {
    const { answer } = explained([listed({}, ['Cache-Control', 'max-age=60, no-cache'], ['ETag', '"a"'])]);
    expect(answer).toMatchObject({ kind: 'validate', isAlways: true });
  });

  test('a stale one that may answer while the origin is asked', () => {
    const { answer } = explained([listed({}, ['Cache-Control', 'max-age=5, stale-while-revalidate=60'])]);
    expect(answer).toMatchObject({ kind: 'stale', revalidate: true, ttlSeconds: -5 });
  });

  test('nothing: no such URL, other fields, or a request that wants none', () => {
    expect(explained([]).answer).toMatchObject({ kind: 'forward', because: 'uri-miss' });
    const german = listed({ selecting: [['accept-language', 'de']] }, ['Vary', 'Accept-Language']);
    expect(explained([german], [['Accept-Language', 'fr']])).toMatchObject({
      variants: 1,
      selectedBy: ['accept-language'],
      answer: { kind: 'forward', because: 'vary-miss' },
    });
    expect(explained([], [['Cache-Control', 'only-if-cached']]).answer).toEqual({ kind: 'unsatisfiable' });
  });

  test('nothing where the agent’s cache is off', () => {
    expect(explained(undefined)).toEqual({ url, variants: 0, selectedBy: [], answer: { kind: 'off' } });
  });
});

describe('what would be stored', () => {
  test.each([
    [['Cache-Control', 'max-age=60'], 'max-age of Cache-Control', 60],
    [['Cache-Control', 's-maxage=70, max-age=60'], 's-maxage of Cache-Control', 70],
    [['CDN-Cache-Control', 'max-age=80'], 'max-age of CDN-Cache-Control', 80],
    [['Expires', new Date(epochMs + 90_000).toUTCString()], 'Expires less Date', 90],
  ] as const)('with %j, fresh by the %s', (field, because, seconds) => {
    expect(explained([], [], response(field)).storing).toEqual({
      kind: 'store',
      lifetime: { kind: 'explicit', because, seconds },
      ageSeconds: 10,
      freshUntil: `2026-01-02T03:0${seconds < 55 ? 4 : 5}:${String((5 + seconds) % 60).padStart(2, '0')}.000000Z`,
      next: 'fresh',
    });
  });

  test('by its Last-Modified where nothing else says how long', () => {
    const changed = response(['Last-Modified', new Date(epochMs - 1_000_000).toUTCString()]);
    expect(explained([], [], changed).storing).toMatchObject({
      kind: 'store',
      lifetime: { kind: 'heuristic', seconds: 100 },
    });
  });

  test('and asked for each time', () => {
    const { storing } = explained([], [], response(['Cache-Control', 'no-cache'], ['ETag', '"a"']));
    expect(storing).toMatchObject({ kind: 'store', next: 'validate' });
  });

  test('nothing of what must not be, with the reason', () => {
    expect(explained([], [], response(['Cache-Control', 'no-store, max-age=60'])).storing).toEqual({
      kind: 'refuse',
      because: expect.stringContaining('no-store'),
    });
  });
});

describe('a rule', () => {
  const fresh = [listed({}, ['Cache-Control', 'max-age=60'])];
  const ask = (byRule: Parameters<typeof explain>[0]['byRule'], came?: CacheResponse) =>
    cacheExplanation.parse(
      explain({ request: { method: 'GET', url, fields: [] }, byRule, response: came, stored: fresh, now }),
    );

  test('that leaves the cache out is told, and nothing answers or is stored', () => {
    const told = ask([{ rule: 'r', action: 'bypass' }], response(['Cache-Control', 'max-age=60']));
    expect(told).toMatchObject({
      rule: { name: 'r', cache: 'bypass' },
      answer: { kind: 'forward', because: 'bypass' },
      storing: { kind: 'refuse', because: 'the rule "r" says bypass' },
    });
  });

  test('that wants validation lets nothing answer by itself', () => {
    const told = ask([{ rule: 'r', action: 'validate' }]);
    expect(told.rule).toEqual({ name: 'r', cache: 'validate' });
    expect(told.answer.kind).not.toBe('fresh');
  });

  test('that says how long a response is fresh comes before what the response says', () => {
    const told = ask([{ rule: 'r', action: { freshnessSeconds: 600 } }], response(['Cache-Control', 'max-age=1']));
    expect(told.storing).toMatchObject({ kind: 'store', lifetime: { seconds: 600 } });
  });

  test('that waits for the response has no say before it, and then by that response', () => {
    const byRule = [{ rule: 'r', when: { status: [404] }, action: 'bypass' as const }];
    expect(ask(byRule)).toMatchObject({ answer: { kind: 'fresh' } });
    expect(ask(byRule).rule).toBeUndefined();
    expect(ask(byRule, response(['Cache-Control', 'max-age=60'])).rule).toBeUndefined();
  });
});
