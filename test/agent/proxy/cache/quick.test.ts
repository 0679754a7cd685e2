// The same answer over and over is the one that was decided, and is decided anew whenever anything could make it another.
import { expect, test } from 'vitest';
import type { Field } from '../../../../http/fields.ts';
import { response, type TestCache, testCache } from '../../../support/caching.ts';

const lines = ['Cache-Control: max-age=60', 'ETag: "1"', 'Content-Length: 7', 'X-A: 1', 'X-A: 2'];

test('it is the first one, and its age goes on', async () => {
  const cache = testCache();
  cache.reply = () => response(lines, 'content');
  await cache.get();
  const [decided, first, second] = [await cache.get(), await cache.get(), await cache.get()];
  expect([first.status, first.fields, first.received]).toEqual([decided.status, decided.fields, decided.received]);
  expect(first.trace.cache).toEqual(decided.trace.cache);
  expect(first.fields).not.toBe(decided.fields);
  expect(second.fields).toBe(first.fields);
  expect(second.trace.cache).toEqual({ agent: { hit: true, ttl: 60 } });
  cache.clock.at = 59_999;
  const old = await cache.get();
  expect(old.fields.filter(([name]) => name === 'Age')).toEqual([['Age', '59']]);
  expect(old.trace.cache).toEqual({ agent: { hit: true, ttl: 0 } });
  expect(cache.asked).toHaveLength(1);
});

test('it ends when it is not fresh any more', async () => {
  const cache = await hot();
  cache.clock.at = 60_000;
  cache.reply = () => response(lines, 'changed');
  expect((await cache.get()).received.octets).toBe('changed');
});

test.each<[Field, number, number]>([
  [['Range', 'bytes=0-0'], 206, 1],
  [['if-none-match', '"1"'], 304, 1],
  [['If-Modified-Since', 'Fri, 01 Jan 2038 00:00:00 GMT'], 304, 1],
  [['Cache-Control', 'no-cache'], 200, 2],
  [['CACHE-CONTROL', 'max-age=0'], 200, 2],
  [['Pragma', 'no-cache'], 200, 2],
  [['Cache-Control', 'no-store'], 200, 2],
])('it is not for a request with %j', async (field, status, asked) => {
  const cache = await hot();
  cache.clock.at = 1;
  expect((await cache.get(field)).status).toBe(status);
  expect(cache.asked).toHaveLength(asked);
});

test('it is not for HEAD', async () => {
  const cache = await hot();
  expect((await cache.ask({ method: 'HEAD' })).received.octets).toBe('');
});

test('it goes when something else is stored, or nothing is', async () => {
  const cache = await hot();
  cache.reply = () => response(lines, 'another');
  await cache.get(['Cache-Control', 'no-cache']);
  expect((await cache.get()).received.octets).toBe('another');
  cache.reply = () => response([], '', 204);
  await cache.ask({ method: 'DELETE' });
  cache.reply = () => response(lines, 'third');
  expect((await cache.get()).received.octets).toBe('third');
});

test('it comes from the disk when memory has let it go', async () => {
  const cache = await hot();
  cache.store.isOnDisk = true;
  cache.store.isLost = true;
  cache.reply = () => response(lines, 'again');
  expect((await cache.get()).received.octets).toBe('again');
});

test('E05 where there are variants, each request gets its own', async () => {
  const cache = testCache();
  cache.reply = ({ forwardFields }) => response([...lines, 'Vary: Accept'], forwardFields[0]?.[1] ?? 'none');
  for (let time = 0; time < 3; time++) {
    for (const type of ['a', 'b']) expect((await cache.get(['Accept', type])).received.octets).toBe(type);
    expect((await cache.get()).received.octets).toBe('none');
  }
  expect(cache.asked).toHaveLength(3);
});

/** A cache that has answered from its store already. */
async function hot(): Promise<TestCache> {
  const cache = testCache();
  cache.reply = () => response(lines, 'content');
  await cache.get();
  await cache.get();
  return cache;
}
