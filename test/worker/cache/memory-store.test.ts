// The store in memory: what takes whose place, and that it never holds more than it may.
import { describe, expect, test } from 'vitest';
import type { StoredResponse } from '../../../http/caching/stored.ts';
import { createMemoryStore } from '../../../worker/cache/memory-store.ts';
import { type Kept, maxEntriesPerKey } from '../../../worker/cache/store.ts';

const limits = { maxBytes: 100_000, maxEntryBytes: 20_000 };

function kept(parts: Partial<StoredResponse> & { readonly generation?: string } = {}): Kept {
  const { generation = '', ...rest } = parts;
  const stored = { url: 'http://o/', status: 200, reason: 'OK', fields: [], selecting: [], octets: 5 };
  return { generation, stored: { ...stored, requestTime: 0, responseTime: 0, ...rest } };
}

const octets = (text: string) => new TextEncoder().encode(text);

async function contents(store: ReturnType<typeof createMemoryStore>, key: string): Promise<string[]> {
  const entries = await store.find(key);
  const whole = await Promise.all(entries.map((entry) => entry.content()));
  return whole.map((content) => new TextDecoder().decode(content));
}

describe('under one key', () => {
  test.each([
    ['another value of a selecting field', { selecting: [['accept', 'a']] }, ['new', 'old']],
    ['a request that has not that field', { selecting: [['accept', undefined]] }, ['new', 'old']],
    ['another generation', { generation: '2' }, ['new', 'old']],
    ['a part', { part: { first: 5, completeOctets: 10 } }, ['new', 'old']],
    ['a later one for the same requests', { responseTime: 1 }, ['new']],
    ['an earlier one for the same requests, which was long on its way', { responseTime: -1 }, ['old']],
  ] as const)('%s: %o', async (_, parts, expected) => {
    const store = createMemoryStore(limits);
    await store.keep('a', kept(), octets('old'));
    await store.keep('a', kept(parts), octets('new'));
    expect(await contents(store, 'a')).toEqual(expected);
  });

  test('an entry gets another head and keeps its content', async () => {
    const store = createMemoryStore(limits);
    await store.keep('a', kept(), octets('hello'));
    const [entry] = await store.find('a');
    if (entry === undefined) throw new Error('nothing is stored');
    await store.keep('a', kept({ status: 203, responseTime: 1 }), entry);
    expect(await contents(store, 'a')).toEqual(['hello']);
    expect((await store.find('a'))[0]?.stored.status).toBe(203);
  });

  test('E16: variants without end do not pile up', async () => {
    const store = createMemoryStore(limits);
    for (let variant = 0; variant < 100; variant++) {
      await store.keep('a', kept({ selecting: [['accept', `${variant}`]] }), octets(`${variant}`));
    }
    expect((await contents(store, 'a')).slice(0, 2)).toEqual(['99', '98']);
    expect(await store.find('a')).toHaveLength(maxEntriesPerKey);
  });

  test('all are removed together', async () => {
    const store = createMemoryStore(limits);
    await store.keep('a', kept(), octets('a'));
    await store.keep('b', kept(), octets('b'));
    await store.remove('a');
    expect(await contents(store, 'a')).toEqual([]);
    expect(await contents(store, 'b')).toEqual(['b']);
  });
});

describe('E16: the bound', () => {
  test('what was used least recently goes first', async () => {
    const store = createMemoryStore(limits);
    for (const key of ['a', 'b', 'c', 'd']) await store.keep(key, kept(), new Uint8Array(20_000));
    await store.find('a');
    await store.keep('e', kept(), new Uint8Array(20_000));
    const sizes = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(async (key) => (await store.find(key)).length));
    expect(sizes).toEqual([1, 0, 1, 1, 1]);
  });

  test('content that is too large is not kept', async () => {
    const store = createMemoryStore(limits);
    await store.keep('a', kept(), new Uint8Array(20_001));
    expect(await store.find('a')).toEqual([]);
  });

  test('responses without content count too, by their heads and keys', async () => {
    const store = createMemoryStore(limits);
    const fields = [['x', 'x'.repeat(1_000)]] as const;
    for (let n = 0; n < 1_000; n++) await store.keep(`${n}`, kept({ fields }), new Uint8Array());
    const found = await Promise.all(Array.from({ length: 1_000 }, (_, n) => store.find(`${n}`)));
    const held = found.filter(({ length }) => length > 0).length;
    expect(held).toBeGreaterThan(0);
    expect(held * 3_000).toBeLessThan(limits.maxBytes);
  });

  test('what is replaced and removed is counted no more', async () => {
    const store = createMemoryStore(limits);
    for (let n = 0; n < 100; n++) await store.keep('a', kept({ responseTime: n }), new Uint8Array(20_000));
    for (let n = 0; n < 100; n++) {
      await store.keep('b', kept(), new Uint8Array(20_000));
      await store.remove('b');
    }
    await store.keep('c', kept(), new Uint8Array(20_000));
    expect(await store.find('a')).toHaveLength(1);
  });
});
