// The cache on the control port: what is asked for reaches the store in its one spelling, and only POST changes anything.
import { beforeEach, describe, expect, test } from 'vitest';
import type { CacheAdmin, ListedEntry, PurgeMatch, StoreStatistics } from '../../../agent/cache/admin.ts';
import { createCacheRoutes } from '../../../agent/control/cache-routes.ts';
import type { StoredResponse } from '../../../http/caching/stored.ts';
import {
  cacheEntries,
  cacheExplanation,
  cachePurged,
  cacheStatistics,
  maxControlContentBytes,
} from '../../../schemas/cache-admin.ts';
import { epochMs, stillClock } from '../../support/walk.ts';

const statistics: StoreStatistics = {
  entries: 3,
  memory: { octets: 1, maxOctets: 2, entries: 1 },
  disk: { state: 'unusable', because: 'it is full', octets: 0, maxOctets: 4, entries: 0 },
  stored: 5,
  evicted: 1,
  lost: 1,
};

const stored: StoredResponse = {
  url: 'http://o.example/a',
  status: 200,
  reason: 'OK',
  fields: [
    ['Date', new Date(epochMs).toUTCString()],
    ['Cache-Control', 'max-age=60'],
    ['Vary', 'Accept-Language, Cookie'],
  ],
  requestTime: epochMs,
  responseTime: epochMs,
  selecting: [
    ['accept-language', undefined],
    ['cookie', 'session=12345'],
  ],
  octets: 7,
};

const listed: ListedEntry = { entry: { key: stored.url, stored }, isInMemory: true, isOnDisk: false };

let purged: PurgeMatch[] = [];
let forgotten: PurgeMatch[] = [];
let asked: (readonly [PurgeMatch, number])[] = [];
const store: CacheAdmin = {
  purge: (match) => {
    purged.push(match);
    return 2;
  },
  list: (match, maxEntries) => {
    asked.push([match, maxEntries]);
    return [listed].slice(0, maxEntries);
  },
  stat: () => statistics,
  close: async () => undefined,
};
const answered = { requests: 4, byAgent: 3, byEdge: 1, collapsed: 0 };
const counts = () => answered;
const byRule = () => undefined;
const generations = { of: () => '', purge: (match: PurgeMatch) => void forgotten.push(match) };

beforeEach(() => {
  [purged, forgotten, asked] = [[], [], []];
});

function get(path: string, admin: CacheAdmin | undefined = store): Promise<Response> {
  const app = createCacheRoutes({ clock: stillClock(10_000), store: admin, generations, counts, byRule });
  return Promise.resolve(app.request(path));
}

function post(path: string, content: unknown, ports: Partial<Parameters<typeof createCacheRoutes>[0]> = {}) {
  const app = createCacheRoutes({ clock: stillClock(10_000), store, generations, counts, byRule, ...ports });
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  return Promise.resolve(app.request(path, { method: 'POST', body }));
}

describe('statistics', () => {
  test('are those of the store', async () => {
    const answer = await get('/');
    expect(cacheStatistics.parse(await answer.json())).toEqual({ agent: 'on', answered, ...statistics });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('say that the agent’s cache is off', async () => {
    const app = createCacheRoutes({ clock: stillClock(), store: undefined, generations, counts, byRule });
    expect(await (await app.request('/')).json()).toEqual({ agent: 'off', answered });
  });
});

describe('the list', () => {
  test.each([
    ['/entries', { kind: 'all' }, 100],
    ['/entries?limit=0', { kind: 'all' }, 0],
    ['/entries?limit=10000&host=O.Example', { kind: 'host', host: 'o.example' }, 10_000],
    ['/entries?host=%5B::1%5D:81', { kind: 'host', host: '[::1]:81' }, 100],
    ['/entries?url=HTTP://O.example:80/a/../b', { kind: 'url', url: 'http://o.example/b' }, 100],
    ['/entries?prefix=http://o.example', { kind: 'prefix', prefix: 'http://o.example/' }, 100],
  ])('%s asks for %j', async (path, match, limit) => {
    const answer = await get(path);
    expect([answer.status, asked]).toEqual([200, [[match, limit]]]);
    expect(cacheEntries.parse(await answer.json()).entries.length).toBe(Math.min(limit, 1));
  });

  test.each([
    '/entries?limit=10001',
    '/entries?limit=-1',
    '/entries?limit=1e3',
    '/entries?url=ftp://x/',
    '/entries?host=',
  ])('%s is refused with a sentence', async (path) => {
    const answer = await get(path);
    expect([answer.status, await answer.json()]).toEqual([400, { detail: expect.stringMatching(/\.$/) }]);
  });

  test('tells what an entry is, without the secrets that it was stored for', async () => {
    const [entry] = cacheEntries.parse(await (await get('/entries')).json()).entries;
    expect(entry).toEqual({
      url: stored.url,
      status: 200,
      octets: 7,
      receivedAt: '2026-01-02T03:04:05.000000Z',
      ageSeconds: 10,
      lifetime: { kind: 'explicit', seconds: 60, because: 'max-age of Cache-Control' },
      freshUntil: '2026-01-02T03:05:05.000000Z',
      selecting: [
        ['accept-language', null],
        ['cookie', '(secret)'],
      ],
      inMemory: true,
      onDisk: false,
    });
  });
});

describe('a purge', () => {
  test.each([
    [{ kind: 'all' }, { kind: 'all' }],
    [
      { kind: 'url', url: 'http://O.EXAMPLE:80/%7e?' },
      { kind: 'url', url: 'http://o.example/%7e?' },
    ],
    [
      { kind: 'prefix', prefix: 'https://o.example/sta' },
      { kind: 'prefix', prefix: 'https://o.example/sta' },
    ],
    [
      { kind: 'host', host: 'O.example.:8080' },
      { kind: 'host', host: 'o.example:8080' },
    ],
  ])('%j is one of agent and edge', async (content, match) => {
    const answer = await post('/purge', content);
    expect(cachePurged.parse(await answer.json())).toEqual({ entries: 2 });
    expect([purged, forgotten]).toEqual([[match], [match]]);
  });

  test.each([
    '',
    'all',
    {},
    { kind: 'everything' },
    { kind: 'url' },
    { kind: 'url', url: '/path' },
    { kind: 'url', url: '*' },
    { kind: 'url', url: 'http://o.example/#x' },
    { kind: 'prefix', prefix: 'o.example' },
    { kind: 'host', host: 'o.example/x' },
    { kind: 'host', host: 'me@o.example' },
    { kind: 'all', url: 'http://o.example/' },
  ])('%j is refused', async (content) => {
    const answer = await post('/purge', content);
    expect([answer.status, await answer.json()]).toEqual([400, { detail: expect.stringMatching(/\.$/) }]);
    expect([purged, forgotten]).toEqual([[], []]);
  });

  test('a content that is too long is not read', async () => {
    expect((await post('/purge', ' '.repeat(maxControlContentBytes + 1))).status).toBe(413);
  });

  test('E14: GET purges nothing', async () => {
    expect((await get('/purge?kind=all')).status).toBe(404);
    expect([purged, forgotten]).toEqual([[], []]);
  });

  test('reaches the edge where the agent’s cache is off', async () => {
    const answer = await post('/purge', { kind: 'all' }, { store: undefined });
    expect([await answer.json(), forgotten]).toEqual([{ entries: 0 }, [{ kind: 'all' }]]);
  });

  test('that cannot be kept for the edge is told', async () => {
    const failing = {
      of: () => '',
      purge: () => {
        throw new Error('no space is left.');
      },
    };
    const answer = await post('/purge', { kind: 'all' }, { generations: failing });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ detail: expect.stringMatching(/not the edge's: no space is left\./) });
    expect(purged).toEqual([{ kind: 'all' }]);
  });
});

describe('a question', () => {
  test('is answered of what is stored under the canonical URL', async () => {
    const fields = [['Cookie', 'session=12345']];
    const answer = await post('/explain', { url: 'HTTP://o.example:80/a', fields });
    expect(cacheExplanation.parse(await answer.json())).toMatchObject({ url: stored.url, variants: 1 });
    expect(asked).toEqual([[{ kind: 'url', url: stored.url }, expect.any(Number)]]);
  });

  test('heeds the rules for the request in question', async () => {
    const heard: unknown[] = [];
    const answer = await post(
      '/explain',
      { url: stored.url, fields: [['Accept', 'a/b']] },
      {
        byRule: (request) => {
          heard.push(request);
          return { cache: [{ rule: 'r', action: 'bypass' }], transformKey: undefined };
        },
      },
    );
    expect(cacheExplanation.parse(await answer.json())).toMatchObject({
      rule: { name: 'r', cache: 'bypass' },
      answer: { kind: 'forward', because: 'bypass' },
    });
    expect(heard).toEqual([{ method: 'GET', url: stored.url, fields: [['Accept', 'a/b']] }]);
  });

  test('asks for what is stored of the same transform only', async () => {
    const answer = await post(
      '/explain',
      { url: stored.url, fields: [] },
      { byRule: () => ({ cache: undefined, transformKey: 'other' }) },
    );
    expect(cacheExplanation.parse(await answer.json()).answer).toMatchObject({ kind: 'forward' });
  });

  test.each(['', {}, { url: 'o.example' }, { url: 'http://o.example/', fields: 'x' }])(
    '%j is none',
    async (content) => {
      expect((await post('/explain', content)).status).toBe(400);
    },
  );
});
