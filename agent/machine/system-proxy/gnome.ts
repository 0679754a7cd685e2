// GNOME's proxy settings, by gsettings: read with their defaults, since a setting that nobody has made is not one of the same value.
import type { ProxyWay } from '../../../schemas/system-proxy.ts';
import { type Change, type Command, type Desktop, keyOf, printedBy, type Standing, type Wanted } from './desktop.ts';
import { exceptions } from './exceptions.ts';
import { entriesOf, sameEntriesBut } from './settings-text.ts';

/** `keyfile`: where the settings stand when gsettings keeps them in a text file. */
export function gnome(keyfile?: string): Desktop {
  return {
    name: 'gnome',
    read: async (run) =>
      gnomeStanding(await printedBy(run, gnomeReading.standing), await printedBy(run, gnomeReading.defaults)),
    wanted: (way, standing) => ({ kind: 'settings', settings: gnomeWanted(way, standing) }),
    commands: (changes) => changes.map(gnomeCommand),
    notify: [],
    inUse: gnomeInUse,
    ...(keyfile !== undefined && {
      text: {
        path: keyfile,
        differOnlyIn: (names, one, other) =>
          sameEntriesBut((group, key) => names.includes(nameOf(group, key) ?? ''), entriesOf(one), entriesOf(other)),
      },
    }),
  };
}

/** Without UTF-8 gsettings prints a question mark for what its locale lacks. */
const env = { LC_ALL: 'C.UTF-8' };
const schema = 'org.gnome.system.proxy';

/** A memory that nobody has written to shows the defaults, those of the distribution included. */
export const gnomeReading = {
  standing: { program: 'gsettings', args: ['list-recursively', schema], env },
  defaults: { program: 'gsettings', args: ['list-recursively', schema], env: { ...env, GSETTINGS_BACKEND: 'memory' } },
} as const satisfies Readonly<Record<string, Command>>;

/** Names are `key`, or `http host` for a key of a schema below. What has its default counts as not set. */
export function gnomeStanding(printed: string, printedDefaults: string): readonly Standing[] {
  const [values, defaults] = [valuesIn(printed), valuesIn(printedDefaults)];
  if (!values.has('mode')) throw new Error('gsettings knows no proxy settings');
  return gnomeNames.flatMap((name) => {
    const [value, unset] = [values.get(name), defaults.get(name)];
    if (value === undefined) return [];
    return [{ place: '', name, value: value === unset ? null : value, ...(unset !== undefined && { default: unset }) }];
  });
}

/** Lines are `org.gnome.system.proxy.http host 'example'`: schema, key, and the value as GVariant text. */
function valuesIn(printed: string): ReadonlyMap<string, string> {
  const lines = printed.matchAll(/^org\.gnome\.system\.proxy(?:\.(\w+))? (\S+) (.*)$/gm);
  return new Map(
    [...lines].map(([, below, key, value]) => [below === undefined ? `${key}` : `${below} ${key}`, `${value}`]),
  );
}

const gnomeNames = [
  'mode',
  'autoconfig-url',
  'ignore-hosts',
  'http host',
  'http port',
  'http use-authentication',
  'https host',
  'https port',
];

function gnomeWanted(way: ProxyWay, standing: readonly Standing[]): readonly Wanted[] {
  const defaults = new Map(standing.map((one) => [one.name, one.default]));
  const wanted = (role: Wanted['role'], name: string, value: string): Wanted[] =>
    defaults.has(name)
      ? [{ place: '', group: 'proxy', role, name, value: value === defaults.get(name) ? null : value }]
      : [];
  if (way.kind === 'pac')
    return [...wanted('value', 'autoconfig-url', quoted(way.url)), ...wanted('switch', 'mode', quoted('auto'))];
  return [
    ...wanted('value', 'http host', quoted(way.host)),
    ...wanted('value', 'http port', String(way.port)),
    ...wanted('aside', 'http use-authentication', 'false'), // what another proxy is shown is nothing for ours
    ...wanted('value', 'https host', quoted(way.host)),
    ...wanted('value', 'https port', String(way.port)),
    ...wanted('aside', 'ignore-hosts', `[${exceptions('gnome').map(quoted).join(', ')}]`),
    ...wanted('switch', 'mode', quoted('manual')),
  ];
}

/** As GVariant text. No value of ours holds a quote or a backslash. */
function quoted(text: string): string {
  return `'${text}'`;
}

function gnomeCommand({ name, to }: Change): Command {
  const words = name.split(' ');
  const below = words.length === 1 ? schema : `${schema}.${words[0]}`;
  const key = words.at(-1) ?? '';
  return { program: 'gsettings', args: to === null ? ['reset', below, key] : ['set', below, key, to], env };
}

function gnomeInUse(standing: readonly Standing[]): ReturnType<Desktop['inUse']> {
  const values = new Map(standing.map((one) => [keyOf(one), one.value ?? one.default ?? '']));
  const valueFor = (name: string) => (values.get(keyOf({ place: '', name })) ?? '').replace(/^'(.*)'$/, '$1');
  const common = { desktop: 'gnome', place: '' } as const;
  const mode = valueFor('mode');
  if (mode === 'auto') return [{ ...common, kind: 'pac', to: valueFor('autoconfig-url') }];
  if (mode === 'manual') {
    const scheme = valueFor('http host') === '' ? 'https' : 'http';
    return [{ ...common, kind: 'fixed', to: `${valueFor(`${scheme} host`)}:${valueFor(`${scheme} port`)}` }];
  }
  return [{ ...common, kind: 'none' }];
}

/** What an entry of the text file is called here. Groups are paths, as `system/proxy/http`. */
function nameOf(group: string, key: string): string | undefined {
  const below = /^system\/proxy(?:\/(\w+))?$/.exec(group);
  if (below === null) return undefined;
  return below[1] === undefined ? key : `${below[1]} ${key}`;
}
