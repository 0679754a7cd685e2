// The note of a running agent: for its owner only, and told apart from those that were left behind.
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readStates, removeState, writeState } from '../../../agent/control/state-file.ts';
import type { AgentState } from '../../../schemas/api.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'edgehop-state-')), 'state');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const note = (port: number, pid = 1): AgentState => ({
  pid,
  host: '127.0.0.1',
  port,
  controlPort: 8081,
  controlToken: 'secret',
});

test.skipIf(process.platform === 'win32')(
  'G09: the note and its folder are their owner’s only, whatever was there',
  () => {
    writeState(folder, note(8080));
    expect(modeOf(folder)).toBe(0o700);
    expect(modeOf(join(folder, 'agent-8080.json'))).toBe(0o600);
    writeFileSync(join(folder, 'agent-8081.json'), '', { mode: 0o666 });
    writeState(folder, note(8081));
    expect(modeOf(join(folder, 'agent-8081.json'))).toBe(0o600);
  },
);

test.skipIf(process.platform === 'win32')('G12: a link in its place is replaced, not followed', () => {
  writeState(folder, note(8080));
  const elsewhere = join(folder, '..', 'elsewhere');
  symlinkSync(elsewhere, join(folder, 'agent-8082.json'));
  writeState(folder, note(8082));
  expect(() => statSync(elsewhere)).toThrow('ENOENT');
});

test('notes of running agents and stale ones are told apart', () => {
  writeState(folder, note(1, 11));
  writeState(folder, { ...note(2, 22), edgePid: 222 });
  expect(readStates(folder, (pid) => pid === 11)).toEqual({
    running: [note(1, 11)],
    stale: [{ ...note(2, 22), edgePid: 222 }],
  });
});

test('a later note of the same port replaces the first, and is taken away', () => {
  writeState(folder, note(1, 11));
  writeState(folder, note(1, 12));
  expect(readStates(folder, () => true).running).toEqual([note(1, 12)]);
  removeState(folder, 1);
  removeState(folder, 1);
  expect(readStates(folder, () => true).running).toEqual([]);
});

test('what is no note is passed over', () => {
  writeState(folder, note(1));
  writeFileSync(join(folder, 'agent-2.json'), '{"pid":');
  writeFileSync(join(folder, 'agent-3.json'), JSON.stringify({ ...note(3), more: 1 }));
  writeFileSync(join(folder, 'agent-x.json'), JSON.stringify(note(4)));
  writeFileSync(join(folder, 'other.json'), JSON.stringify(note(5)));
  expect(readStates(folder, () => true).running).toEqual([note(1)]);
});

test('without the folder nobody is running', () => {
  expect(readStates(join(folder, 'nowhere'), () => true)).toEqual({ running: [], stale: [] });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
