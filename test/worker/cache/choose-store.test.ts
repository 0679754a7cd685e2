// Which store a worker has, by where it runs and what it is told.
import { expect, test } from 'vitest';
import { storeOf } from '../../../worker/cache/choose-store.ts';
import type { Bucket } from '../../../worker/cache/places.ts';
import type { Env } from '../../../worker/env.ts';

const CACHE_BUCKET = {} as Bucket;
const UPSTREAM = {} as NonNullable<Env['UPSTREAM']>;

test.each([
  ['embedded', { UPSTREAM }, 'http://127.0.0.1:4000/', 'memory'],
  ['embedded, though it is called by a name', { UPSTREAM }, 'http://edge.example/', 'memory'],
  ['in wrangler dev', {}, 'http://localhost:8787/', 'memory'],
  ['in wrangler dev, by IPv6', {}, 'http://[::1]:8787/', 'memory'],
  ['on workers.dev, where the Cache API does nothing', {}, 'https://edgehop.me.workers.dev/', 'memory'],
  ['on a domain of its own', {}, 'https://edge.example/', 'cache-api'],
  ['with a bucket', { CACHE_BUCKET }, 'https://edgehop.me.workers.dev/', 'r2'],
  ['with a bucket, and told otherwise', { CACHE_BUCKET, EDGEHOP_CACHE: 'memory' }, 'https://edge.example/', 'memory'],
  ['told to use a bucket that is not bound', { EDGEHOP_CACHE: 'r2' }, 'https://edge.example/', undefined],
  ['told to choose', { EDGEHOP_CACHE: 'auto' }, 'https://edge.example/', 'cache-api'],
  ['told to store nothing', { CACHE_BUCKET, EDGEHOP_CACHE: 'off' }, 'https://edge.example/', undefined],
  ['told something else', { EDGEHOP_CACHE: 'disk' }, 'https://edge.example/', undefined],
] as const)('%s', (_, env, url, name) => {
  expect(storeOf(env, url)?.name).toBe(name);
});

test('what is in memory is the same for every request of an isolate', () => {
  expect(storeOf({ UPSTREAM }, 'http://127.0.0.1/')).toBe(storeOf({}, 'https://edgehop.me.workers.dev/'));
});
