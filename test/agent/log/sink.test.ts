// Lines reach their file in order, and a reader that has gone takes nothing down with it.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lineSink } from '../../../agent/log/sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgehop-sink-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('every line is written whole and in order, whether it was made before or is made later', async () => {
  const path = join(folder, 'log');
  const sink = lineSink(openSync(path, 'w'));
  const lines = Array.from({ length: 1_000 }, (_, i) => `${i} ${'ä'.repeat(i % 100)}`);
  for (const [i, line] of lines.entries()) sink.write(i % 2 === 0 ? line : () => line);
  await sink.end();
  expect(readFileSync(path, 'utf8')).toBe(`${lines.join('\n')}\n`);
});

test('without a line there is nothing to wait for', async () => {
  await lineSink(openSync(join(folder, 'empty'), 'w')).end();
});

test.skipIf(process.platform !== 'linux')('a full disk loses lines and nothing else', async () => {
  const sink = lineSink(openSync('/dev/full', 'w'));
  for (let i = 0; i < 100; i++) sink.write('x'.repeat(1_000));
  await sink.end();
});

test.skipIf(process.platform === 'win32').each(['has gone', 'has stopped reading'])(
  'a reader that %s loses lines and nothing else',
  async (what) => {
    const pipe = join(folder, what);
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const sink = lineSink(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    if (what === 'has gone') closeSync(reader);
    for (let i = 0; i < 1_000; i++) sink.write('x'.repeat(1_000));
    await sink.end();
    if (what !== 'has gone') closeSync(reader);
  },
);
