// The systemd unit: what stands in it, and that systemd itself finds nothing wrong with it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { markedCommand } from '../../../../agent/machine/service/mark.ts';
import { systemdUnit, unsuitableForSystemd } from '../../../../agent/machine/service/systemd-unit.ts';
import { isInstalled, runIn } from '../../../support/program.ts';
import { odd, oddTexts, plain } from '../../../support/services.ts';

const lines = (text: string) => systemdUnit(odd(text)).split('\n');

test.each([
  ['a b', '"/opt/a b/edgehop.js"', '"EDGEHOP_HOME=/home/a b"', '/var/a b/'],
  ['%h', '"/opt/%%h/edgehop.js"', '"EDGEHOP_HOME=/home/%%h"', '/var/%%h/'],
  ['$HOME', '"/opt/$$HOME/edgehop.js"', '"EDGEHOP_HOME=/home/$HOME"', '/var/$HOME/'],
  ['a"b', '"/opt/a\\"b/edgehop.js"', '"EDGEHOP_HOME=/home/a\\"b"', '/var/a"b/'],
  ['a\\', '"/opt/a\\\\/edgehop.js"', '"EDGEHOP_HOME=/home/a\\\\"', '/var/a\\/'],
])('%j is written as systemd reads it', (text, bin, home, folder) => {
  expect(lines(text).find((line) => line.startsWith('ExecStart='))).toContain(`"/usr/bin/node" ${bin} "start"`);
  expect(lines(text)).toContain(`Environment=${home}`);
  expect(lines(text)).toContain(`WorkingDirectory=${folder}`);
});

test('it is started again after failures, but those that another start would not change, and reads its configuration again', () => {
  const unit = systemdUnit(plain).split('\n');
  for (const line of [
    'Restart=on-failure',
    'RestartSec=5s',
    'RestartPreventExitStatus=2 77 78',
    'ExecReload=kill -HUP $MAINPID',
    'KillMode=mixed',
    'TimeoutStopSec=40s',
    'WantedBy=default.target',
  ])
    expect(unit).toContain(line);
});

test.each(oddTexts)('its mark tells what was installed, with %j', (text) => {
  expect(markedCommand(systemdUnit(odd(text)))).toEqual(odd(text));
});

test.each([
  ['a line break in a path', { ...plain, bin: '/a\nExecStart=/bin/sh' }],
  ['a NUL in an option', { ...plain, args: ['--config', 'a\0b'] }],
  ['a quotation mark in the path of Node', { ...plain, node: '/opt/a"b/node' }],
])('%s cannot be written', (_title, command) => {
  expect(unsuitableForSystemd(command)).toBeTypeOf('string');
  expect(unsuitableForSystemd(plain)).toBeUndefined();
});

test('systemd-analyze finds nothing wrong', { skip: !isInstalled('systemd-analyze') }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-unit-'));
  try {
    for (const text of oddTexts) {
      const path = join(folder, 'edgehop.service');
      writeFileSync(path, systemdUnit({ ...odd(text), node: process.execPath }));
      const verified = await runIn(
        { environment: { XDG_RUNTIME_DIR: folder } },
        'systemd-analyze',
        'verify',
        '--user',
        '--man=no',
        path,
      );
      expect({ text, ...verified }).toMatchObject({ text, code: 0, stderr: '' });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
