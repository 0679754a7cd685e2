// KDE's proxy settings in `kioslaverc`, by kreadconfig and kwriteconfig of version 5 or 6.
import type { ProxyWay } from '../../../schemas/system-proxy.ts';
import { type Change, type Command, type Desktop, printedBy, type Standing, type Wanted } from './desktop.ts';
import { exceptions } from './exceptions.ts';
import { entriesOf, sameEntriesBut } from './settings-text.ts';

/** `path`: of `kioslaverc`. Both versions keep their settings there. */
export function kde(version: '5' | '6', path: string): Desktop {
  return {
    name: 'kde',
    read: (run) =>
      Promise.all(kdeNames.map(async (name) => kdeStanding(name, await printedBy(run, kdeReading(version, name))))),
    wanted: (way) => ({ kind: 'settings', settings: kdeWanted(way) }),
    commands: (changes) => changes.map((change) => kdeCommand(version, change)),
    notify: [
      {
        program: 'dbus-send',
        args: [
          '--session',
          '--type=signal',
          '/KIO/Scheduler',
          'org.kde.KIO.Scheduler.reparseSlaveConfiguration',
          'string:',
        ],
      },
    ],
    inUse: kdeInUse,
    text: {
      path,
      differOnlyIn: (names, one, other) =>
        sameEntriesBut(
          (group, key) => group === settingsGroup && names.includes(key),
          entriesOf(one),
          entriesOf(other),
        ),
    },
  };
}

const settingsGroup = 'Proxy Settings';
const kdeNames = ['ProxyType', 'Proxy Config Script', 'httpProxy', 'httpsProxy', 'NoProxyFor', 'ReversedException'];
const file = ['--file', 'kioslaverc', '--group', settingsGroup];

/** Qt reads arguments in the character set of the locale. */
const env = { LC_ALL: 'C.UTF-8' };

/** What kreadconfig prints for a key that is not there. Nobody has such a proxy. */
const absent = 'edgehop:absent';

export function kdeReading(version: '5' | '6', name: string): Command {
  return { program: `kreadconfig${version}`, args: [...file, '--key', name, '--default', absent], env };
}

/** The value comes as it is, with one line feed at its end. */
export function kdeStanding(name: string, printed: string): Standing {
  const value = printed.replace(/\r?\n$/, '');
  return { place: '', name, value: value === absent ? null : value };
}

/** `ProxyType`: 0 none, 1 by hand, 2 a PAC, 3 to be found, 4 by environment variables. */
function kdeWanted(way: ProxyWay): readonly Wanted[] {
  const wanted = (role: Wanted['role'], name: string, value: string): Wanted => ({
    place: '',
    group: 'proxy',
    role,
    name,
    value,
  });
  if (way.kind === 'pac') return [wanted('value', 'Proxy Config Script', way.url), wanted('switch', 'ProxyType', '2')];
  const proxy = `http://${way.host.includes(':') ? `[${way.host}]` : way.host} ${way.port}`;
  return [
    wanted('value', 'httpProxy', proxy),
    wanted('value', 'httpsProxy', proxy),
    wanted('aside', 'NoProxyFor', exceptions('kde').join(',')),
    wanted('aside', 'ReversedException', 'false'), // true would make the exceptions all that goes through the proxy
    wanted('switch', 'ProxyType', '1'),
  ];
}

function kdeCommand(version: '5' | '6', { name, to }: Change): Command {
  const last = to === null ? ['--delete'] : ['--', to]; // a value may begin with a dash
  return { program: `kwriteconfig${version}`, args: [...file, '--key', name, ...last], env };
}

function kdeInUse(standing: readonly Standing[]): ReturnType<Desktop['inUse']> {
  const valueFor = (wanted: string) => standing.find(({ name }) => name === wanted)?.value ?? '';
  const common = { desktop: 'kde', place: '' } as const;
  const type = valueFor('ProxyType');
  if (type === '2') return [{ ...common, kind: 'pac', to: valueFor('Proxy Config Script') }];
  if (type === '1') {
    const proxy = valueFor('httpProxy') || valueFor('httpsProxy');
    return [{ ...common, kind: 'fixed', to: proxy.replace(/^\w+:\/\//, '').replace(/ (\d+)$/, ':$1') }];
  }
  if (type === '3') return [{ ...common, kind: 'other', to: 'found by itself (WPAD)' }];
  if (type === '4') return [{ ...common, kind: 'other', to: 'as environment variables say' }];
  return [{ ...common, kind: 'none' }];
}
