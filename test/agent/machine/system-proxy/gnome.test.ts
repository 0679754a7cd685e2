// gsettings: what its lists mean, and which commands set and restore.
import { expect, test } from 'vitest';
import { gnome, gnomeStanding } from '../../../../agent/machine/system-proxy/gnome.ts';

const defaults = `org.gnome.system.proxy autoconfig-url ''
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode 'none'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.ftp host ''
org.gnome.system.proxy.http authentication-password ''
org.gnome.system.proxy.http host ''
org.gnome.system.proxy.http port 8080
org.gnome.system.proxy.http use-authentication false
org.gnome.system.proxy.https host ''
org.gnome.system.proxy.https port 0
`;
const set = defaults
  .replace("mode 'none'", "mode 'manual'")
  .replace("autoconfig-url ''", `autoconfig-url "http://it's here/"`)
  .replace(/ignore-hosts .*/, 'ignore-hosts @as []')
  .replace("http host ''", "http host 'Proxy.example'")
  .replace('http port 8080', 'http port 3128');
const valuesOf = (printed: string) =>
  Object.fromEntries(gnomeStanding(printed, defaults).map(({ name, value }) => [name, value]));

test('what has its default is not set, whatever a distribution makes of that', () => {
  expect(Object.values(valuesOf(defaults)).every((value) => value === null)).toBe(true);
  expect(gnomeStanding(set, set).every(({ value }) => value === null)).toBe(true);
});

test('what is set comes as GVariant text, as it is', () => {
  expect(valuesOf(set)).toEqual({
    mode: "'manual'",
    'autoconfig-url': `"http://it's here/"`,
    'ignore-hosts': '@as []',
    'http host': "'Proxy.example'",
    'http port': '3128',
    'http use-authentication': null,
    'https host': null,
    'https port': null,
  });
});

test('a gsettings without the schema is told', () => {
  expect(() => gnomeStanding('', '')).toThrow('gsettings knows no proxy settings');
});

test.each([
  ['mode', "'auto'", ['set', 'org.gnome.system.proxy', 'mode', "'auto'"]],
  ['ignore-hosts', '@as []', ['set', 'org.gnome.system.proxy', 'ignore-hosts', '@as []']],
  ['http host', "'h'", ['set', 'org.gnome.system.proxy.http', 'host', "'h'"]],
  ['https port', null, ['reset', 'org.gnome.system.proxy.https', 'port']],
])('%s is set to %s', (name, to, args) => {
  expect(gnome().commands([{ place: '', name, to }], [])).toEqual([
    { program: 'gsettings', args, env: { LC_ALL: 'C.UTF-8' } },
  ]);
});

test('the mode comes last, and what is wanted as it is by default is wanted unset', () => {
  const wanted = (way: Parameters<ReturnType<typeof gnome>['wanted']>[0]) => {
    const wish = gnome().wanted(way, gnomeStanding(set, defaults));
    return wish.kind === 'settings' && wish.settings.map(({ name, value }) => [name, value]);
  };
  expect(wanted({ kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' })).toEqual([
    ['autoconfig-url', "'http://127.0.0.1:8081/proxy.pac'"],
    ['mode', "'auto'"],
  ]);
  expect(wanted({ kind: 'fixed', host: '127.0.0.1', port: 8080 })).toEqual([
    ['http host', "'127.0.0.1'"],
    ['http port', null],
    ['http use-authentication', null],
    ['https host', "'127.0.0.1'"],
    ['https port', '8080'],
    ['ignore-hosts', expect.stringMatching(/^\['localhost', .*'\*\.local'.*\]$/)],
    ['mode', "'manual'"],
  ]);
});

test('an older GNOME without some key is set without it', () => {
  const without = defaults.replace(/.*use-authentication.*\n/, '');
  const wish = gnome().wanted({ kind: 'fixed', host: 'h', port: 1 }, gnomeStanding(without, without));
  expect(wish.kind === 'settings' && wish.settings.some(({ name }) => name.includes('use-authentication'))).toBe(false);
});

test.each([
  [defaults, { kind: 'none' }],
  [set, { kind: 'fixed', to: 'Proxy.example:3128' }],
  [defaults.replace("'none'", "'auto'").replace("url ''", "url 'http://u/'"), { kind: 'pac', to: 'http://u/' }],
])('in use: %#', (printed, inUse) => {
  expect(gnome().inUse(gnomeStanding(printed, defaults))).toEqual([{ desktop: 'gnome', place: '', ...inUse }]);
});
