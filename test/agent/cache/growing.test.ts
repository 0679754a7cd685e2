// Content on its way into the store, read meanwhile: each reader has its own pace, and nobody holds without bound.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Content, EntryWriter } from '../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { contentOf, headOf, mebibyte } from '../../support/cache-content.ts';
import { drained, got, openedStore, put, scratchFolder, shown, until } from '../../support/cache-store.ts';

const url = 'http://example.com/a';
const blockOctets = 64 * 1024;

test('who follows gets what has been written, what follows, and the end with its trailers', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), undefined));
  writer.write(Buffer.from('ab'));
  const early = slowReader(writer.follow());
  early.resume();
  expect(early.text()).toBe('ab');
  writer.write(Buffer.from('cd'));
  expect(early.text()).toBe('abcd');
  const late = slowReader(writer.follow());
  late.resume();
  expect(late.text()).toBe('abcd');
  expect(late.ending()).toBeUndefined();
  writer.commit([['X-Sum', '1']]);
  expect([early.ending(), late.ending()]).toEqual([[['X-Sum', '1']], [['X-Sum', '1']]]);
});

test('one that reads nothing holds neither the writer nor the others, and has it all in the end', async () => {
  const folder = scratchFolder();
  const memoryBytes = 4 * mebibyte;
  const store = await openedStore({ folder, memoryBytes });
  const writer = begun(store.begin(url, headOf(url), undefined));
  const content = contentOf(8 * mebibyte);
  const slow = slowReader(writer.follow(), 1);
  const fast = drained(writer.follow());
  await writeAll(writer, content, () => {
    expect(store.stat().memory.octets).toBeLessThanOrEqual(memoryBytes);
  });
  const entry = writer.commit([]);
  expect(shown((await fast).octets)).toBe(shown(content));
  expect(slow.octets().length).toBe(0);
  expect(await got(store, entry)).toBe(shown(content));
  while (slow.ending() === undefined) {
    slow.resume();
    await new Promise(setImmediate);
  }
  expect(shown(slow.octets())).toBe(shown(content));
});

test('one that comes when much is on disk already has it all', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), 4 * mebibyte));
  const content = contentOf(4 * mebibyte);
  await writeAll(writer, content.subarray(0, 3 * mebibyte));
  const late = drained(writer.follow());
  await writeAll(writer, content.subarray(3 * mebibyte));
  writer.commit([]);
  expect(shown((await late).octets)).toBe(shown(content));
});

test('who follows what is aborted gets what there was, and then the failure', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), undefined));
  writer.write(Buffer.from('ab'));
  const follower = drained(writer.follow());
  writer.abort(new ProxyError('connection_terminated', 'The origin closed.'));
  const { octets, ending } = await follower;
  expect(octets.toString()).toBe('ab');
  expect('error' in ending && ending.error.type).toBe('connection_terminated');
});

test('what grows too large is passed on to those who keep up, and fails those who are far behind', async () => {
  const folder = scratchFolder();
  const store = await openedStore({ folder, maxEntryBytes: 2 * mebibyte });
  const writer = begun(store.begin(url, headOf(url), undefined));
  const content = contentOf(6 * mebibyte);
  const slow = slowReader(writer.follow(), 1);
  const fast = drained(writer.follow());
  await writeAll(writer, content);
  expect(writer.isGivenUp).toBe(true);
  expect(writer.commit([])).toBeUndefined();
  expect(shown((await fast).octets)).toBe(shown(content));
  expect(store.stat().memory.octets).toBeLessThan(mebibyte);
  while (slow.ending() === undefined) {
    slow.resume();
    await new Promise(setImmediate);
  }
  expect(slow.ending()).toBe('proxy_internal_error');
  expect(content.indexOf(slow.octets())).toBe(0); // nothing that is not the beginning
  await until(() => files(folder) === 0 && store.stat().memory.octets === 0);
});

test('who leaves lets the rest go on', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), undefined));
  const left = slowReader(writer.follow());
  left.resume();
  writer.write(Buffer.from('ab'));
  left.cancel();
  writer.write(Buffer.from('cd'));
  const entry = writer.commit([]);
  expect(left.text()).toBe('ab');
  expect(await got(store, entry)).toBe(shown(Buffer.from('abcd')));
});

test('an entry that is removed while it is read from memory or its file is read to its end', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  for (const content of [contentOf(200_000), contentOf(3 * mebibyte)]) {
    const entry = put(store, url, content);
    if (entry === undefined) throw new Error('it was not stored');
    await until(() => store.stat().disk.entries === 1);
    const reader = slowReader(store.content(entry, 0, content.length - 1), 1);
    reader.resume();
    await until(() => reader.octets().length > 0);
    store.remove(entry);
    while (reader.ending() === undefined) {
      reader.resume();
      await new Promise(setImmediate);
    }
    expect(shown(reader.octets())).toBe(shown(content));
  }
});

test('octets that were given are not changed when their owner uses them again', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), undefined));
  const used = Buffer.from('abc');
  writer.write(used);
  used.fill('x');
  expect(await got(store, writer.commit([]))).toBe(shown(Buffer.from('abc')));
});

test('a million pieces of one octet take no more memory than a few large ones', async () => {
  const store = await openedStore({ folder: scratchFolder() });
  const writer = begun(store.begin(url, headOf(url), undefined));
  const content = contentOf(500_000);
  for (let i = 0; i < content.length; i++) writer.write(content.subarray(i, i + 1));
  expect(store.stat().memory.octets).toBeLessThanOrEqual(content.length + blockOctets);
  expect(await got(store, writer.commit([]))).toBe(shown(content));
});

test('content that is asked for by many while it comes from the disk is read once for all', async () => {
  const folder = scratchFolder();
  const first = await openedStore({ folder });
  const content = contentOf(300_000);
  put(first, url, content);
  await first.close();
  const store = await openedStore({ folder });
  const [entry] = store.find(url);
  if (entry === undefined) throw new Error('it was lost');
  expect(store.octets(entry)).toBeUndefined();
  const all = await Promise.all([1, 2, 3].map(() => got(store, entry)));
  expect(new Set(all)).toEqual(new Set([shown(content)]));
  expect(shown(store.octets(entry))).toBe(shown(content));
});

function begun(writer: EntryWriter | undefined): EntryWriter {
  if (writer === undefined) throw new Error('the store does not take it');
  return writer;
}

async function writeAll(writer: EntryWriter, content: Buffer, afterEach: () => void = () => undefined): Promise<void> {
  for (let at = 0; at < content.length; at += 50_000) {
    const wantsMore = writer.write(content.subarray(at, Math.min(at + 50_000, content.length)));
    afterEach();
    if (!wantsMore) await new Promise<void>((resolve) => writer.onDrain(resolve));
  }
}

/** Begins when it is first told to go on; takes pieces until it has to be told again. */
function slowReader(content: Content, piecesAtOnce = Number.POSITIVE_INFINITY) {
  const pieces: Buffer[] = [];
  let ending: unknown;
  let hasBegun = false;
  const begin = () => {
    hasBegun = true;
    content.flow({
      write: (octets) => pieces.push(octets) % piecesAtOnce !== 0,
      end: (trailers) => {
        ending = trailers;
      },
      fail: (error) => {
        ending = error.type;
      },
    });
  };
  return {
    resume: () => (hasBegun ? content.resume() : begin()),
    cancel: () => content.cancel(),
    octets: () => Buffer.concat(pieces),
    text: () => Buffer.concat(pieces).toString(),
    ending: () => ending,
  };
}

function files(folder: string): number {
  return readdirSync(join(folder, 'content'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
}
