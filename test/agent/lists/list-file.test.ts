// Reading a list from a file: bounded whatever its size says, in pieces, and not at all when it did not change.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readListFile } from '../../../agent/lists/list-file.ts';

test('a file of many pieces is read whole, also where a piece ends within a character', async () => {
  const names = Array.from({ length: 20_000 }, (_, at) => `ü${at}.example`);
  const read = await readListFile(fileOf(names.join('\n')), 1_000_000);
  if (read.kind !== 'read') throw new Error(read.kind);
  expect(read.list.counts).toEqual({ names: 20_000, exceptions: 0, notUnderstood: 0 });
  expect(names.every((name) => read.list.has(new URL(`http://${name}`).hostname))).toBe(true);
});

test('a file that did not change is not read', async () => {
  const path = fileOf('ads.example\n');
  const read = await readListFile(path, 1_000);
  if (read.kind !== 'read') throw new Error(read.kind);
  expect(await readListFile(path, 1_000, read.modifiedAtMs)).toEqual({ kind: 'unchanged' });
  expect(await readListFile(path, 1_000, read.modifiedAtMs - 1)).toMatchObject({ kind: 'read' });
});

test.each([
  [12, 'read'],
  [11, 'failed'],
])('with a bound of %i octets a file of 12 is %s', async (maxBytes, kind) => {
  expect(await readListFile(fileOf('ads.example\n'), maxBytes)).toMatchObject({ kind });
});

test.skipIf(process.platform !== 'linux')(
  'a file that has more than its size says is refused all the same',
  async () => {
    const read = await readListFile('/proc/self/limits', 100); // says that it has none
    expect(read).toEqual({ kind: 'failed', because: 'it is larger than its maxBytes, 100' });
  },
);

test('a file that is not there is absent', async () => {
  expect(await readListFile(join(tmpdir(), 'edgehop-no-such-list'), 1_000)).toEqual({ kind: 'absent' });
});

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-list-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'list.txt');
  writeFileSync(path, text);
  return path;
}
