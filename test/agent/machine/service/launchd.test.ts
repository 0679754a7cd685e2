// The order of launchctl's commands, by transcripts in its forms: no Mac is here.
import { expect, test } from 'vitest';
import { launchAgent } from '../../../../agent/machine/service/launch-agent.ts';
import { launchctlPrinted, launchdSupervisor } from '../../../../agent/machine/service/launchd.ts';
import { plain, surroundingsOf } from '../../../support/services.ts';
import { ended, played } from '../../../support/transcripts.ts';

const path = '/home/u/Library/LaunchAgents/edgehop.agent.plist';
const command = { ...plain, logFolder: '/home/u/Library/Logs/edgehop' };
const gone = ended('', 113, 'Could not find service "edgehop.agent" in domain for user gui: 1000');
const running = `gui/1000/edgehop.agent = {
\tactive count = 1
\tpath = ${path}
\tstate = running

\tprogram = /usr/bin/node
\truns = 3
\tpid = 4242
\tlast exit code = 1
\tspawn type = interactive (4)
\tendpoints = {
\t\tpid = 1
\t}
}
`;
const loaded = (until: number) => {
  let asked = 0;
  return () => (asked++ < until ? ended(running) : gone);
};

test('install loads the property list, which starts the agent', async () => {
  const machine = played({ 'launchctl print': gone, launchctl: '' });
  const { texts, around } = surroundingsOf(machine);
  expect(await launchdSupervisor(around).install(command)).toMatchObject({ kind: 'installed', change: 'new' });
  expect(texts.get(path)).toBe(launchAgent(command));
  expect(machine.lines.slice(1)).toEqual([
    'launchctl enable gui/1000/edgehop.agent',
    `launchctl bootstrap gui/1000 ${path}`,
  ]);
});

test('an update waits until the old agent has gone', async () => {
  const machine = played({ 'launchctl print': loaded(3), launchctl: '' });
  const { around } = surroundingsOf(machine, { [path]: launchAgent({ ...command, args: [] }) });
  expect(await launchdSupervisor(around).install(command)).toMatchObject({ change: 'updated' });
  expect(machine.lines.map((line) => line.split(' ')[1])).toEqual([
    'print',
    'bootout',
    'print',
    'print',
    'print',
    'enable',
    'bootstrap',
  ]);
});

test('what runs exactly so is left alone, and what others have made', async () => {
  const machine = played({ 'launchctl print': ended(running) });
  expect(
    await launchdSupervisor(surroundingsOf(machine, { [path]: launchAgent(command) }).around).install(command),
  ).toMatchObject({ change: 'same' });
  expect(machine.lines).toHaveLength(1);
  expect(
    await launchdSupervisor(surroundingsOf(machine, { [path]: '<plist/>' }).around).install(command),
  ).toMatchObject({ what: 'foreign' });
});

test('a failure puts back what was there', async () => {
  const failing = {
    'launchctl bootstrap': ended('', 5, 'Bootstrap failed: 5: Input/output error'),
    'launchctl print': gone,
    launchctl: '',
  };
  const { texts, around } = surroundingsOf(played(failing));
  expect(await launchdSupervisor(around).install(command)).toMatchObject({ what: 'failed', left: [] });
  expect(texts.has(path)).toBe(false);
  const before = launchAgent({ ...command, args: [] });
  const updating = surroundingsOf(played(failing), { [path]: before });
  expect(await launchdSupervisor(updating.around).install(command)).toMatchObject({
    left: [expect.stringContaining('does not run')],
  });
  expect(updating.texts.get(path)).toBe(before);
});

test('a login without screen is told', async () => {
  const { around } = surroundingsOf(
    played({
      'launchctl bootstrap': ended('', 125, 'Domain does not support specified action'),
      'launchctl print': gone,
      launchctl: '',
    }),
  );
  expect(await launchdSupervisor(around).install(command)).toMatchObject({
    what: 'no-supervisor',
    advice: expect.stringContaining('screen'),
  });
});

test('uninstall ends the agent and removes the property list, not the logs', async () => {
  const { texts, around } = surroundingsOf(played({ 'launchctl print': loaded(1), launchctl: '' }), {
    [path]: launchAgent(command),
  });
  expect(await launchdSupervisor(around).uninstall()).toEqual({
    kind: 'removed',
    removed: [path],
    left: ['the logs in /home/u/Library/Logs/edgehop'],
  });
  expect(texts.has(path)).toBe(false);
});

test('status tells process, time and restarts', async () => {
  const { around } = surroundingsOf(
    played({ 'launchctl print': ended(running), 'ps ': 'Sun Nov 22 00:26:55 2026    \n' }),
    { [path]: launchAgent(command) },
  );
  expect(await launchdSupervisor(around).status()).toMatchObject({
    installed: 'yes',
    state: 'running',
    pid: 4242,
    since: '2026-11-22T00:26:55.000Z',
    restarts: 2,
  });
});

test('of launchctl’s print, only the lines of the service itself count', () => {
  expect(
    launchctlPrinted('x = {\n\tstate = waiting\n\tsub = {\n\t\tpid = 9\n\t}\n\tlast exit code = 78: EX_CONFIG\n}\n'),
  ).toEqual({ state: 'waiting', lastExitCode: '78: EX_CONFIG' });
});
