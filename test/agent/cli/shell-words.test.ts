import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { setLines, usualShell } from '../../../agent/cli/shell-words.ts';
import { isInstalled } from '../../support/program.ts';

const awkward = `it's $HOME "quoted" \\ back\\'slash | & \`date\` %PATH%`;

describe('lines of a shell', () => {
  test.each([
    ['sh', "export A='it'\\''s'"],
    ['fish', "set -gx A 'it\\'s'"],
    ['powershell', "$env:A = 'it''s'"],
    ['cmd', 'set "A=it\'s"'],
  ] as const)('%s', (shell, line) => {
    expect(setLines({ A: "it's" }, shell)).toBe(line);
  });

  test.each([
    ['sh', 'sh'],
    ['fish', 'fish'],
  ] as const)('%s reads the value as it is', (shell, program) => {
    if (!isInstalled(program, '-c', 'true')) return;
    const { stdout } = spawnSync(program, ['-c', `${setLines({ A: awkward }, shell)}\nprintenv A`]);
    expect(stdout.toString()).toBe(`${awkward}\n`);
  });
});

test.each([
  [{ SHELL: '/usr/bin/fish' }, 'linux', 'fish'],
  [{ SHELL: '/bin/zsh' }, 'darwin', 'sh'],
  [{}, 'win32', 'powershell'],
  [{ SHELL: '/usr/bin/bash' }, 'win32', 'sh'],
  [{}, 'linux', 'sh'],
])('%j on %s speaks %s', (env, platform, shell) => {
  expect(usualShell(env, platform)).toBe(shell);
});
