// The store in a place for blobs: what it writes can be read again, and whatever that place does is a miss at worst.
import { describe, expect, test } from 'vitest';
import { type Blobs, createBlobStore } from '../../../worker/cache/blob-store.ts';
import type { Kept } from '../../../worker/cache/store.ts';

function place(changed: Partial<Blobs> = {}) {
  const blobs = new Map<string, Uint8Array>();
  const store = createBlobStore('r2', 1_000, {
    get: async (name) => blobs.get(name),
    put: async (name, octets) => void blobs.set(name, octets),
    delete: async (name) => void blobs.delete(name),
    ...changed,
  });
  return { blobs, store };
}

const kept = (parts: Partial<Kept['stored']> = {}): Kept => ({
  generation: '7',
  stored: {
    url: 'http://o/',
    status: 200,
    reason: 'Caf\xe9',
    fields: [['X', '\x80\xff']],
    selecting: [],
    octets: 5,
    requestTime: 1,
    responseTime: 2,
    ...parts,
  },
});
const hello = new TextEncoder().encode('hello');
const down = async () => Promise.reject(new Error('the place is down'));

test('what is kept is found again as it was, a selecting field that was absent too', async () => {
  const { store } = place();
  const whole = kept({
    selecting: [
      ['accept', undefined],
      ['cookie', ''],
    ],
    part: { first: 1, completeOctets: 10 },
    trailers: [['X-Sum', '1']],
  });
  await store.keep('a', whole, hello);
  const [entry, ...others] = await store.find('a');
  expect(others).toEqual([]);
  expect(entry).toMatchObject({ generation: '7', stored: whole.stored });
  expect(entry?.stored.selecting[0]).toEqual(['accept', undefined]);
  expect(await entry?.content()).toEqual(hello);
});

test('names tell nothing of the key', async () => {
  const { blobs, store } = place();
  await store.keep('somebody\nhttp://secret.example/', kept(), hello);
  expect([...blobs.keys()].join()).not.toMatch(/secret|somebody/);
});

test('what takes the place of another, or is removed, leaves no octets behind', async () => {
  const { blobs, store } = place();
  await store.keep('a', kept(), hello);
  await store.keep('a', kept({ responseTime: 3 }), hello);
  await store.keep('a', kept({ responseTime: 1 }), hello); // older than what is there
  expect(blobs.size).toBe(2);
  await store.remove('a');
  expect(blobs.size).toBe(0);
});

test('another head leaves the content where it is', async () => {
  const { blobs, store } = place();
  await store.keep('a', kept(), hello);
  const [entry] = await store.find('a');
  if (entry === undefined) throw new Error('nothing is stored');
  await store.keep('a', kept({ responseTime: 3, status: 203 }), entry);
  const [updated] = await store.find('a');
  expect(updated?.stored.status).toBe(203);
  expect(await updated?.content()).toEqual(hello);
  expect(blobs.size).toBe(2);
});

describe('a miss, and no failure', () => {
  test.each(['get', 'put', 'delete'] as const)('is a place that is down for %s', async (method) => {
    const { store } = place({ [method]: down });
    await store.keep('a', kept(), hello);
    await store.keep('a', kept({ responseTime: 3 }), hello);
    await store.find('a');
    await store.remove('a');
    if (method !== 'delete') expect(await store.find('a')).toEqual([]);
  });

  test('is an index that is none, or of another format', async () => {
    const { blobs, store } = place();
    await store.keep('a', kept(), hello);
    const index = [...blobs.keys()].find((name) => !name.includes('/')) ?? '';
    for (const text of ['', '{', 'null', '[]', '{"format":1}', '{"format":0,"lines":[]}', '{"format":1,"lines":[1]}']) {
      blobs.set(index, new TextEncoder().encode(text));
      expect(await store.find('a')).toEqual([]);
    }
  });

  test.each([
    ['gone', undefined],
    ['shorter than it was', hello.subarray(0, 4)],
  ])('is content that is %s', async (_, octets) => {
    const { blobs, store } = place();
    await store.keep('a', kept(), hello);
    const name = [...blobs.keys()].find((one) => one.includes('/')) ?? '';
    if (octets === undefined) blobs.delete(name);
    else blobs.set(name, octets);
    expect(await (await store.find('a'))[0]?.content()).toBeUndefined();
  });

  test('is content that is too large', async () => {
    const { blobs, store } = place();
    await store.keep('a', kept(), new Uint8Array(1_001));
    expect(blobs.size).toBe(0);
  });
});
