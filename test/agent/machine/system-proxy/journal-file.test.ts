// The journal on the disk: its owner's only, whole or not there, and one writer at a time.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalFile } from '../../../../agent/machine/system-proxy/journal-file.ts';
import type { SystemProxyJournal } from '../../../../schemas/system-proxy.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const journal: SystemProxyJournal = {
  version: 1,
  way: { kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' },
  agent: { pid: 1, port: 8080 },
  stage: 'set',
  settings: [
    { desktop: 'gnome', place: '', name: 'mode', group: 'proxy', role: 'switch', previous: null, set: ["'auto'"] },
  ],
  texts: [{ desktop: 'kde', path: '/k', previous: 'ä\xff\n' }],
};

test('what is written is read, and removed without a trace but the lock', () => {
  const store = journalFile(join(folder, 'state'));
  expect(store.read()).toEqual({ kind: 'none' });
  expect(existsSync(join(folder, 'state'))).toBe(false);
  const lock = store.lock();
  store.write(journal);
  expect(store.read()).toEqual({ kind: 'held', journal });
  store.remove();
  lock?.release();
  expect(store.read()).toEqual({ kind: 'none' });
  expect(readdirSync(dirname(store.path))).toEqual(['lock']);
});

test.skipIf(process.platform === 'win32')('G09: it is its owner’s only, and a link in its way is not followed', () => {
  const store = journalFile(folder);
  store.lock()?.release();
  symlinkSync(join(folder, 'elsewhere'), `${store.path}.new`); // what a killed writer may have left, or somebody put there
  store.write(journal);
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
  expect(statSync(store.path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(store.path)).mode & 0o777).toBe(0o700);
});

test.each([
  ['', 'it is no JSON'],
  ['{"version":1,', 'it is no JSON'],
  ['{"version":2}', 'version: '],
  [JSON.stringify({ ...journal, more: true }), ': '],
])('%j is not taken for a journal', (text, because) => {
  const { path, read } = journalFile(folder);
  mkdirSync(dirname(path));
  writeFileSync(path, text);
  expect(read()).toEqual({ kind: 'unreadable', because: expect.stringContaining(because) });
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('one at a time has the lock', () => {
  const [one, other] = [journalFile(folder), journalFile(folder)];
  const lock = one.lock();
  expect(other.lock()).toBeUndefined();
  lock?.release();
  const next = other.lock();
  expect(next).toBeDefined();
  next?.release();
});
