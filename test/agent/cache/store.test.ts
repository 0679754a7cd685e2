// The agent's store: what was put in comes out, now and after a restart, within its bounds.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { maxEntriesPerKey } from '../../../agent/cache/bounded.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { contentOf, headOf, mebibyte } from '../../support/cache-content.ts';
import { drained, got, openedStore, put, scratchFolder, shown, until } from '../../support/cache-store.ts';

const url = 'http://example.com/a';
const all = { kind: 'all' } as const;

describe('what was put in comes out', () => {
  test('head and content, at once and from memory', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    const content = contentOf(5_000);
    const entry = put(store, url, content, {}, [['X-Sum', '1']]);
    expect(store.find(url)).toEqual([entry]);
    expect(store.find(url)[0]).toBe(entry);
    expect(entry?.stored).toEqual({ ...headOf(url), octets: 5_000, trailers: [['X-Sum', '1']] });
    expect(shown(entry && store.octets(entry))).toBe(shown(content));
    expect(await got(store, entry)).toBe(shown(content));
  });

  test('nothing under another key', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    put(store, url, contentOf(10));
    expect(store.find(`${url}?`)).toEqual([]);
  });

  test.each([0, 1, 5_000, 64 * 1024, 64 * 1024 + 1, mebibyte, mebibyte + 1, 3 * mebibyte + 7])(
    'of %d octets, of known and of unknown length, before and after a restart',
    async (octets) => {
      const folder = scratchFolder();
      const content = contentOf(octets);
      const store = await openedStore({ folder });
      put(store, url, content);
      const writer = store.begin(`${url}2`, headOf(`${url}2`), undefined);
      for (let at = 0; at < octets; at += 70_001) writer?.write(content.subarray(at, at + 70_001));
      writer?.commit([]);
      expect(await got(store, store.find(url)[0])).toBe(shown(content));
      expect(await got(store, store.find(`${url}2`)[0])).toBe(shown(content));
      await store.close();
      const again = await openedStore({ folder });
      expect(await got(again, again.find(url)[0])).toBe(shown(content));
      expect(await got(again, again.find(`${url}2`)[0])).toBe(shown(content));
    },
  );

  test('a part of it, from memory, from the disk, and from a large file', async () => {
    const folder = scratchFolder();
    const [small, large] = [contentOf(9_000), contentOf(2 * mebibyte)];
    const store = await openedStore({ folder });
    const entries = [put(store, url, small), put(store, `${url}2`, large)];
    const parts = async (from: typeof store, [one, other]: typeof entries) => {
      if (one === undefined || other === undefined) return 'no entry';
      const some = await Promise.all([
        drained(from.content(one, 10, 8_000)),
        drained(from.content(other, 70_000, 900_000)),
        drained(from.content(other, 2 * mebibyte - 1, 2 * mebibyte - 1)),
      ]);
      return some.map(({ octets }) => shown(octets));
    };
    const expected = [small.subarray(10, 8_001), large.subarray(70_000, 900_001), large.subarray(-1)].map(shown);
    expect(await parts(store, entries)).toEqual(expected);
    await store.close();
    const again = await openedStore({ folder });
    expect(await parts(again, [again.find(url)[0], again.find(`${url}2`)[0]])).toEqual(expected);
  });

  test('E18: a head of 70 kB, octet by octet, after a restart too', async () => {
    const folder = scratchFolder();
    const fields = Array.from({ length: 70 }, (_, i) => [`X-${i}`, `\x80\xff"\\${'v'.repeat(1_000)}`] as const);
    const store = await openedStore({ folder });
    put(store, url, contentOf(10), {
      fields,
      selecting: [
        ['accept', undefined],
        ['cookie', 'a=1'],
      ],
      part: { first: 5, completeOctets: 100 },
    });
    const before = store.find(url)[0]?.stored;
    expect(before?.fields).toEqual(fields);
    await store.close();
    const again = await openedStore({ folder });
    expect(again.find(url)[0]?.stored).toEqual(before);
  });
});

describe('several under one key', () => {
  test('the latest stands first, and one with the same selecting fields takes the place of the other', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    const [a, b] = ['gzip', 'br'].map((value) => [['accept-encoding', value] as const]);
    put(store, url, contentOf(1), { selecting: a ?? [] });
    put(store, url, contentOf(2), { selecting: b ?? [] });
    put(store, url, contentOf(3), { selecting: a ?? [] });
    expect(store.find(url).map(({ stored }) => stored.octets)).toEqual([3, 2]);
  });

  test('E05, E16: are bounded in number', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    for (let i = 0; i < maxEntriesPerKey + 10; i++) {
      put(store, url, contentOf(1), { selecting: [['cookie', String(i)]] });
    }
    expect(store.find(url)).toHaveLength(maxEntriesPerKey);
    expect(store.find(url)[0]?.stored.selecting).toEqual([['cookie', String(maxEntriesPerKey + 9)]]);
  });
});

describe('update and remove', () => {
  test('another head with the same content, after a restart too', async () => {
    const folder = scratchFolder();
    const store = await openedStore({ folder });
    const content = contentOf(5_000);
    const entry = put(store, url, content);
    const fresher = entry && store.update(entry, headOf(url, { responseTime: 9_000 }));
    expect(fresher).not.toBe(entry);
    expect(store.find(url)).toEqual([fresher]);
    expect(shown(fresher && store.octets(fresher))).toBe(shown(content));
    expect(entry && store.update(entry, headOf(url))).toBeUndefined();
    await until(() => store.stat().disk.entries === 1);
    const freshest = fresher && store.update(fresher, headOf(url, { responseTime: 9_999 }));
    expect(freshest?.stored.responseTime).toBe(9_999);
    await store.close();
    const again = await openedStore({ folder });
    expect(again.find(url).map(({ stored }) => stored.responseTime)).toEqual([9_999]);
    expect(await got(again, again.find(url)[0])).toBe(shown(content));
  });

  test('what was removed is gone, at once and after a restart', async () => {
    const folder = scratchFolder();
    const store = await openedStore({ folder });
    const early = put(store, url, contentOf(5_000));
    if (early !== undefined) store.remove(early);
    put(store, `${url}2`, contentOf(5_000));
    await until(() => store.stat().disk.entries === 1);
    for (const entry of store.find(`${url}2`)) store.remove(entry);
    expect([...store.find(url), ...store.find(`${url}2`)]).toEqual([]);
    await store.close();
    const again = await openedStore({ folder });
    expect(again.stat().entries).toBe(0);
    await until(() => filesIn(folder) === 0);
  });
});

describe('what is not whole is not stored', () => {
  test('E10: content that was aborted, or has another length than was announced', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    const before = store.stat();
    const aborted = store.begin(url, headOf(url), 100);
    aborted?.write(contentOf(50));
    expect(store.find(url)).toEqual([]);
    aborted?.abort(new ProxyError('http_response_incomplete', 'It was cut off.'));
    expect(aborted?.commit([])).toBeUndefined();
    for (const octets of [99, 101]) {
      const wrong = store.begin(url, headOf(url), 100);
      wrong?.write(contentOf(octets));
      expect(wrong?.commit([])).toBeUndefined();
    }
    expect(store.find(url)).toEqual([]);
    expect(store.stat()).toEqual(before);
  });

  test('E16: content that is too large, announced or not', async () => {
    const folder = scratchFolder();
    const store = await openedStore({ folder, maxEntryBytes: 2 * mebibyte });
    const before = store.stat();
    expect(store.begin(url, headOf(url), 2 * mebibyte + 1)).toBeUndefined();
    const writer = store.begin(url, headOf(url), undefined);
    for (let i = 0; i < 33; i++) {
      const wantsMore = writer?.write(contentOf(64 * 1024));
      if (wantsMore === false) await new Promise<void>((resolve) => writer?.onDrain(resolve));
    }
    expect(writer?.isGivenUp).toBe(true);
    expect(writer?.commit([])).toBeUndefined();
    await until(() => filesIn(folder) === 0);
    expect(store.stat()).toEqual(before);
  });
});

describe('bounds', () => {
  test('E16: memory and disk never hold more octets than they may, and the least recently used go first', async () => {
    const folder = scratchFolder();
    const [memoryBytes, diskBytes] = [mebibyte, 2 * mebibyte];
    const store = await openedStore({ folder, memoryBytes, diskBytes });
    put(store, `${url}/hot`, contentOf(10_000));
    for (let i = 0; i < 500; i++) {
      put(store, `${url}/${i}`, contentOf(10_000, i));
      expect(store.find(`${url}/hot`)).toHaveLength(1);
      if (i % 5 === 0) await until(() => store.stat().disk.entries === store.stat().entries);
      const { memory, disk } = store.stat();
      expect(memory.octets).toBeLessThanOrEqual(memoryBytes);
      expect(disk.octets).toBeLessThanOrEqual(diskBytes);
    }
    const { entries, evicted } = store.stat();
    expect(entries + evicted).toBe(501);
    const left = Array.from({ length: 500 }, (_, i) => store.list({ kind: 'url', url: `${url}/${i}` }, 1).length);
    expect(left.lastIndexOf(0)).toBeLessThan(left.indexOf(1));
    await store.close();
    expect(octetsIn(folder)).toBeLessThanOrEqual(diskBytes);
  });

  test('what has left memory comes back from the disk', async () => {
    const store = await openedStore({ folder: scratchFolder(), memoryBytes: mebibyte });
    const contents = Array.from({ length: 30 }, (_, i) => contentOf(100_000, i));
    for (const [i, content] of contents.entries()) {
      put(store, `${url}/${i}`, content);
      await until(() => store.stat().disk.entries === i + 1);
    }
    expect(store.stat().memory.entries).toBeLessThan(15);
    for (const [i, content] of contents.entries())
      expect(await got(store, store.find(`${url}/${i}`)[0])).toBe(shown(content));
    const last = store.find(`${url}/29`)[0];
    expect(shown(last && store.octets(last))).toBe(shown(contents[29]));
  });

  test('E16: heads alone are bounded too', async () => {
    const store = await openedStore({ folder: scratchFolder(), memoryBytes: mebibyte });
    for (let i = 0; i < 3_000; i++) put(store, `${url}/${i}`, contentOf(0));
    const { entries, memory } = store.stat();
    expect(memory.octets).toBeLessThanOrEqual(mebibyte);
    expect(entries).toBeGreaterThan(500);
    expect(entries).toBeLessThan(3_000);
    expect(store.find(`${url}/2999`)).toHaveLength(1);
  });

  test('many writers at once hold no more than memory may', async () => {
    const memoryBytes = 4 * mebibyte;
    const store = await openedStore({ folder: scratchFolder(), memoryBytes });
    const writers = Array.from({ length: 40 }, (_, i) => store.begin(`${url}/${i}`, headOf(`${url}/${i}`), undefined));
    const piece = contentOf(50_000);
    for (let round = 0; round < 8; round++) {
      for (const writer of writers) {
        if (writer?.write(piece) === false) await new Promise<void>((resolve) => writer.onDrain(resolve));
      }
    }
    expect(store.stat().memory.octets).toBeLessThanOrEqual(memoryBytes + writers.length * 2 * 64 * 1024);
    expect(store.begin(url, headOf(url), 10)).toBeUndefined();
    for (const writer of writers) expect(writer?.commit([])).toBeDefined();
    await until(() => store.stat().disk.entries === 40);
    expect(store.stat().memory.octets).toBeLessThanOrEqual(memoryBytes);
    expect(await got(store, store.find(`${url}/7`)[0])).toBe(shown(Buffer.concat(Array(8).fill(piece))));
  });

  test('a disk that has become smaller is heeded at the start', async () => {
    const folder = scratchFolder();
    const store = await openedStore({ folder });
    for (let i = 0; i < 100; i++) put(store, `${url}/${i}`, contentOf(10_000));
    await until(() => store.stat().disk.entries === 100);
    store.find(`${url}/3`);
    await store.close();
    const again = await openedStore({ folder, diskBytes: 200_000 });
    expect(again.stat().disk.octets).toBeLessThanOrEqual(200_000);
    expect(again.find(`${url}/99`)).toHaveLength(1);
    expect(again.find(`${url}/3`)).toHaveLength(1); // used last
    expect(again.find(`${url}/50`)).toHaveLength(0);
  });
});

describe('a disk that cannot be used', () => {
  test('a folder that cannot be made: entries are in memory only, and the person is told', async () => {
    const folder = join(scratchFolder(), 'file');
    writeFileSync(folder, '');
    const store = await openedStore({ folder });
    expect(store.said).toEqual([
      expect.stringMatching(/^the cache is in memory only, for the folder .* cannot be used/),
    ]);
    expect(store.stat().disk.state).toBe('unusable');
    const entry = put(store, url, contentOf(100));
    expect(await got(store, entry)).toBe(shown(contentOf(100)));
    expect(store.begin(url, headOf(url), 15 * mebibyte)).toBeUndefined();
    expect(await put(store, url, contentOf(0))?.stored.octets).toBe(0);
  });

  test('another agent uses the folder: memory only', async () => {
    const folder = scratchFolder();
    const first = await openedStore({ folder });
    const second = await openedStore({ folder });
    expect(second.stat().disk).toMatchObject({ state: 'unusable', because: 'another agent is using it' });
    put(second, url, contentOf(10));
    await first.close();
    const third = await openedStore({ folder });
    expect(third.stat().disk.state).toBe('open');
    expect(third.find(url)).toEqual([]);
  });

  test('none is asked for: memory only, within its bound', async () => {
    const folder = scratchFolder();
    const store = await openedStore({ folder, diskBytes: 0, memoryBytes: mebibyte });
    for (let i = 0; i < 100; i++) put(store, `${url}/${i}`, contentOf(50_000));
    const { entries, memory, disk } = store.stat();
    expect(disk.state).toBe('off');
    expect(memory.octets).toBeLessThanOrEqual(mebibyte);
    expect(entries).toBeGreaterThan(10);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('content that was spoiled on disk is never served', () => {
  test.each([
    ['cut off', 5_000, (content: Buffer) => content.subarray(0, 4_999)],
    ['other octets', 5_000, (content: Buffer) => Buffer.from(content).fill(0, 100, 200)],
    ['gone', 5_000, () => Buffer.alloc(0)],
    ['a large one cut off', 2 * mebibyte, (content: Buffer) => content.subarray(0, mebibyte)],
    ['a large one with other octets', 2 * mebibyte, (content: Buffer) => Buffer.from(content).fill(0, 100, 200)],
  ])('%s', async (_name, octets, spoil) => {
    const folder = scratchFolder();
    const store = await openedStore({ folder });
    put(store, url, contentOf(octets));
    await store.close();
    const [path = ''] = pathsIn(folder);
    writeFileSync(path, spoil(readFileSync(path)));
    const again = await openedStore({ folder });
    const entry = again.find(url)[0];
    expect(await got(again, entry)).toBe('proxy_internal_error');
    expect(again.find(url)).toEqual([]);
    expect(again.stat().lost).toBe(1);
  });
});

describe('purge and list', () => {
  test.each([
    [{ kind: 'all' }, 5],
    [{ kind: 'url', url: 'http://a.com/x' }, 1],
    [{ kind: 'prefix', prefix: 'http://a.com/x' }, 2],
    [{ kind: 'host', host: 'A.com' }, 4],
    [{ kind: 'host', host: 'a.com:8080' }, 1],
  ] as const)('%j', async (match, count) => {
    const folder = scratchFolder();
    const store = await openedStore({ folder });
    const urls = ['http://a.com/x', 'http://a.com/xy', 'https://a.com/', 'http://a.com:8080/x', 'http://b.com/x'];
    for (const each of urls) put(store, each, contentOf(100));
    await until(() => store.stat().disk.entries === 5);
    expect(store.list(match, 10)).toHaveLength(count);
    expect(store.purge(match)).toBe(count);
    expect(store.list(all, 10)).toHaveLength(5 - count);
    await store.close();
    const again = await openedStore({ folder });
    expect(again.list(all, 10)).toHaveLength(5 - count);
  });

  test('what was on its way in when it was purged is not stored', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    const writer = store.begin(url, headOf(url), undefined);
    writer?.write(contentOf(10));
    const followed = writer && drained(writer.follow());
    store.purge({ kind: 'host', host: 'example.com' });
    writer?.write(contentOf(10));
    expect(writer?.commit([])).toBeUndefined();
    expect((await followed)?.octets).toEqual(Buffer.concat([contentOf(10), contentOf(10)]));
    expect(store.find(url)).toEqual([]);
  });

  test('the latest used is listed first, with where it is', async () => {
    const store = await openedStore({ folder: scratchFolder() });
    for (const name of ['a', 'b', 'c']) put(store, `${url}/${name}`, contentOf(100));
    await until(() => store.stat().disk.entries === 3);
    store.find(`${url}/a`);
    const listed = store.list(all, 2);
    expect(listed.map(({ entry }) => entry.key)).toEqual([`${url}/a`, `${url}/c`]);
    expect(listed[0]).toMatchObject({ isInMemory: true, isOnDisk: true });
  });
});

function pathsIn(folder: string): string[] {
  return readdirSync(join(folder, 'content'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function filesIn(folder: string): number {
  return pathsIn(folder).length;
}

function octetsIn(folder: string): number {
  return [...pathsIn(folder), join(folder, 'index')]
    .map((path) => statSync(path).blocks * 512)
    .reduce((sum, octets) => sum + octets, 0);
}

test('the latest of one URL comes first after a restart, too, in whatever order their contents have come to the disk', async () => {
  const folder = scratchFolder();
  const store = await openedStore({ folder });
  const begun = [1, 2, 3].map((responseTime) => {
    const head = headOf(url, { responseTime, transformKey: String(responseTime) });
    const writer = store.begin(url, head, 10);
    writer?.write(contentOf(10));
    return writer;
  });
  for (const index of [2, 0, 1]) begun[index]?.commit([]);
  await store.close();
  const again = await openedStore({ folder });
  expect(again.find(url).map(({ stored }) => stored.responseTime)).toEqual([3, 2, 1]);
});

test('what was transformed stands beside what was not, over a restart; a purge of the URL takes both away', async () => {
  const folder = scratchFolder();
  const store = await openedStore({ folder });
  for (const [responseTime, transformKey] of [undefined, 'a', 'b', 'a'].entries()) {
    put(store, url, contentOf(10), { transformKey, responseTime });
  }
  const keys = (entries: readonly { readonly stored: { readonly transformKey?: string | undefined } }[]) =>
    entries.map(({ stored }) => stored.transformKey);
  expect(keys(store.find(url))).toEqual(['a', 'b', undefined]);
  await store.close();
  const again = await openedStore({ folder });
  expect(keys(again.find(url))).toEqual(['a', 'b', undefined]);
  expect(again.purge({ kind: 'url', url })).toBe(3);
});
