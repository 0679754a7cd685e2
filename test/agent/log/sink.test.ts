// Lines reach their file in order, and a reader that has gone takes nothing down with it.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lineSink } from '../../../agent/log/sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-sink-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Characters, more than any test writes. */
const many = 16 * 1024 * 1024;

test('every line is written whole and in order, whether it was made before or is made later', async () => {
  const path = join(folder, 'log');
  const sink = lineSink(openSync(path, 'w'), many);
  const lines = Array.from({ length: 1_000 }, (_, i) => `${i} ${'ä'.repeat(i % 100)}`);
  for (const [i, line] of lines.entries()) sink.write(i % 2 === 0 ? line : () => line);
  await sink.end();
  expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`);
});

test('without a line there is nothing to wait for', async () => {
  await lineSink(openSync(join(folder, 'empty'), 'w'), many).end();
});

test.skipIf(process.platform !== 'linux')('a full disk loses lines and nothing else', async () => {
  const sink = lineSink(openSync('/dev/full', 'w'), many);
  for (let i = 0; i < 100; i++) sink.write('x'.repeat(1_000));
  await sink.end();
});

test.skipIf(process.platform === 'win32').each(['has gone', 'has stopped reading'])(
  'a reader that %s loses lines and nothing else',
  async (what) => {
    const pipe = join(folder, what);
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = lineSink(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), many);
    if (what === 'has gone') closeSync(reader);
    for (let i = 0; i < 1_000; i++) sink.write('x'.repeat(1_000));
    await sink.end();
    if (what !== 'has gone') closeSync(reader);
  },
);

test.skipIf(process.platform === 'win32')(
  'a reader that stops reading gets maxHeldLogCharacters later, and what was beyond them is lost',
  async () => {
    const pipe = join(folder, 'slow');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    const filling = fill(writer);
    const sink = lineSink(writer, 64 * 100);
    // Lines are made by 64 at a time: one batch comes to the bound, and those after it are dropped.
    for (let i = 0; i < 256; i++) sink.write(String(i).padEnd(99));
    expect(drain(reader)).toBe(filling);
    await sink.end();
    expect(drain(reader)).toBe(64 * 100);
  },
);

/** Writes into a pipe until it takes no more; gives how many octets that were. */
function fill(pipe: number): number {
  let octets = 0;
  for (;;) {
    try {
      octets += writeSync(pipe, Buffer.alloc(4096));
    } catch {
      return octets;
    }
  }
}

/** Reads all that is in a pipe; gives how many octets that were. */
function drain(pipe: number): number {
  const piece = Buffer.alloc(65_536);
  let octets = 0;
  for (;;) {
    try {
      const read = readSync(pipe, piece);
      if (read === 0) return octets;
      octets += read;
    } catch {
      return octets;
    }
  }
}
