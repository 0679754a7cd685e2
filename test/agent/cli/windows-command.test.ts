import { expect, test } from 'vitest';
import { windowsCommand } from '../../../agent/cli/windows-command.ts';

const env = { PATHEXT: '.EXE;.CMD', Path: 'C:\\one;C:\\two', ComSpec: 'C:\\cmd.exe' };
const exists = (path: string) => ['C:\\one\\npm.CMD', 'C:\\two\\git.EXE'].includes(path);

test('elsewhere a command is itself', () => {
  expect(windowsCommand('npm', ['a b'], 'linux', env, exists)).toEqual({
    command: 'npm',
    args: ['a b'],
    isVerbatim: false,
  });
});

test('a program is itself, and so is what is not found', () => {
  for (const command of ['git', 'nothing'])
    expect(windowsCommand(command, [], 'win32', env, exists)).toMatchObject({ command, isVerbatim: false });
});

test('a script is run by cmd.exe, and its arguments are data', () => {
  expect(windowsCommand('npm', ['i'], 'win32', env, exists)).toEqual({
    command: 'C:\\cmd.exe',
    args: ['/d', '/s', '/c', '""C:\\one\\npm.CMD" ^^^"i^^^""'],
    isVerbatim: true,
  });
  const { args } = windowsCommand('npm', ['a"b & %x%'], 'win32', env, exists);
  expect(args[3]?.replaceAll('^', '')).toBe('""C:\\one\\npm.CMD" "a\\"b & %x%""');
  expect(args[3]).toContain('^^^&');
});
