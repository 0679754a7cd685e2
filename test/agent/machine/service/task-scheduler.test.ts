// The order of schtasks' commands, by transcripts in its forms: no Windows is here.
import { expect, test } from 'vitest';
import { markOf } from '../../../../agent/machine/service/mark.ts';
import { taskSupervisor } from '../../../../agent/machine/service/task-scheduler.ts';
import { plain, surroundingsOf } from '../../../support/services.ts';
import { ended, played } from '../../../support/transcripts.ts';

const command = { ...plain, logFolder: 'C:\\Users\\u\\logs' };
const task = (state: number, description = markOf(command), result = 0) =>
  JSON.stringify({ description, state, enabled: true, result });
const acts = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('schtasks')).map((line) => line.split(' ')[1]);

test('install creates the task from XML in UTF-16, and runs it', async () => {
  const seen: string[] = [];
  const machine = played({ powershell: 'null', 'schtasks.exe /Create': () => ended('', 0), 'schtasks.exe': '' });
  const { texts, around } = surroundingsOf(machine);
  const files = {
    ...around.files,
    write: (path: string, content: string | Uint8Array) => {
      seen.push(Buffer.from(content).toString('utf16le'));
      around.files.write(path, content);
    },
  };
  expect(await taskSupervisor({ ...around, files }).install(command)).toMatchObject({
    kind: 'installed',
    change: 'new',
  });
  expect(seen[0]).toMatch(/^\ufeff<\?xml version="1.0" encoding="UTF-16"\?>/);
  expect(acts(machine.lines)).toEqual(['/Create', '/Run']);
  expect(texts.size).toBe(0); // only schtasks had to read it
});

test('an update ends what runs, what runs exactly so is left alone, and what others have made', async () => {
  const older = played({ powershell: task(4, markOf({ ...command, args: [] })), 'schtasks.exe': '' });
  expect(await taskSupervisor(surroundingsOf(older).around).install(command)).toMatchObject({ change: 'updated' });
  expect(acts(older.lines)).toEqual(['/Create', '/End', '/Run']);
  const same = played({ powershell: task(4), 'schtasks.exe': '' });
  expect(await taskSupervisor(surroundingsOf(same).around).install(command)).toMatchObject({ change: 'same' });
  expect(acts(same.lines)).toEqual([]);
  const others = played({ powershell: task(3, 'mine'), 'schtasks.exe': '' });
  expect(await taskSupervisor(surroundingsOf(others).around).install(command)).toMatchObject({ what: 'foreign' });
  expect(acts(others.lines)).toEqual([]);
});

test('a failure is undone, and a lack of permission told', async () => {
  const failing = played({ powershell: 'null', 'schtasks.exe /Run': ended('', 1, 'ERROR: x'), 'schtasks.exe': '' });
  expect(await taskSupervisor(surroundingsOf(failing).around).install(command)).toMatchObject({
    what: 'failed',
    left: [],
  });
  expect(acts(failing.lines)).toEqual(['/Create', '/Run', '/Delete']);
  const denied = played({ powershell: 'null', 'schtasks.exe': ended('', 1, 'ERROR: Access is denied.') });
  expect(await taskSupervisor(surroundingsOf(denied).around).install(command)).toMatchObject({ what: 'permission' });
});

test('uninstall ends and deletes the task', async () => {
  const machine = played({ powershell: task(4), 'schtasks.exe': '' });
  expect(await taskSupervisor(surroundingsOf(machine).around).uninstall()).toMatchObject({
    kind: 'removed',
    left: ['the logs in C:\\Users\\u\\logs'],
  });
  expect(acts(machine.lines)).toEqual(['/End', '/Delete']);
});

test('status tells the agent that the keeper has noted', async () => {
  const note = { 'C:\\Users\\u\\logs\\service-agent.json': '{"pid":7,"startedAt":"2026-11-22T00:00:00.000Z"}' };
  const { around } = surroundingsOf(played({ powershell: task(4) }), note);
  expect(await taskSupervisor(around).status()).toMatchObject({
    installed: 'yes',
    state: 'running',
    pid: 7,
    since: '2026-11-22T00:00:00.000Z',
  });
  expect(
    await taskSupervisor(surroundingsOf(played({ powershell: task(3, markOf(command), 1) })).around).status(),
  ).toMatchObject({ state: 'failed', because: 'Windows says 0x1' });
  expect(await taskSupervisor(surroundingsOf(played({})).around).status()).toMatchObject({
    installed: 'unknown',
    state: 'unknown',
  });
});
