// What stood before comes back: after `off`, after a death at every step of `on` and `off`, and not over what somebody chose since.
import { describe, expect, test } from 'vitest';
import type { SystemProxyPorts } from '../../../../agent/machine/system-proxy/ports.ts';
import { isLeftBehind, restoreSystemProxy } from '../../../../agent/machine/system-proxy/restore.ts';
import { switchOn } from '../../../../agent/machine/system-proxy/switch-on.ts';
import type { AgentState } from '../../../../schemas/api.ts';
import type { ProxyWay } from '../../../../schemas/system-proxy.ts';
import {
  gnomeModel,
  isReading,
  journalInMemory,
  Killed,
  kdeModel,
  kioslaverc,
  type MacService,
  type Model,
  machineOf,
  macModel,
  type Registry,
  windowsModel,
} from '../../../support/desktop-models.ts';

const agent = { pid: 4711, port: 8080 };
const running = { ...agent, host: '127.0.0.1', controlPort: 8081, controlToken: 'secret' };
const pac: ProxyWay = { kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' };
const otherPac: ProxyWay = { kind: 'pac', url: 'http://127.0.0.1:9081/proxy.pac' };
const fixed: ProxyWay = { kind: 'fixed', host: '127.0.0.1', port: 8080 };

const registry = (values: Readonly<Record<string, string>>): Registry =>
  new Map(
    Object.entries(values).map(([name, text]) => {
      const [kind = '', ...value] = text.split(' ');
      return [name, { kind, value: value.join(' ') }];
    }),
  );

const macServices = (): Record<string, MacService> => ({
  'Wi-Fi': {},
  'USB 10/100/1000 LAN': {
    url: 'http://pac.corp.example/Proxy.PAC?a=b c',
    urlIsOn: true,
    discovers: true,
    web: { host: 'Proxy.corp.example', port: 3128, isOn: true },
    secure: { host: 'old.example', port: 80, isOn: false },
    bypass: ['*.local', '169.254/16', 'a domain with spaces', 'B.example', 'a.example'],
  },
  'Thunderbolt Bridge': { isDisabled: true, url: 'http://x/', urlIsOn: true },
});

const kdeText = `# by hand
[Z]
a=1

[Proxy Settings]
ProxyType=1
httpProxy=http://proxy.corp.example 3128
NoProxyFor=a b, c
Authentication=0

[A]
z=1
`;

const machines: readonly (readonly [string, () => Model[]])[] = [
  ['macOS', () => [macModel(macServices())]],
  [
    'macOS with a networksetup that empties nothing',
    () => [
      macModel(
        {
          'Wi-Fi': { url: 'http://u/', bypass: ['x'] },
          Empty: {
            url: 'http://v/',
            web: { host: 'w', port: 1, isOn: false },
            secure: { host: 'w', port: 2, isOn: true },
          },
        },
        { refusesEmpty: true },
      ),
    ],
  ],
  ['Windows where nothing was set', () => [windowsModel(registry({ ProxyEnable: 'REG_DWORD 0' }))]],
  ['Windows with an empty registry', () => [windowsModel(registry({}))]],
  [
    'Windows with all of it',
    () => [
      windowsModel(
        registry({
          ProxyEnable: 'REG_DWORD 1',
          ProxyServer: 'REG_SZ http=Proxy:3128;https=proxy:3129',
          ProxyOverride: 'REG_EXPAND_SZ %USERDOMAIN%;<local>; mit Umlaut ä ',
          AutoConfigURL: 'REG_SZ ',
        }),
      ),
    ],
  ],
  ['GNOME where nothing was set', () => [gnomeModel(new Map())]],
  [
    'GNOME with a proxy',
    () => [
      gnomeModel(
        new Map([
          ['mode', "'manual'"],
          ['autoconfig-url', '"http://it\'s/x.pac"'],
          ['http host', "'proxy.corp.example'"],
          ['http port', '3128'],
          ['http use-authentication', 'true'],
          ['http authentication-password', "'secret'"],
          ['ignore-hosts', '@as []'],
          ['https port', '443'],
        ]),
      ),
    ],
  ],
  ['KDE without a file', () => [kdeModel(undefined)]],
  ['KDE with a proxy, comments and an order of its own', () => [kdeModel(kdeText)]],
  ['GNOME and KDE', () => [gnomeModel(new Map([['mode', "'auto'"]])), kdeModel(kdeText)]],
];

const dumpOf = (models: readonly Model[]) => models.map((model) => model.dump()).join('\n');

/** The same machine, whose user dies at this step: changes of settings and of the journal count, before and after each. */
function mortal(ports: SystemProxyPorts, dies: { after: number }): SystemProxyPorts {
  let steps = 0;
  const step = () => {
    if (++steps > dies.after) throw new Killed();
  };
  const dying = <T>(act: () => T): T => {
    step();
    const result = act();
    step();
    return result;
  };
  const { journal } = ports;
  return {
    ...ports,
    run: async (command) => {
      if (isReading(command)) return ports.run(command);
      step();
      const ran = await ports.run(command);
      step();
      return ran;
    },
    journal: {
      path: journal.path,
      read: () => journal.read(),
      lock: () => journal.lock(),
      write: (held) => dying(() => journal.write(held)),
      remove: () => dying(() => journal.remove()),
    },
    texts: { read: ports.texts.read, replace: (path, text) => dying(() => ports.texts.replace(path, text)) },
  };
}

/** Calls for death after no step, one step and so on, until the act comes to its end. Gives how often it did not. */
async function deaths(once: (dies: { after: number }) => Promise<void>): Promise<number> {
  for (let after = 0; ; after++) {
    try {
      await once({ after });
      return after;
    } catch (cause) {
      if (!(cause instanceof Killed)) throw cause;
    }
  }
}

describe.each(machines)('%s', (_name, make) => {
  test.each([
    ['a PAC', [pac]],
    ['host and port', [fixed]],
    ['the same twice', [pac, pac]],
    ['a PAC on another port', [pac, otherPac]],
    ['a PAC, host and port, and a PAC', [pac, fixed, otherPac]],
  ])('%s is set, and `off` brings all back', async (_title, ways) => {
    const models = make();
    const before = dumpOf(models);
    const ports = machineOf(models);
    for (const way of ways) {
      expect(await switchOn(ports, { way, agent })).toMatchObject({ kind: 'on' });
      for (const { desktop } of models)
        for (const inUse of desktop.inUse(await desktop.read(ports.run)))
          expect(inUse).toMatchObject({ kind: way.kind, to: way.kind === 'pac' ? way.url : '127.0.0.1:8080' });
    }
    expect(await restoreSystemProxy(ports)).toMatchObject({ kind: 'restored', left: [], gone: [], failures: [] });
    if (!_name.includes('empties nothing')) expect(dumpOf(models)).toBe(before);
    expect(ports.journal.read()).toEqual({ kind: 'none' });
  });

  test.each([
    ['a PAC', [], pac],
    ['host and port', [], fixed],
    ['a PAC after host and port', [fixed], pac],
    ['host and port after a PAC', [pac], fixed],
  ] as const)('killed at any step of setting %s, the next `off` brings all back', async (_title, earlier, way) => {
    const died = await deaths(async (dies) => {
      const models = make();
      const before = dumpOf(models);
      const ports = machineOf(models);
      for (const each of earlier) await switchOn(ports, { way: each, agent });
      try {
        await switchOn(mortal(ports, dies), { way, agent });
      } finally {
        const byStart = await restoreSystemProxy(ports, { only: (journal) => isLeftBehind(journal, [running]) });
        const isSet = byStart.kind === 'nothing' && ports.journal.read().kind === 'held';
        if (!isSet && !_name.includes('empties nothing')) expect(dumpOf(models)).toBe(before);
        const restored = await restoreSystemProxy(ports);
        expect(restored).not.toMatchObject({ kind: 'busy' });
        if (restored.kind === 'restored') expect(restored).toMatchObject({ left: [], failures: [] });
        if (!_name.includes('empties nothing')) expect(dumpOf(models)).toBe(before);
        expect(ports.journal.read()).toEqual({ kind: 'none' });
      }
    });
    expect(died).toBeGreaterThanOrEqual(4); // the journal and one command at least, before and after each
  });

  test.each([
    ['a PAC', pac],
    ['host and port', fixed],
  ] as const)('killed at any step of `off` after %s, the next one brings all back', async (_title, way) => {
    const died = await deaths(async (dies) => {
      const models = make();
      const before = dumpOf(models);
      const ports = machineOf(models);
      await switchOn(ports, { way, agent });
      try {
        await restoreSystemProxy(mortal(ports, dies));
      } finally {
        await restoreSystemProxy(ports);
        if (!_name.includes('empties nothing')) expect(dumpOf(models)).toBe(before);
        expect(ports.journal.read()).toEqual({ kind: 'none' });
      }
    });
    expect(died).toBeGreaterThanOrEqual(4);
  });

  test('a program that fails at any step of `on` leaves all as it was', async () => {
    for (let failsAt = 1; ; failsAt++) {
      const models = make();
      const before = dumpOf(models);
      const ports = machineOf(models);
      let count = 0;
      const switched = await switchOn(
        {
          ...ports,
          run: async (command) => {
            if (!isReading(command) && !command.program.includes('dbus') && ++count === failsAt)
              return { status: 3, stdout: '', stderr: 'no' };
            return ports.run(command);
          },
        },
        { way: fixed, agent },
      );
      if (switched.kind === 'on') break;
      expect(switched).toMatchObject({ kind: 'failed', because: expect.stringContaining('no'), notUndone: [] });
      if (!_name.includes('empties nothing')) expect(dumpOf(models)).toBe(before);
      expect(ports.journal.read()).toEqual({ kind: 'none' });
    }
  });
});

test('with a networksetup that empties nothing, all is switched off again, and only names stay', async () => {
  const model = macModel({ 'Wi-Fi': {} }, { refusesEmpty: true });
  const ports = machineOf([model]);
  await switchOn(ports, { way: fixed, agent });
  expect(await switchOn(ports, { way: pac, agent })).toMatchObject({ kind: 'on' });
  expect(await restoreSystemProxy(ports)).toMatchObject({ kind: 'restored', failures: [] });
  expect(model.dump()).toMatch(/URL: .*proxy\.pac\nEnabled: No/);
  expect(model.dump()).not.toContain('Yes');
});

test('a KDE file that was changed elsewhere meanwhile keeps that, and what is ours comes back', async () => {
  const model = kdeModel(kdeText);
  const ports = machineOf([model]);
  await switchOn(ports, { way: pac, agent });
  model.texts.set(kioslaverc, `${model.texts.get(kioslaverc)}\n[Cookie Policy]\nCookies=false\n`);
  await restoreSystemProxy(ports);
  expect(model.texts.get(kioslaverc)).toContain('Cookies=false');
  expect(model.texts.get(kioslaverc)).toContain('ProxyType=1');
  expect(model.texts.get(kioslaverc)).not.toContain('Proxy Config Script');
  expect(model.signals).toBe(2);
});

test('a KDE proxy that somebody chose between two `on` comes back, and not the text from before it', async () => {
  const model = kdeModel(kdeText);
  const ports = machineOf([model]);
  await switchOn(ports, { way: pac, agent });
  model.texts.set(kioslaverc, '[Proxy Settings]\nProxy Config Script=http://mine/\nProxyType=2\n');
  await switchOn(ports, { way: pac, agent });
  await restoreSystemProxy(ports);
  expect(model.texts.get(kioslaverc)).toBe('[Proxy Settings]\nProxy Config Script=http://mine/\nProxyType=2\n');
});

test('a KDE setting that was changed between a PAC and host and port comes back as it was changed', async () => {
  const model = kdeModel(kdeText);
  const ports = machineOf([model]);
  await switchOn(ports, { way: pac, agent });
  model.texts.set(kioslaverc, `${model.texts.get(kioslaverc)}`.replace('corp.example', 'mine.example'));
  await switchOn(ports, { way: fixed, agent });
  await restoreSystemProxy(ports);
  expect(model.texts.get(kioslaverc)).toContain('httpProxy=http://proxy.mine.example 3128\n');
});

test('a KDE setting that was changed after an `off` that left another survives `--force`', async () => {
  const model = kdeModel(kdeText);
  const ports = machineOf([model]);
  await switchOn(ports, { way: fixed, agent });
  const changed = (key: string, value: string) =>
    model.texts.set(
      kioslaverc,
      `${model.texts.get(kioslaverc)}`.replace(new RegExp(`^${key}=.*`, 'm'), `${key}=${value}`),
    );
  changed('NoProxyFor', 'mine');
  await restoreSystemProxy(ports);
  changed('httpProxy', 'http://mine 1');
  await restoreSystemProxy(ports, { force: true });
  expect(model.texts.get(kioslaverc)).toContain('NoProxyFor=a b, c\n');
  expect(model.texts.get(kioslaverc)).toContain('httpProxy=http://mine 1\n');
});

test('a desktop that does not say afterwards what stands keeps its journal', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: pac, agent });
  let isBroken = false;
  const breaking: SystemProxyPorts = {
    ...ports,
    run: async (command) => {
      if (isReading(command) && isBroken) return { status: 1, stdout: '', stderr: 'broken' };
      isBroken ||= !isReading(command);
      return ports.run(command);
    },
  };
  expect(await restoreSystemProxy(breaking)).toMatchObject({ failures: [expect.stringContaining('broken')] });
  expect(ports.journal.read()).toMatchObject({ kind: 'held' });
});

test('what somebody chose since stays, with its switch, until `--force`', async () => {
  const values = new Map([['mode', "'manual'"]]);
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: pac, agent });
  values.set('autoconfig-url', "'http://mine/'");
  const restored = await restoreSystemProxy(ports);
  expect(restored).toMatchObject({
    kind: 'restored',
    count: 0,
    left: [
      { setting: { name: 'autoconfig-url' }, is: 'other' },
      { setting: { name: 'mode' }, is: 'ours' },
    ],
  });
  expect([...values]).toEqual([
    ['mode', "'auto'"],
    ['autoconfig-url', "'http://mine/'"],
  ]);
  expect(await restoreSystemProxy(ports, { force: true })).toMatchObject({ kind: 'restored', count: 2, left: [] });
  expect([...values]).toEqual([['mode', "'manual'"]]);
  expect(ports.journal.read()).toEqual({ kind: 'none' });
});

test('nothing is left that leads to us, although a part was changed by hand', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: fixed, agent });
  values.set('http host', "'mine'");
  await restoreSystemProxy(ports);
  expect([...values]).toEqual([
    ['http host', "'mine'"],
    ['mode', "'manual'"],
  ]);
});

test('a list of exceptions that was changed by hand stays, and the proxy goes', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: fixed, agent });
  values.set('ignore-hosts', "['mine']");
  await restoreSystemProxy(ports);
  expect([...values]).toEqual([['ignore-hosts', "['mine']"]]);
});

test('a switch that was changed by hand stays', async () => {
  const services: Record<string, MacService> = { 'Wi-Fi': { url: 'http://corp/', urlIsOn: true } };
  const ports = machineOf([macModel(services)]);
  await switchOn(ports, { way: pac, agent });
  (services['Wi-Fi'] as MacService).urlIsOn = false;
  await restoreSystemProxy(ports);
  expect(services['Wi-Fi']).toMatchObject({ url: 'http://corp/', urlIsOn: false });
});

test('what somebody chose since is what stood before the next `on`', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: pac, agent });
  values.set('autoconfig-url', "'http://mine/'");
  await switchOn(ports, { way: pac, agent });
  await restoreSystemProxy(ports);
  expect([...values].toSorted()).toEqual([
    ['autoconfig-url', "'http://mine/'"],
    ['mode', "'auto'"],
  ]);
  expect(ports.journal.read()).toEqual({ kind: 'none' });
});

test('a network service that is gone keeps nothing of the rest from coming back', async () => {
  const services = macServices();
  const model = macModel(services);
  const ports = machineOf([model]);
  await switchOn(ports, { way: pac, agent });
  delete services['Wi-Fi'];
  const restored = await restoreSystemProxy(ports);
  expect(restored).toMatchObject({ kind: 'restored', failures: [], left: [] });
  expect(restored.kind === 'restored' && restored.gone.map(({ setting }) => setting.place)).toEqual(
    Array(3).fill('Wi-Fi'),
  );
  const { 'Wi-Fi': _, ...others } = macServices();
  expect(model.dump()).toBe(macModel(others).dump());
});

test('a network service that came since is set by the next `on`, and restored with the others', async () => {
  const services: Record<string, MacService> = { 'Wi-Fi': {} };
  const ports = machineOf([macModel(services)]);
  await switchOn(ports, { way: pac, agent });
  services['iPhone USB'] = { url: 'http://phone/', urlIsOn: false };
  await switchOn(ports, { way: pac, agent });
  expect(services['iPhone USB']).toMatchObject({ urlIsOn: true });
  await restoreSystemProxy(ports);
  expect(services).toMatchObject({
    'Wi-Fi': { urlIsOn: false },
    'iPhone USB': { url: 'http://phone/', urlIsOn: false },
  });
});

test('a desktop whose program is not here now keeps its journal, and is told', async () => {
  const journal = journalInMemory();
  const [values, model] = [new Map<string, string>(), kdeModel(kdeText)];
  await switchOn(machineOf([gnomeModel(values), model], journal), { way: pac, agent });
  expect(await restoreSystemProxy(machineOf([gnomeModel(values)], journal))).toMatchObject({
    kind: 'restored',
    failures: ['the programs that set the proxy of kde are not found here'],
  });
  expect(values.size).toBe(0);
  expect(await restoreSystemProxy(machineOf([gnomeModel(values), model], journal))).toMatchObject({ failures: [] });
  expect(model.texts.get(kioslaverc)).toBe(kdeText);
});

test('a program that does not restore is told, and the journal stays', async () => {
  const ports = machineOf([gnomeModel(new Map())]);
  await switchOn(ports, { way: pac, agent });
  const deaf: SystemProxyPorts = {
    ...ports,
    run: async (command) => (isReading(command) ? ports.run(command) : { status: 0, stdout: '', stderr: '' }),
  };
  expect(await restoreSystemProxy(deaf)).toMatchObject({
    kind: 'restored',
    failures: ['not as before: autoconfig-url, mode'],
  });
  expect(ports.journal.read()).toMatchObject({ kind: 'held' });
  expect(await restoreSystemProxy(ports)).toMatchObject({ failures: [] });
});

test('a command that outlived a killed `on`, and still sets one more, is undone, too', async () => {
  const values = new Map<string, string>();
  const ports = machineOf([gnomeModel(values)]);
  await switchOn(ports, { way: pac, agent });
  let changes = 0;
  const restored = await restoreSystemProxy({
    ...ports,
    run: async (command) => {
      const ran = await ports.run(command);
      if (!isReading(command) && ++changes === 2) values.set('mode', "'auto'");
      return ran;
    },
  });
  expect(restored).toMatchObject({ kind: 'restored', failures: [], left: [] });
  expect(values.size).toBe(0);
});

test('only a journal that is wanted is acted upon, and one that another acts upon is left to it', async () => {
  const ports = machineOf([gnomeModel(new Map())]);
  expect(await restoreSystemProxy(ports)).toEqual({ kind: 'nothing' });
  await switchOn(ports, { way: pac, agent });
  expect(await restoreSystemProxy(ports, { only: ({ way }) => way.kind === 'fixed' })).toEqual({ kind: 'nothing' });
  const lock = ports.journal.lock();
  expect(await restoreSystemProxy(ports)).toEqual({ kind: 'busy' });
  lock?.release();
  expect(await restoreSystemProxy(ports, { only: ({ way }) => way.kind === 'pac' })).toMatchObject({
    kind: 'restored',
  });
});

test('a start takes back what was cut short, and host and port of an agent that has gone', async () => {
  const ports = machineOf([gnomeModel(new Map())]);
  const isLeft = (agents: readonly AgentState[]) => {
    const read = ports.journal.read();
    return read.kind === 'held' && [read.journal.stage, isLeftBehind(read.journal, agents)];
  };
  await switchOn(ports, { way: pac, agent });
  expect(isLeft([])).toEqual(['set', false]);
  await switchOn(ports, { way: fixed, agent });
  expect(isLeft([running])).toEqual(['set', false]);
  expect(isLeft([{ ...running, pid: 1 }])).toEqual(['set', true]);
  await expect(switchOn(mortal(ports, { after: 3 }), { way: pac, agent })).rejects.toThrow(Killed);
  expect(isLeft([running])).toEqual(['setting', true]);
});

test('Windows tells running programs of each change', async () => {
  const model = windowsModel(registry({}));
  const ports = machineOf([model]);
  await switchOn(ports, { way: pac, agent });
  expect(model.refreshed).toBe(1);
  await restoreSystemProxy(ports);
  expect(model.refreshed).toBe(2);
});
