// Switching on: what is refused before anything is changed, what is undone, and what the journal keeps.
import { expect, test } from 'vitest';
import type { SystemProxyPorts } from '../../../../agent/machine/system-proxy/ports.ts';
import { restoreSystemProxy } from '../../../../agent/machine/system-proxy/restore.ts';
import { switchOn } from '../../../../agent/machine/system-proxy/switch-on.ts';
import {
  gnomeModel,
  isReading,
  journalInMemory,
  kdeModel,
  machineOf,
  macModel,
} from '../../../support/desktop-models.ts';

const way = { kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' } as const;
const agent = { pid: 4711, port: 8080 };

test('the journal stands before the first change', async () => {
  const ports = machineOf([gnomeModel(new Map([['mode', "'manual'"]]))]);
  const heldAtFirst: unknown[] = [];
  await switchOn(
    {
      ...ports,
      run: async (command) => {
        if (!isReading(command)) heldAtFirst.push(ports.journal.read());
        return ports.run(command);
      },
    },
    { way, agent },
  );
  expect(heldAtFirst[0]).toMatchObject({
    kind: 'held',
    journal: {
      way,
      agent,
      stage: 'setting',
      settings: [
        { name: 'autoconfig-url', previous: null },
        { name: 'mode', previous: "'manual'" },
      ],
    },
  });
});

test('a journal that cannot be written stops it before the first change', async () => {
  const values = new Map<string, string>();
  const journal = journalInMemory();
  journal.write = () => {
    throw new Error('EROFS: read-only file system');
  };
  await expect(switchOn(machineOf([gnomeModel(values)], journal), { way, agent })).rejects.toThrow('EROFS');
  expect(values.size).toBe(0);
  expect(journal.isLocked).toBe(false);
});

test.each([
  ['no desktop', machineOf([]), { kind: 'no-desktop' }],
  ['a service without any', machineOf([macModel({})]), { kind: 'refused' }],
  [
    'a lock that another has',
    machineOf([gnomeModel(new Map())], Object.assign(journalInMemory(), { isLocked: true })),
    { kind: 'busy' },
  ],
  [
    'a journal that cannot be read',
    machineOf([gnomeModel(new Map())], Object.assign(journalInMemory(), { text: '{}' })),
    { kind: 'unreadable' },
  ],
])('%s: nothing is changed', async (_title, ports, outcome) => {
  const changes: unknown[] = [];
  const watched: SystemProxyPorts = {
    ...ports,
    run: async (command) => {
      if (!isReading(command)) changes.push(command);
      return ports.run(command);
    },
  };
  expect(await switchOn(watched, { way, agent })).toMatchObject(outcome);
  expect(changes).toEqual([]);
});

test('twice the same sets nothing twice, and keeps what stood before the first', async () => {
  const values = new Map([['mode', "'manual'"]]);
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way, agent });
  const changes: unknown[] = [];
  const again = await switchOn(
    {
      ...ports,
      run: async (command) => {
        if (!isReading(command)) changes.push(command);
        return ports.run(command);
      },
    },
    { way, agent: { pid: 4712, port: 8080 } },
  );
  expect(again).toMatchObject({ kind: 'on' });
  expect(changes).toEqual([]);
  expect(ports.journal.read()).toMatchObject({
    journal: { agent: { pid: 4712 }, settings: [{}, { previous: "'manual'" }] },
  });
});

test('where a second `on` fails, the first stands as it was', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way, agent });
  const [before, journal] = [[...values].toSorted(), ports.journal.read()];
  let count = 0;
  const failed = await switchOn(
    {
      ...ports,
      run: async (command) => {
        if (!isReading(command) && ++count === 3) return { status: 1, stdout: '', stderr: 'The key is not writable' };
        return ports.run(command);
      },
    },
    { way: { kind: 'fixed', host: '127.0.0.1', port: 9090 }, agent },
  );
  expect(failed).toMatchObject({ kind: 'failed', because: expect.stringContaining('not writable'), notUndone: [] });
  expect([...values].toSorted()).toEqual(before);
  expect(ports.journal.read()).toEqual(journal);
});

test('an interrupt undoes what was set', async () => {
  const [values, kde] = [new Map<string, string>(), kdeModel('[Proxy Settings]\nProxyType=0\n')];
  const ports = machineOf([gnomeModel(values), kde]);
  const given = new AbortController();
  const failed = await switchOn(
    {
      ...ports,
      run: async (command) => {
        if (command.args.includes('mode')) given.abort();
        return ports.run(command);
      },
    },
    { way, agent, signal: given.signal },
  );
  expect(failed).toMatchObject({ kind: 'failed', because: 'interrupted', notUndone: [] });
  expect(values.size).toBe(0);
  expect(kde.dump()).toContain('ProxyType=0\\n"');
  expect(ports.journal.read()).toEqual({ kind: 'none' });
});

test('what cannot be undone is told, and the journal stays for `off`', async () => {
  const values = new Map([['mode', "'manual'"]]);
  const ports = machineOf([gnomeModel(values)]);
  let count = 0;
  const failed = await switchOn(
    {
      ...ports,
      run: async (command) =>
        isReading(command) || ++count === 1 ? ports.run(command) : { stdout: '', stderr: 'Killed' },
    },
    { way, agent },
  );
  expect(failed).toMatchObject({
    kind: 'failed',
    notUndone: [expect.stringContaining('did not run to its end'), expect.any(String)],
  });
  expect(await restoreSystemProxy(ports)).toMatchObject({ kind: 'restored', failures: [] });
  expect([...values]).toEqual([['mode', "'manual'"]]);
});

test('a program that says that all is well and changes nothing is not believed', async () => {
  const ports = machineOf([gnomeModel(new Map())]);
  const failed = await switchOn(
    {
      ...ports,
      run: async (command) =>
        isReading(command) ? ports.run(command) : { status: 0, stdout: '', stderr: 'dconf-WARNING' },
    },
    { way, agent },
  );
  expect(failed).toMatchObject({
    kind: 'failed',
    because: expect.stringContaining('did not take autoconfig-url, mode'),
    notUndone: [],
  });
});

test('programs that could not be told of it make nothing fail', async () => {
  const ports = machineOf([kdeModel(undefined)]);
  const switched = await switchOn(
    {
      ...ports,
      run: async (command) => (command.program === 'dbus-send' ? { stdout: '', stderr: 'ENOENT' } : ports.run(command)),
    },
    { way, agent },
  );
  expect(switched).toMatchObject({ kind: 'on', notes: [expect.stringContaining('dbus-send')] });
});

test('what was kept by an `off` that left something is no longer what stood before', async () => {
  const values = new Map([['mode', "'manual'"]]);
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way, agent });
  values.set('autoconfig-url', "'http://mine/'");
  await restoreSystemProxy(ports);
  await switchOn(ports, { way, agent });
  await restoreSystemProxy(ports);
  expect(Object.fromEntries(values)).toEqual({ mode: "'auto'", 'autoconfig-url': "'http://mine/'" });
});
