// Content to the client and into the store at once: whose pace it has, and what happens when clients leave.
import { describe, expect, test } from 'vitest';
import { type Tee, teed } from '../../../../agent/proxy/cache/teed.ts';
import type { Content, Entry } from '../../../../agent/proxy/ports.ts';
import { type Stream, stream } from '../../../support/caching.ts';
import { type FakeStore, fakeStore } from '../../../support/fake-store.ts';

const head = {
  url: 'http://o.example/',
  status: 200,
  reason: 'OK',
  fields: [],
  requestTime: 0,
  responseTime: 0,
  selecting: [],
} as const;

test('the client and the store get the same, and the store has it first', () => {
  const { tee, source, store, over } = begun();
  const client = reader(tee.content, () => store.entries.length);
  source.write('con');
  source.write('tent');
  source.end([['X-Sum', '7']]);
  expect(client).toMatchObject({ octets: 'content', ending: 'end', storedAtEnd: 1 });
  expect(store.entries).toMatchObject([{ stored: { octets: 7, trailers: [['X-Sum', '7']] } }]);
  expect(over).toEqual([store.entries[0]]);
});

test('nothing flows before the client reads or has left', () => {
  const { source, tee } = begun();
  expect(source.hasBegun).toBe(false);
  tee.content.cancel();
  expect(source.hasBegun).toBe(true);
});

test('content that breaks off is stored nowhere', () => {
  const { tee, source, store, over } = begun();
  const client = reader(tee.content);
  source.write('con');
  source.fail();
  expect(client).toMatchObject({ octets: 'con', ending: 'http_response_incomplete' });
  expect(store).toMatchObject({ entries: [], aborted: 1 });
  expect(over).toEqual([undefined]);
});

describe('pace', () => {
  test('is the client’s while it is alone', () => {
    const { tee, source } = begun();
    const client = reader(tee.content);
    client.isSlow = true;
    source.write('a');
    expect(source.isWanted).toBe(false);
    tee.content.resume();
    expect(source.isWanted).toBe(true);
  });

  test('is the store’s where that is slower', () => {
    const { tee, source, store } = begun();
    const client = reader(tee.content);
    store.isSlow = true;
    client.isSlow = true;
    source.write('a');
    tee.content.resume();
    expect(source.isWanted).toBe(false);
    store.drain();
    expect(source.isWanted).toBe(true);
  });

  test('a slow client does not hold one that comes later, and still gets everything', () => {
    const { tee, source } = begun();
    const slow = reader(tee.content);
    slow.isSlow = true;
    source.write('a');
    expect(source.isWanted).toBe(false);
    const quick = reader(tee.join() as Content);
    expect(source.isWanted).toBe(true);
    source.write('b');
    source.write('c');
    expect([slow.octets, quick.octets]).toEqual(['a', 'abc']);
    slow.isSlow = false;
    tee.content.resume();
    source.write('d');
    source.end();
    expect([slow, quick]).toMatchObject([
      { octets: 'abcd', ending: 'end' },
      { octets: 'abcd', ending: 'end' },
    ]);
  });

  test('a client that becomes slow does not hold who came before that', () => {
    const { tee, source } = begun();
    const slow = reader(tee.content);
    const quick = reader(tee.join() as Content);
    source.write('a');
    slow.isSlow = true;
    source.write('b');
    expect(source.isWanted).toBe(true);
    source.write('c');
    source.end();
    expect([slow.octets, quick.octets]).toEqual(['ab', 'abc']);
    slow.isSlow = false;
    tee.content.resume();
    expect(slow).toMatchObject({ octets: 'abc', ending: 'end' });
  });
});

describe('a client that leaves', () => {
  test('ends content of which more is to come than is worth it', () => {
    const { tee, source, store, over } = begun({ octets: 100, maxUnwatchedOctets: 10 });
    reader(tee.content);
    source.write('a'.repeat(89));
    tee.content.cancel();
    expect(source.wasCancelled).toBe(true);
    expect(store.aborted).toBe(1);
    expect(over).toEqual([undefined]);
  });

  test('does not end content of which little is to come', () => {
    const { tee, source, store } = begun({ octets: 100, maxUnwatchedOctets: 10 });
    const client = reader(tee.content);
    client.isSlow = true;
    source.write('a'.repeat(90));
    tee.content.cancel();
    expect(source.isWanted).toBe(true);
    source.write('b'.repeat(10));
    source.end();
    expect(source.wasCancelled).toBe(false);
    expect(store.entries).toMatchObject([{ stored: { octets: 100 } }]);
    expect(client.octets).toBe('a'.repeat(90));
  });

  test('lets content of unknown length come up to a bound', () => {
    const { tee, source, store } = begun({ maxUnwatchedOctets: 10 });
    reader(tee.content);
    tee.content.cancel();
    source.write('a'.repeat(10));
    expect(source.wasCancelled).toBe(false);
    source.write('b');
    expect(source.wasCancelled).toBe(true);
    expect(store.aborted).toBe(1);
  });

  test('lets content come for so long only', async () => {
    const { tee, source, ended } = begun({ maxUnwatchedMs: 1 });
    reader(tee.content);
    tee.content.cancel();
    await ended;
    expect(source.wasCancelled).toBe(true);
  });

  test('leaves everything to who waits for the same', () => {
    const { tee, source, store } = begun({ octets: 100, maxUnwatchedOctets: 10 });
    reader(tee.content);
    const other = tee.join() as Content;
    const client = reader(other);
    source.write('a');
    tee.content.cancel();
    expect(source.wasCancelled).toBe(false);
    source.write('b');
    expect(client.octets).toBe('ab');
    other.cancel();
    expect(source.wasCancelled).toBe(true);
    expect(store.aborted).toBe(1);
  });

  test('and one that comes in time', () => {
    const { tee, source } = begun({ maxUnwatchedOctets: 10 });
    reader(tee.content);
    tee.content.cancel();
    source.write('a');
    const late = reader(tee.join() as Content);
    source.write('b'.repeat(20));
    source.end();
    expect(late).toMatchObject({ octets: `a${'b'.repeat(20)}`, ending: 'end' });
  });
});

test('nobody joins what has ended, or is not stored any more', () => {
  const ended = begun();
  reader(ended.tee.content);
  ended.source.end();
  expect(ended.tee.join()).toBeUndefined();
  const given = begun({}, true);
  reader(given.tee.content).isSlow = true;
  given.source.write('a');
  expect(given.tee.join()).toBeUndefined();
  expect(given.source.isWanted).toBe(false);
});

interface Begun {
  readonly tee: Tee;
  readonly source: Stream;
  readonly store: FakeStore;
  readonly over: readonly (Entry | undefined)[];
  readonly ended: Promise<unknown>;
}

function begun(options: Partial<Parameters<typeof teed>[2]> = {}, isGivenUp = false): Begun {
  const store = fakeStore();
  const source = stream();
  const over: (Entry | undefined)[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const writer = store.begin(head.url, head, options.octets);
  if (writer === undefined) throw new Error('the store takes nothing');
  const tee = teed(source, isGivenUp ? { ...writer, isGivenUp } : writer, {
    octets: undefined,
    maxUnwatchedOctets: 10,
    maxUnwatchedMs: 60_000,
    onOver: (entry) => {
      over.push(entry);
      resolve();
    },
    ...options,
  });
  return { tee, source, store, over, ended: promise };
}

interface Reader {
  octets: string;
  ending: string | undefined;
  storedAtEnd: number;
  isSlow: boolean;
}

function reader(content: Content, stored = () => 0): Reader {
  const read: Reader = { octets: '', ending: undefined, storedAtEnd: -1, isSlow: false };
  content.flow({
    write: (octets) => {
      read.octets += octets.toString('latin1');
      return !read.isSlow;
    },
    end: () => {
      read.ending = 'end';
      read.storedAtEnd = stored();
    },
    fail: ({ type }) => {
      read.ending = type;
    },
  });
  return read;
}
