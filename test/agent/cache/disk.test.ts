// The disk's part of the store outlives the process, however that ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { contentOf, headOf, mebibyte } from '../../support/cache-content.ts';
import { drained, got, openedStore, put, scratchFolder, shown, until } from '../../support/cache-store.ts';

const script = fileURLToPath(new URL('../../support/store-process.ts', import.meta.url));

test.each([1, 20, 47, 110, 173])(
  'E10: killed in the middle of writing, after %d entries: nothing torn is served',
  async (count) => {
    const folder = scratchFolder();
    await storeAndKill(folder, count);
    const store = await openedStore({ folder, diskBytes: 8 * mebibyte });
    expect(store.stat().disk.state).toBe('open');
    const listed = store.list({ kind: 'all' }, 1_000);
    for (const { entry } of listed) {
      const seed = Number(entry.stored.url.split('/').at(-1));
      expect(entry.stored.octets).toBe(seed % 10 === 0 ? 1_500_000 + seed : 1_000 * seed);
      expect(await got(store, entry)).toBe(shown(contentOf(entry.stored.octets, seed)));
      expect(store.find(entry.key)).toHaveLength(1);
    }
    expect(store.stat().lost).toBe(0);
    if (count > 20) expect(listed.length).toBeGreaterThan(0);
    // What nobody knows is swept, and it goes on from there.
    await until(() => files(folder) === listed.filter(({ entry }) => entry.stored.octets > 0).length);
    put(store, 'http://example.com/new', contentOf(10_000));
    await store.close();
    const again = await openedStore({ folder });
    expect(await got(again, again.find('http://example.com/new')[0])).toBe(shown(contentOf(10_000)));
  },
);

test('a folder that is killed over and over holds what it should', async () => {
  const folder = scratchFolder();
  for (const count of [3, 30, 12]) await storeAndKill(folder, count);
  const store = await openedStore({ folder, diskBytes: 8 * mebibyte });
  for (const { entry } of store.list({ kind: 'all' }, 1_000)) expect(await got(store, entry)).not.toMatch(/error/);
  expect(store.stat().disk.octets).toBeLessThanOrEqual(8 * mebibyte);
});

test('a disk that takes no content: what is small stays in memory, what is large is passed on', async () => {
  const folder = scratchFolder();
  const store = await openedStore({ folder });
  rmSync(join(folder, 'content'), { recursive: true });
  const entry = put(store, 'http://a/', contentOf(10_000));
  await until(() => store.stat().lost === 1);
  expect(await got(store, entry)).toBe(shown(contentOf(10_000)));
  const large = store.begin('http://b/', headOf('http://b/'), undefined);
  const followed = large && drained(large.follow());
  for (let i = 0; i < 30; i++) {
    if (large?.write(contentOf(100_000, i)) === false) await new Promise<void>((resolve) => large.onDrain(resolve));
  }
  await until(() => large?.isGivenUp === true);
  expect(large?.commit([['X-Sum', '1']])).toBeUndefined();
  const everything = Buffer.concat(Array.from({ length: 30 }, (_, i) => contentOf(100_000, i)));
  expect(shown((await followed)?.octets)).toBe(shown(everything));
  expect((await followed)?.ending).toEqual({ trailers: [['X-Sum', '1']] });
  expect(store.find('http://b/')).toEqual([]);
});

test('an index of another version, or of something else, is begun anew', async () => {
  const folder = scratchFolder();
  writeFileSync(join(folder, 'index'), 'something else that is long enough to be an index');
  const store = await openedStore({ folder });
  put(store, 'http://a/', contentOf(10));
  await store.close();
  const again = await openedStore({ folder });
  expect(again.find('http://a/')).toHaveLength(1);
});

test('files that are none of ours are left alone', async () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'content', '00'), { recursive: true });
  writeFileSync(join(folder, 'content', '00', 'README.txt'), 'mine');
  writeFileSync(join(folder, 'content', '00', 'abc'), 'an orphan');
  await openedStore({ folder });
  await until(() => files(folder) === 1);
  expect(readdirSync(join(folder, 'content', '00'))).toEqual(['README.txt']);
});

/** Ends a process that stores, as soon as it has said that it has stored so many. */
async function storeAndKill(folder: string, count: number): Promise<void> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('latin1');
  for await (const text of child.stdout) {
    said += text;
    if (said.includes(`\n${count}\n`)) break;
  }
  child.kill('SIGKILL');
  await closed;
  expect(child.signalCode).toBe('SIGKILL');
}

function files(folder: string): number {
  return readdirSync(join(folder, 'content'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
}
