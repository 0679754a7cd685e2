// The scheduled task of Windows, read again by a parser of XML and by the rules for command lines.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { markedCommand } from '../../../../agent/machine/service/mark.ts';
import {
  scheduledTask,
  unsuitableForTasks,
  windowsArgument,
} from '../../../../agent/machine/service/scheduled-task.ts';
import { isInstalled } from '../../../support/program.ts';
import { odd, oddTexts, plain } from '../../../support/services.ts';

const reader = `import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read().decode('utf8').encode('utf-16'))
print(json.dumps({each.tag.split('}')[1]: each.text for each in root.iter()}))`;
const suitable = oddTexts.filter((text) => unsuitableForTasks(odd(text)) === undefined);

describe.each(suitable)('a task with %j', (text) => {
  test('says what it should', { skip: !isInstalled('python3') }, () => {
    const command = { ...odd(text), logFolder: `C:\\Users\\${text}\\logs\\` };
    const input = scheduledTask(command, 'PC\\A&B');
    const { stdout, stderr } = spawnSync('python3', ['-c', reader], { input, encoding: 'utf8' });
    expect(stderr).toBe('');
    const task = JSON.parse(stdout);
    expect(task).toMatchObject({
      UserId: 'PC\\A&B',
      Hidden: 'true',
      ExecutionTimeLimit: 'PT0S',
      MultipleInstancesPolicy: 'IgnoreNew',
    });
    expect(task).toMatchObject({
      DisallowStartIfOnBatteries: 'false',
      Count: '255',
      Interval: 'PT1M',
      WorkingDirectory: command.workingDirectory,
    });
    expect(task.Command).toBe('%SystemRoot%\\System32\\conhost.exe');
    const kept = [
      'service',
      'run',
      '--logs',
      command.logFolder,
      '--set',
      `EDGEHOP_HOME=/home/${text}`,
      '--',
      ...command.args,
    ];
    expect(takenApart(task.Arguments)).toEqual(['--headless', command.node, command.bin, ...kept]);
    expect(markedCommand(task.Description)).toEqual(command);
  });
});

test.each([
  ['a b', '"a b"'],
  ['a"b', '"a\\"b"'],
  ['a\\"b', '"a\\\\\\"b"'],
  ['C:\\a b\\', '"C:\\a b\\\\"'],
  ['C:\\a\\b', 'C:\\a\\b'],
  ['', '""'],
])('%j is the argument %s', (text, argument) => {
  expect(windowsArgument(text)).toBe(argument);
  expect(takenApart(argument)).toEqual([text]);
});

test('what the Task Scheduler would take for a variable is refused', () => {
  expect(unsuitableForTasks(odd('%TEMP%'))).toMatch(/variable/);
  expect(unsuitableForTasks(odd('100%'))).toBeUndefined();
  expect(unsuitableForTasks({ ...plain, bin: 'a\x00' })).toBeTypeOf('string');
});

/** CommandLineToArgvW, by its documentation. */
function takenApart(line: string): string[] {
  const words: string[] = [];
  let [word, isQuoted, isWord] = ['', false, false];
  for (let at = 0; at < line.length; at++) {
    const slashes = /^\\+(?=")/.exec(line.slice(at))?.[0].length ?? 0;
    if (slashes > 0) {
      word += '\\'.repeat(Math.floor(slashes / 2));
      isWord = true;
      at += slashes;
      if (slashes % 2 === 1) word += '"';
      else isQuoted = !isQuoted;
    } else if (line[at] === '"') {
      isWord = true;
      isQuoted = !isQuoted;
    } else if (line[at] === ' ' && !isQuoted) {
      if (isWord) words.push(word);
      [word, isWord] = ['', false];
    } else {
      word += line[at];
      isWord = true;
    }
  }
  return isWord ? [...words, word] : words;
}
