// Machines that are only maps: they carry out the commands that edgehop builds, as the real programs would, and tell all that they hold.
import type { Command, Desktop, Ran, Run } from '../../agent/machine/system-proxy/desktop.ts';
import { gnome } from '../../agent/machine/system-proxy/gnome.ts';
import { kde } from '../../agent/machine/system-proxy/kde.ts';
import { macos } from '../../agent/machine/system-proxy/macos.ts';
import type { JournalStore, SystemProxyPorts } from '../../agent/machine/system-proxy/ports.ts';
import { windows, windowsReading, windowsRefreshing } from '../../agent/machine/system-proxy/windows.ts';
import { type SystemProxyJournal, systemProxyJournal } from '../../schemas/system-proxy.ts';

export interface Model {
  readonly desktop: Desktop;
  readonly run: Run;
  /** All that is stored, as text. */
  dump(): string;
  /** Text files, of the KDE model. */
  readonly texts: Map<string, string>;
}

/** Whether a command changes nothing. */
export function isReading({ program, args }: Command): boolean {
  return (
    /^-(?:get|list)/.test(args[0] ?? '') || args[0] === 'list-recursively' || /kreadconfig|powershell/.test(program)
  );
}

/** Thrown where a process would be killed. Nothing catches it but the test. */
export class Killed extends Error {}

/** A machine of these models, with a journal in memory. */
export function machineOf(models: readonly Model[], journal: JournalStore = journalInMemory()): SystemProxyPorts {
  const texts = (path: string) => models.find((model) => model.texts.has(path))?.texts ?? models.at(-1)?.texts;
  return {
    desktops: models.map(({ desktop }) => desktop),
    run: async (command) => {
      for (const model of models) {
        const ran = await model.run(command);
        if (ran.status !== 127) return ran;
      }
      return failed(127, `${command.program}: not found`);
    },
    journal,
    texts: {
      read: (path) => texts(path)?.get(path) ?? null,
      replace: (path, text) => void (text === null ? texts(path)?.delete(path) : texts(path)?.set(path, text)),
    },
  };
}

/** Holds text, as a file does, so that what is read has gone through JSON and the schema. */
export function journalInMemory(): JournalStore & { text: string | undefined; isLocked: boolean } {
  return {
    path: '/state/journal.json',
    text: undefined,
    isLocked: false,
    read() {
      if (this.text === undefined) return { kind: 'none' };
      const parsed = systemProxyJournal.safeParse(JSON.parse(this.text));
      return parsed.success ? { kind: 'held', journal: parsed.data } : { kind: 'unreadable', because: 'wrong' };
    },
    write(journal: SystemProxyJournal) {
      this.text = JSON.stringify(systemProxyJournal.parse(journal));
    },
    remove() {
      this.text = undefined;
    },
    lock() {
      if (this.isLocked) return undefined;
      this.isLocked = true;
      return {
        release: () => {
          this.isLocked = false;
        },
      };
    },
  };
}

export interface MacService {
  url?: string;
  urlIsOn?: boolean;
  discovers?: boolean;
  web?: MacServer;
  secure?: MacServer;
  bypass?: readonly string[];
  isDisabled?: boolean;
}

interface MacServer {
  host: string;
  port: number;
  isOn: boolean;
  isAuthenticated?: boolean;
}

/** `refusesEmpty`: a networksetup that does not take an empty URL or server. */
export function macModel(services: Record<string, MacService>, { refusesEmpty = false } = {}): Model {
  const yes = (is: boolean | undefined) => (is === true ? 'Yes' : 'No');
  const server = (one: MacServer | undefined) =>
    `Enabled: ${yes(one?.isOn)}\nServer: ${one?.host ?? ''}\nPort: ${one?.port ?? 0}\nAuthenticated Proxy Enabled: ${one?.isAuthenticated ? 1 : 0}\n`;
  const run = (args: readonly string[]): Ran => {
    const [option = '', name = '', ...values] = args;
    if (option === '-listallnetworkservices')
      return printed(
        `An asterisk (*) denotes that a network service is disabled.\n${Object.entries(services)
          .map(([one, { isDisabled }]) => `${isDisabled ? '*' : ''}${one}\n`)
          .join('')}`,
      );
    const service = services[name];
    if (service === undefined)
      return printed(`${name} is not a recognized network service.\n** Error: The parameters were not valid.\n`);
    const [value = ''] = values;
    const which = option.includes('secure') ? 'secure' : 'web';
    const already = service[which] ?? { host: '', port: 0, isOn: false };
    switch (option) {
      case '-getautoproxyurl':
        return printed(`URL: ${service.url || '(null)'}\nEnabled: ${yes(service.urlIsOn)}\n`);
      case '-getproxyautodiscovery':
        return printed(`Auto Proxy Discovery: ${service.discovers ? 'On' : 'Off'}\n`);
      case '-getwebproxy':
      case '-getsecurewebproxy':
        return printed(server(service[which]));
      case '-getproxybypassdomains':
        return printed(
          service.bypass?.map((one) => `${one}\n`).join('') || `There aren't any bypass domains set on ${name}.\n`,
        );
      case '-setautoproxyurl':
        if (value === '' && refusesEmpty) return failed(4, '** Error: The parameters were not valid.');
        Object.assign(service, { url: value, urlIsOn: true });
        return printed('');
      case '-setautoproxystate':
        service.urlIsOn = value === 'on';
        return printed('');
      case '-setproxyautodiscovery':
        service.discovers = value === 'on';
        return printed('');
      case '-setwebproxy':
      case '-setsecurewebproxy':
        if (value === '' && refusesEmpty) return failed(4, '** Error: The parameters were not valid.');
        service[which] = { host: value, port: Number(values[1]), isOn: true };
        return printed('');
      case '-setwebproxystate':
      case '-setsecurewebproxystate':
        service[which] = { ...already, isOn: value === 'on' };
        return printed('');
      case '-setproxybypassdomains':
        service.bypass = value === 'Empty' ? [] : values;
        return printed('');
      default:
        return failed(1, `no such option ${option}`);
    }
  };
  return {
    desktop: macos(),
    run: async ({ program, args }) => (program === '/usr/sbin/networksetup' ? run(args) : notFound),
    dump: () =>
      Object.keys(services)
        .map((name) =>
          ['autoproxyurl', 'proxyautodiscovery', 'webproxy', 'securewebproxy', 'proxybypassdomains']
            .map((option) => run([`-get${option}`, name]).stdout)
            .join(`(${name}, ${services[name]?.isDisabled ? 'disabled' : 'active'})\n`),
        )
        .join('\n'),
    texts: new Map(),
  };
}

export type Registry = Map<string, { kind: string; value: string }>;

export function windowsModel(values: Registry): Model & { refreshed: number } {
  const model = {
    desktop: windows(),
    refreshed: 0,
    run: async ({ program, args }: Command): Promise<Ran> => {
      if (program.endsWith('powershell.exe')) {
        if (args.at(-1) === windowsRefreshing.args.at(-1)) model.refreshed += 1;
        if (args.at(-1) !== windowsReading.args.at(-1)) return printed('');
        const kinds: Record<string, string> = {
          REG_SZ: 'String',
          REG_EXPAND_SZ: 'ExpandString',
          REG_DWORD: 'DWord',
          REG_BINARY: 'Binary',
        };
        const all = [...values].map(([name, { kind, value }]) => ({ name, kind: kinds[kind], value }));
        return printed(`${JSON.stringify({ values: all })}\r\n`);
      }
      if (!program.endsWith('reg.exe')) return notFound;
      const option = (name: string) => args[args.indexOf(name) + 1] ?? '';
      if (args[0] === 'delete' && !values.delete(option('/v')))
        return failed(1, 'ERROR: The system was unable to find it.');
      if (args[0] === 'add') values.set(option('/v'), { kind: option('/t'), value: option('/d') });
      return printed('The operation completed successfully.\r\n');
    },
    dump: () => JSON.stringify([...values].toSorted()),
    texts: new Map<string, string>(),
  };
  return model;
}

/** By `key` or `http host`, as GVariant text. */
export const gnomeDefaults: ReadonlyMap<string, string> = new Map([
  ['autoconfig-url', "''"],
  ['ignore-hosts', "['localhost', '127.0.0.0/8', '::1']"],
  ['mode', "'none'"],
  ['use-same-proxy', 'true'],
  ['http authentication-password', "''"],
  ['http host', "''"],
  ['http port', '8080'],
  ['http use-authentication', 'false'],
  ['https host', "''"],
  ['https port', '0'],
]);

export function gnomeModel(values: Map<string, string>, defaults = gnomeDefaults): Model {
  const schemaOf = (name: string) => ['org.gnome.system.proxy', ...name.split(' ').slice(0, -1)].join('.');
  return {
    desktop: gnome(),
    run: async ({ program, args, env }) => {
      if (program !== 'gsettings') return notFound;
      const [verb, schema = '', key = '', value = ''] = args;
      if (verb === 'list-recursively') {
        const names = env?.['GSETTINGS_BACKEND'] === 'memory' ? defaults : new Map([...defaults, ...values]);
        return printed(
          [...names].map(([name, one]) => `${schemaOf(name)} ${name.split(' ').at(-1)} ${one}\n`).join(''),
        );
      }
      const name = [...schema.split('.').slice(4), key].join(' ');
      if (!defaults.has(name)) return failed(1, `No such key “${key}”`);
      if (verb === 'set') values.set(name, value);
      else values.delete(name);
      return printed('');
    },
    dump: () => JSON.stringify([...values].toSorted()),
    texts: new Map(),
  };
}

export const kioslaverc = '/home/me/.config/kioslaverc';

/** Writes its file as KConfig does: groups and keys sorted, comments forgotten. */
export function kdeModel(text: string | undefined): Model & { signals: number } {
  const texts = new Map(text === undefined ? [] : [[kioslaverc, text]]);
  const groups = () => {
    const read = new Map<string, Map<string, string>>();
    let group = '';
    for (const line of (texts.get(kioslaverc) ?? '').split('\n')) {
      const [, header, key, value = ''] = /^(?:\[(.*)\]|([^#=]+)=(.*))$/.exec(line) ?? [];
      if (header !== undefined) group = header;
      if (key !== undefined) read.set(group, (read.get(group) ?? new Map()).set(key, value));
    }
    return read;
  };
  const model = {
    desktop: kde('6', kioslaverc),
    signals: 0,
    run: async ({ program, args }: Command): Promise<Ran> => {
      if (program === 'dbus-send') model.signals += 1;
      if (program === 'dbus-send') return printed('');
      const option = (name: string) => args[args.indexOf(name) + 1] ?? '';
      const all = groups();
      const group = all.get(option('--group')) ?? new Map<string, string>();
      if (program === 'kreadconfig6') return printed(`${group.get(option('--key')) ?? option('--default')}\n`);
      if (program !== 'kwriteconfig6') return notFound;
      if (args.at(-1) === '--delete') group.delete(option('--key'));
      else group.set(option('--key'), args.at(-1) ?? '');
      all.set(option('--group'), group);
      const written = [...all]
        .filter(([, keys]) => keys.size > 0)
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(
          ([name, keys]) =>
            `[${name}]\n${[...keys]
              .toSorted()
              .map(([key, value]) => `${key}=${value}\n`)
              .join('')}`,
        );
      texts.set(kioslaverc, written.join('\n'));
      return printed('');
    },
    dump: () => JSON.stringify([...texts]),
    texts,
  };
  return model;
}

const notFound: Ran = { status: 127, stdout: '', stderr: 'not found' };

function printed(stdout: string): Ran {
  return { status: 0, stdout, stderr: '' };
}

function failed(status: number, stderr: string): Ran {
  return { status, stdout: '', stderr };
}
