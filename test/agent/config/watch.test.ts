// What a watch of a file tells, look by look: only what has settled, and only what is new.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Watch, watchFile } from '../../../agent/config/watch.ts';

let folder: string;
let told: string[];
let watch: Watch | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgehop-watch-'));
  told = [];
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});

afterEach(() => {
  watch?.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const intervalMs = 500;

/** Each look is one interval; the wall clock is far behind or ahead of the file as the test wants. */
function start(names: readonly string[] = ['a'], wallTime = () => Number.POSITIVE_INFINITY): void {
  const nameOf = (path: string) => path.slice(folder.length + 1);
  watch = watchFile({
    paths: names.map((name) => join(folder, name)),
    wallTime,
    onText: (text, path) => void told.push(`${nameOf(path)}: ${text}`),
    onGone: (path, because) => void told.push(`${nameOf(path)} ${because}`),
    intervalMs,
  });
}

const look = (times = 1) => vi.advanceTimersByTime(times * intervalMs);
const write = (text: string, name = 'a') => writeFileSync(join(folder, name), text);

test('what a file says is told once it is the same at two looks, and once', () => {
  write('one');
  start();
  look();
  expect(told).toEqual([]);
  look(5);
  expect(told).toEqual(['a: one']);
});

test('what changes from look to look is told when it has come to rest: the last of it', () => {
  write('0');
  start();
  for (const text of ['{', '{ "ed', '{ "edge"', '{ "edge": {} }']) {
    write(text);
    look();
  }
  expect(told).toEqual([]);
  look(2);
  expect(told).toEqual(['a: { "edge": {} }']);
});

test('a new file in the place of the old one is told', () => {
  write('old');
  start();
  look(3);
  write('new', 'a.swp');
  renameSync(join(folder, 'a.swp'), join(folder, 'a'));
  look(2);
  expect(told).toEqual(['a: old', 'a: new']);
});

test('a file that is touched, and says the same, is not told', () => {
  write('same');
  start();
  look(3);
  write('same');
  look(3);
  chmodSync(join(folder, 'a'), 0o600);
  look(3);
  expect(told).toEqual(['a: same']);
});

test('a file that is gone is told once, and what it says when it is back', () => {
  write('one');
  start();
  look(3);
  rmSync(join(folder, 'a'));
  look(4);
  write('one');
  look(3);
  expect(told).toEqual(['a: one', 'a it is gone', 'a: one']);
});

test('a file that is gone for less than two looks is not missed', () => {
  write('one');
  start();
  look(3);
  rmSync(join(folder, 'a'));
  look();
  write('two');
  look(2);
  expect(told).toEqual(['a: one', 'a: two']);
});

test('where a file cannot be read, that is told', () => {
  write('one');
  start();
  look(3);
  rmSync(join(folder, 'a'));
  mkdirSync(join(folder, 'a'));
  look(3);
  expect(told).toEqual(['a: one', 'a it is no file']);
});

test.skipIf(process.platform === 'win32')('a pipe, which would never end, is not read', () => {
  execFileSync('mkfifo', [join(folder, 'a')]);
  start();
  look(3);
  watch?.readNow();
  expect(told).toEqual([]);
});

test('a file that is far too large is not read', () => {
  write('one');
  start();
  look(3);
  truncateSync(join(folder, 'a'), 16 * 1024 * 1024 + 1);
  look(3);
  expect(told).toEqual(['a: one', 'a it is larger than 16777216 octets']);
});

test('of several the first that comes is the one, from then on', () => {
  start(['a', 'b']);
  look(3);
  write('of b', 'b');
  look(2);
  write('of a', 'a');
  look(3);
  expect(told).toEqual(['b: of b']);
});

test('where there is none nothing is told', () => {
  start(['a', 'b']);
  look(5);
  watch?.readNow();
  expect(told).toEqual([]);
});

test('who asks is told at once, and again', () => {
  write('one');
  start();
  watch?.readNow();
  watch?.readNow();
  expect(told).toEqual(['a: one', 'a: one']);
});

test('a file so young that its time may not have moved is read at every look', () => {
  write('one');
  start(['a'], () => 0);
  look(2);
  expect(told).toEqual(['a: one']);
  write('two'); // of the same length
  look(2);
  expect(told).toEqual(['a: one', 'a: two']);
});

test('a mark that editors put at the beginning is no part of the text', () => {
  write('\ufeff{}');
  start();
  look(2);
  expect(told).toEqual(['a: {}']);
});
