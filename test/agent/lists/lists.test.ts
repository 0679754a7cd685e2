// Lists over their life: read at the start, read again in time, kept when their source fails.
import { mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { FetchedList, ListFetch, Validators } from '../../../agent/lists/list-fetch.ts';
import { type Lists, openLists } from '../../../agent/lists/lists.ts';
import { readLists } from '../../../agent/lists/read-lists.ts';
import { hostList } from '../../../schemas/list.ts';
import { epochMs, stillClock } from '../../support/walk.ts';

const url = 'https://lists.example/ads';
const fromUrl = { ads: hostList.parse({ url, refreshMinutes: 60 }) };
const fromFile = { ads: hostList.parse({ file: 'ads.txt', refreshMinutes: 60, maxBytes: 1_000 }) };

test('a list from a file is there when the lists are', async () => {
  const { lists, write } = await opened(fromFile, { 'ads.txt': 'ads.example\nnot a name\n' });
  expect(lists.isListed('ads', 'www.ads.example')).toBe(true);
  expect(lists.isListed('ads', 'example')).toBe(false);
  expect(lists.isListed('others', 'ads.example')).toBe(false);
  expect(lists.counts()).toEqual([
    { name: 'ads', source: 'ads.txt', names: 1, exceptions: 0, notUnderstood: 1, matches: 1, refreshedAt: epochMs },
  ]);
  expect(write).toBeDefined();
});

test('a file is looked at every other second, and read where it was changed', async () => {
  const { lists, timers, write } = await opened(fromFile, { 'ads.txt': 'ads.example\n' });
  expect(timers.due()).toEqual([2_000]);
  write('ads.txt', 'other.example\n');
  await timers.fire();
  expect(lists.isListed('ads', 'ads.example')).toBe(false);
  expect(lists.isListed('ads', 'other.example')).toBe(true);
  expect(timers.due()).toEqual([2_000]);
});

test('a file is read again when the configuration is, and its matches go on', async () => {
  const { lists, folder, write } = await opened(fromFile, { 'ads.txt': 'ads.example\n' });
  lists.isListed('ads', 'ads.example');
  write('ads.txt', 'other.example\n');
  await lists.reload(fromFile, folder);
  expect(lists.isListed('ads', 'other.example')).toBe(true);
  expect(lists.counts()).toMatchObject([{ matches: 2 }]);
});

test('a list that the configuration has no more is gone, and is read no more', async () => {
  const { lists, timers, folder } = await opened(fromFile, { 'ads.txt': 'ads.example\n' });
  await lists.reload({}, folder);
  expect(lists.isListed('ads', 'ads.example')).toBe(false);
  expect([lists.counts(), timers.due()]).toEqual([[], []]);
});

test('a list that goes is there until those that come have been read: the rules of before still ask for it', async () => {
  const { lists, folder, write } = await opened(fromFile, { 'ads.txt': 'ads.example\n' });
  write('others.txt', 'others.example\n');
  const reloading = lists.reload({ others: hostList.parse({ file: 'others.txt' }) }, folder);
  expect(lists.isListed('ads', 'ads.example')).toBe(true);
  await reloading;
  expect(lists.isListed('ads', 'ads.example')).toBe(false);
  expect(lists.isListed('others', 'others.example')).toBe(true);
});

test('a list whose source is another one now keeps what it had until that is read', async () => {
  const { lists, timers, folder } = await opened(
    fromFile,
    { 'ads.txt': 'ads.example\n' },
    undefined,
    gives('new.example\n', {}),
  );
  const reloading = lists.reload(fromUrl, folder);
  expect(lists.isListed('ads', 'ads.example')).toBe(true);
  await reloading;
  expect(lists.isListed('ads', 'ads.example')).toBe(true);
  await timers.fire();
  expect(['ads.example', 'new.example'].map((host) => lists.isListed('ads', host))).toEqual([false, true]);
});

test('a file that turned bad leaves the list as it was, which is said once', async () => {
  const { lists, timers, said, write } = await opened(fromFile, { 'ads.txt': 'ads.example\n' });
  write('ads.txt', '<html>no list at all</html>\n');
  await timers.fire();
  await timers.fire();
  expect(lists.isListed('ads', 'ads.example')).toBe(true);
  const problem = 'The list "ads" was not read: no line of it names a host; the one before stays.';
  expect(said).toEqual([problem]);
  expect(lists.counts()).toMatchObject([{ problem }]);
  expect(timers.due()).toEqual([2_000]);
  write('ads.txt', 'ads.example\nother.example\n');
  await timers.fire();
  expect(lists.counts()).toMatchObject([{ names: 2, problem: undefined }]);
});

test('a block list of a gigabyte is refused by its size', async () => {
  const { said, lists } = await opened(fromFile, { 'ads.txt': 'ads.example\n' }, (folder) =>
    truncateSync(join(folder, 'ads.txt'), 2 ** 30),
  );
  expect(said).toEqual(['The list "ads" was not read: it is larger than its maxBytes, 1000; it is empty.']);
  expect(lists.isListed('ads', 'ads.example')).toBe(false);
});

test.each([
  ['is not there', 'absent.txt', /there is no file .*absent\.txt; it is empty\.$/],
  ['is a folder', '.', /it is not a file; it is empty\.$/],
  ['never ends', '/dev/zero', /it is not a file; it is empty\.$/],
])('a file that %s makes an empty list and a sentence', async (_what, file, sentence) => {
  const { said } = await opened({ ads: hostList.parse({ file }) }, {});
  expect(said).toEqual([expect.stringMatching(sentence)]);
});

test('a list from elsewhere is fetched behind the start, kept on disk, and there at the next start', async () => {
  const first = await opened(fromUrl, {}, undefined, gives('ads.example\n', { etag: '"1"' }));
  expect(first.lists.isListed('ads', 'ads.example')).toBe(false);
  expect(first.timers.due()).toEqual([0]);
  await first.timers.fire();
  expect(first.lists.isListed('ads', 'ads.example')).toBe(true);
  expect(first.timers.due()).toEqual([60 * 60_000]);
  const second = await opened(fromUrl, {}, undefined, gives('', {}), first.folder);
  expect(second.lists.isListed('ads', 'ads.example')).toBe(true);
  expect(second.timers.due()).toEqual([60 * 60_000]);
});

test('what is fetched again is asked for by its version; unchanged, it stays', async () => {
  const asked: Validators[] = [];
  const { lists, timers } = await opened(fromUrl, {}, undefined, async (request) => {
    asked.push(request.validators);
    if (asked.length > 1) return { kind: 'unchanged' };
    return gives('ads.example\n', { etag: '"1"', lastModified: 'yesterday' })(request);
  });
  await timers.fire();
  await timers.fire();
  expect(asked).toEqual([{}, { etag: '"1"', lastModified: 'yesterday' }]);
  expect(lists.isListed('ads', 'ads.example')).toBe(true);
});

test.each([
  [
    'fails',
    async (): Promise<FetchedList> => ({ kind: 'failed', because: 'its source answered 500' }),
    'its source answered 500',
  ],
  ['gives what is no list', gives('<html>log in</html>\n', {}), 'no line of it names a host'],
] as const)('a source that %s leaves the list and its copy as they were', async (_what, fetch, because) => {
  const first = await opened(fromUrl, {}, undefined, gives('ads.example\n', {}));
  await first.timers.fire();
  const second = await opened(fromUrl, {}, undefined, fetch, first.folder, 2 * 60 * 60_000);
  expect(second.timers.due()).toEqual([0]);
  await second.timers.fire();
  expect(second.said).toEqual([`The list "ads" was not read: ${because}; the one before stays.`]);
  expect(second.lists.isListed('ads', 'ads.example')).toBe(true);
  expect(second.timers.due()).toEqual([10 * 60_000]);
  const third = await opened(fromUrl, {}, undefined, fetch, first.folder);
  expect(third.lists.isListed('ads', 'ads.example')).toBe(true);
  expect(readdirSync(join(first.folder, 'cache', 'lists'))).toHaveLength(1);
});

test('a fetch on its way is given up when the lists are closed, and nothing is left of it', async () => {
  let signal: AbortSignal | undefined;
  const { promise, resolve } = Promise.withResolvers<FetchedList>();
  const { lists, timers, said, folder } = await opened(fromUrl, {}, undefined, async (request) => {
    await request.begin({});
    signal = request.signal;
    return promise;
  });
  const firing = timers.fire();
  await expect.poll(() => signal).toBeDefined();
  lists.close();
  expect(signal?.aborted).toBe(true);
  resolve({ kind: 'failed', because: 'it took too long' });
  await firing;
  expect([said, timers.due()]).toEqual([[], []]);
  await expect.poll(() => readdirSync(join(folder, 'cache', 'lists'))).toEqual([]);
});

test('a refresh time beyond what timers take is waited for in steps', async () => {
  const config = { ads: hostList.parse({ url, refreshMinutes: 525_600 }) };
  const { timers } = await opened(config, {}, undefined, gives('ads.example\n', {}));
  await timers.fire();
  expect(timers.due()).toEqual([2 ** 31 - 1]);
  await timers.fire();
  expect(timers.due()).toEqual([2 ** 31 - 1]);
});

test('without an agent files and last copies are read, and what is missing is said', async () => {
  const { folder, timers } = await opened(
    fromUrl,
    { 'own.txt': 'own.example\n' },
    undefined,
    gives('ads.example\n', {}),
  );
  const config = { ...fromUrl, own: hostList.parse({ file: 'own.txt' }) };
  const ports = { config, configFolder: folder, cacheFolder: join(folder, 'cache') };
  expect((await readLists(ports)).problems).toEqual(['The list "ads" was not read: no agent has fetched it yet.']);
  await timers.fire();
  const { isListed, problems } = await readLists(ports);
  expect([isListed('own', 'own.example'), isListed('ads', 'x.ads.example'), isListed('ads', 'own.example')]).toEqual([
    true,
    true,
    false,
  ]);
  expect(problems).toEqual([]);
});

function gives(text: string, validators: Validators): ListFetch {
  return async ({ begin, write }) => {
    await begin(validators);
    await write(Buffer.from(text));
    return { kind: 'fetched' };
  };
}

let version = 0;

async function opened(
  config: Parameters<typeof openLists>[0]['config'],
  files: Readonly<Record<string, string>>,
  prepare: (folder: string) => void = () => undefined,
  fetch: ListFetch = async () => ({ kind: 'failed', because: 'nobody is asked here' }),
  folder = mkdtempSync(join(tmpdir(), 'edgehop-lists-')),
  at = 0,
) {
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  /** Another time for each, whatever the file system can tell apart. */
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    version++;
    utimesSync(join(folder, name), 1_700_000_000 + version, 1_700_000_000 + version);
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  prepare(folder);
  const said: string[] = [];
  const timers = testTimers();
  const lists = await openLists({
    config,
    configFolder: folder,
    cacheFolder: join(folder, 'cache'),
    fetch,
    clock: stillClock(at),
    say: (sentence) => said.push(sentence),
    after: timers.after,
  });
  timers.of(lists);
  onTestFinished(() => lists.close());
  return { lists, timers, said, folder, write };
}

/** Timers that fire when the test says so. */
function testTimers() {
  const waiting = new Map<() => void, number>();
  let lists: Lists | undefined;
  return {
    after: (delayMs: number, then: () => void) => {
      waiting.set(then, delayMs);
      return () => void waiting.delete(then);
    },
    of: (opened: Lists) => {
      lists = opened;
    },
    due: () => [...waiting.values()],
    /** Fires all, and settles when what they began is over. */
    fire: async () => {
      const firing = [...waiting.keys()];
      waiting.clear();
      for (const then of firing) then();
      await lists?.settled();
    },
  };
}
