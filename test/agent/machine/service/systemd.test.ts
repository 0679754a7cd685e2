// The order of systemctl's commands, and what is undone and told when one of them fails.
import { describe, expect, test } from 'vitest';
import { systemdSupervisor } from '../../../../agent/machine/service/systemd.ts';
import { systemdUnit } from '../../../../agent/machine/service/systemd-unit.ts';
import { plain, surroundingsOf } from '../../../support/services.ts';
import { ended, played } from '../../../support/transcripts.ts';

const path = '/home/u/.config/systemd/user/edgehop.service';
const session = {
  'systemctl --user show --property=UnitPath': '/etc/systemd/user /home/u/.config/systemd/user /usr/lib/systemd/user\n',
  'loginctl show-user': 'yes\n',
};
const all = { ...session, 'systemctl --user is-active': ended('', 3), 'systemctl --user': '' };
const older = { ...plain, args: [] };
const acts = (lines: readonly string[]) => lines.slice(2).map((line) => line.replace('systemctl --user ', ''));

describe('install', () => {
  test('writes the unit, lets systemd read it, enables and starts it', async () => {
    const machine = played(all);
    const { texts, around } = surroundingsOf(machine);
    expect(await systemdSupervisor(around).install(plain)).toEqual({
      kind: 'installed',
      change: 'new',
      unit: path,
      notes: [],
    });
    expect(texts.get(path)).toBe(systemdUnit(plain));
    expect(acts(machine.lines)).toEqual(['daemon-reload', 'enable edgehop.service', 'restart edgehop.service']);
  });

  test('for a second time updates what is there, and leaves alone what runs exactly so', async () => {
    const machine = played(all);
    const updated = await systemdSupervisor(surroundingsOf(machine, { [path]: systemdUnit(older) }).around).install(
      plain,
    );
    expect(updated).toMatchObject({ kind: 'installed', change: 'updated' });
    const running = played({ ...all, 'systemctl --user is-active': '' });
    const same = await systemdSupervisor(surroundingsOf(running, { [path]: systemdUnit(plain) }).around).install(plain);
    expect(same).toMatchObject({ kind: 'installed', change: 'same' });
    expect(acts(running.lines)).toEqual(['is-active --quiet edgehop.service', 'enable edgehop.service']);
  });

  test.each([
    ['[Unit]\nDescription=mine\n', 'was not made by edgehop'],
    ['# edgehop-service: {"node":1}\n', 'was not made by edgehop'],
    [{ kind: 'other', because: 'it is a symbolic link' } as const, 'symbolic link'],
  ])('leaves %j as it is', async (found, because) => {
    const machine = played(all);
    const { texts, around } = surroundingsOf(machine, { [path]: found });
    const before = new Map(texts);
    const done = await systemdSupervisor(around).install(plain);
    expect(done).toMatchObject({
      kind: 'not-done',
      what: 'foreign',
      because: expect.stringContaining(because),
      left: [],
    });
    expect(texts).toEqual(before);
    expect(acts(machine.lines)).toEqual([]);
  });

  test.each(['daemon-reload', 'enable', 'restart'])(
    'that fails at %s leaves nothing, or what was there before',
    async (step) => {
      for (const before of [undefined, systemdUnit(older)]) {
        let fails = 1; // what undoes it comes through
        const failing = () => (fails-- > 0 ? ended('', 1, 'Job failed.') : ended(''));
        const { texts, around } = surroundingsOf(
          played({ [`systemctl --user ${step}`]: failing, ...all }),
          before === undefined ? {} : { [path]: before },
        );
        expect(await systemdSupervisor(around).install(plain)).toEqual({
          kind: 'not-done',
          what: 'failed',
          because: expect.stringMatching(new RegExp(`^\`systemctl --user ${step}.* failed with 1: Job failed$`)),
          left: [],
        });
        expect(texts.get(path)).toBe(before);
      }
    },
  );

  test('that fails for good says what is left', async () => {
    const { around } = surroundingsOf(
      played({
        ...session,
        'systemctl --user enable': '',
        'systemctl --user daemon-reload': '',
        'systemctl --user': ended('', 1, 'Job failed.'),
      }),
    );
    expect(await systemdSupervisor(around).install(plain)).toMatchObject({
      left: [expect.stringContaining('may be enabled or running')],
    });
  });

  test('that may not write is told as a lack of permission', async () => {
    const { around } = surroundingsOf(played(all), {}, { refusing: [path] });
    expect(await systemdSupervisor(around).install(plain)).toMatchObject({ what: 'permission', left: [] });
  });

  test('that systemd would not see is refused', async () => {
    const { around } = surroundingsOf(
      played({ ...all, 'systemctl --user show --property=UnitPath': '/home/other/.config/systemd/user\n' }),
    );
    expect(await systemdSupervisor(around).install(plain)).toMatchObject({
      what: 'unsuitable',
      advice: expect.stringContaining('HOME'),
    });
  });

  test('says that it ends with the session, where it does', async () => {
    const { around } = surroundingsOf(played({ ...all, 'loginctl show-user': 'no\n' }));
    expect(await systemdSupervisor(around).install(plain)).toMatchObject({
      notes: [expect.stringContaining('loginctl enable-linger u')],
    });
  });
});

describe('without a session of systemd', () => {
  const noBus = { systemctl: ended('', 1, 'Failed to connect to bus: No medium found') };
  test.each([
    [{}, {}, {}, 'systemctl was not found', 'edgehop start'],
    [noBus, {}, {}, 'not started by systemd', 'edgehop start'],
    [noBus, { '/proc/version': 'Linux version 6.6 Microsoft@Microsoft.com' }, {}, 'WSL', 'systemd=true'],
    [noBus, {}, { WSL_DISTRO_NAME: 'Debian' }, 'WSL', 'wsl.exe --shutdown'],
    [noBus, { '/run/systemd/system': '' }, {}, 'no systemd session', 'loginctl enable-linger u'],
  ])('%#: nothing is written, and it is said why', async (answers, files, env, because, advice) => {
    const { texts, around } = surroundingsOf(played(answers), files, { env });
    const done = await systemdSupervisor(around).install(plain);
    expect(done).toMatchObject({
      what: 'no-supervisor',
      because: expect.stringContaining(because),
      advice: expect.stringContaining(advice),
    });
    expect(texts.has(path)).toBe(false);
    expect(await systemdSupervisor(around).status()).toMatchObject({
      installed: 'no',
      state: 'unknown',
      because: expect.stringContaining(because),
    });
  });

  test('uninstall removes the files, and says that an agent may run', async () => {
    const link = '/home/u/.config/systemd/user/default.target.wants/edgehop.service';
    const { texts, around } = surroundingsOf(played(noBus), { [path]: systemdUnit(plain), [link]: '' });
    expect(await systemdSupervisor(around).uninstall()).toMatchObject({
      kind: 'removed',
      left: [expect.stringContaining('may still run'), expect.anything()],
    });
    expect([...texts.keys()]).toEqual([]);
  });
});

describe('uninstall', () => {
  test('stops and removes what was installed, and names what is left', async () => {
    const machine = played(all);
    const { texts, around } = surroundingsOf(machine, { [path]: systemdUnit(plain), [`${path}.d`]: '' });
    const removed = await systemdSupervisor(around).uninstall();
    expect(removed).toEqual({
      kind: 'removed',
      removed: [path],
      left: [expect.stringContaining(`${path}.d`), expect.stringContaining('journalctl')],
    });
    expect([...texts.keys()]).toEqual([`${path}.d`]);
    expect(acts(machine.lines)).toEqual([
      'disable --now edgehop.service',
      'daemon-reload',
      'reset-failed edgehop.service',
    ]);
  });

  test('keeps the unit of a service that could not be stopped, to be tried again', async () => {
    const { texts, around } = surroundingsOf(
      played({ ...session, 'systemctl --user disable': ended('', 1, 'timed out') }),
      { [path]: systemdUnit(plain) },
    );
    expect(await systemdSupervisor(around).uninstall()).toMatchObject({
      kind: 'not-done',
      left: [expect.stringContaining(path)],
    });
    expect(texts.has(path)).toBe(true);
  });

  test('leaves what others have made, and is content with nothing', async () => {
    const { around } = surroundingsOf(played(all), { [path]: '[Unit]\n' });
    expect(await systemdSupervisor(around).uninstall()).toMatchObject({ what: 'foreign' });
    expect(await systemdSupervisor(surroundingsOf(played(all)).around).uninstall()).toEqual({
      kind: 'nothing',
      unit: path,
    });
  });
});

describe('status', () => {
  const shown = (...lines: readonly string[]) => ({
    ...session,
    'systemctl --user show edgehop': `LoadState=loaded\nUnitFileState=enabled\n${lines.join('\n')}\n`,
  });
  test.each([
    [
      [
        'ActiveState=active',
        'SubState=running',
        'MainPID=82',
        'ActiveEnterTimestamp=Sun 2026-11-22 00:42:03 UTC',
        'NRestarts=1',
      ],
      { state: 'running', pid: 82, since: '2026-11-22T00:42:03Z', restarts: 1, atLogin: true },
    ],
    [
      ['ActiveState=activating', 'SubState=auto-restart', 'MainPID=0', 'Result=signal', 'ExecMainStatus=9'],
      { state: 'waiting', because: 'the agent was ended by signal 9; it is tried again' },
    ],
    [
      ['ActiveState=failed', 'SubState=failed', 'Result=exit-code', 'ExecMainStatus=78'],
      { state: 'failed', because: 'the agent ended with 78' },
    ],
    [
      ['ActiveState=failed', 'SubState=failed', 'Result=exit-code', 'ExecMainStatus=203'],
      { state: 'failed', because: expect.stringContaining('moved or removed') },
    ],
    [['ActiveState=inactive', 'SubState=dead', 'ActiveEnterTimestamp='], { state: 'stopped' }],
  ])('%j', async (lines, state) => {
    const { around } = surroundingsOf(played(shown(...lines)), {
      [path]: systemdUnit(plain),
      [plain.node]: '',
      [plain.bin]: '',
    });
    expect(await systemdSupervisor(around).status()).toMatchObject({
      installed: 'yes',
      command: plain,
      notes: [],
      ...state,
    });
  });

  test('says that what the unit names is gone', async () => {
    const { around } = surroundingsOf(played(shown('ActiveState=active')), {
      [path]: systemdUnit(plain),
      [plain.bin]: '',
    });
    expect((await systemdSupervisor(around).status()).notes).toEqual([
      expect.stringContaining(`${plain.node} is no more`),
    ]);
  });
});
