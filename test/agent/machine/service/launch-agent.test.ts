// The property list of launchd, read again by another reader of such lists.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { launchAgent, unsuitableForLaunchd } from '../../../../agent/machine/service/launch-agent.ts';
import { markedCommand } from '../../../../agent/machine/service/mark.ts';
import { isInstalled } from '../../../support/program.ts';
import { odd, oddTexts, plain } from '../../../support/services.ts';

const reader = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';

test.each(oddTexts)('a property list with %j says what it should', { skip: !isInstalled('python3') }, (text) => {
  const command = { ...odd(text), logFolder: `/Users/${text}/Library/Logs/edgehop` };
  const { stdout, stderr } = spawnSync('python3', ['-c', reader], { input: launchAgent(command), encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    Label: 'edgehop.agent',
    ProgramArguments: [command.node, command.bin, 'start', ...command.args],
    EnvironmentVariables: command.environment,
    WorkingDirectory: command.workingDirectory,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 5,
    ExitTimeOut: 40,
    ProcessType: 'Interactive',
    StandardOutPath: `${command.logFolder}/edgehop.log`,
    StandardErrorPath: `${command.logFolder}/edgehop.err.log`,
  });
  expect(markedCommand(launchAgent(command))).toEqual(command);
});

test('what XML has no place for is refused', () => {
  expect(unsuitableForLaunchd({ ...plain, bin: '/a\x01b' })).toBeTypeOf('string');
  expect(unsuitableForLaunchd({ ...plain, args: ['\ud800'] })).toBeTypeOf('string');
  expect(unsuitableForLaunchd(plain)).toBeUndefined();
});
