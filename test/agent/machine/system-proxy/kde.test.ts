// kreadconfig and kwriteconfig: what they print means, and which commands set and restore.
import { expect, test } from 'vitest';
import { kde, kdeReading, kdeStanding } from '../../../../agent/machine/system-proxy/kde.ts';

const desktop = kde('6', '/home/me/.config/kioslaverc');
const group = ['--file', 'kioslaverc', '--group', 'Proxy Settings', '--key'];

test.each([
  ['edgehop:absent\n', null],
  ['\n', ''],
  ['  spaces at both ends \n', '  spaces at both ends '],
  ['http://proxy 3128\n', 'http://proxy 3128'],
])('%j is read', (printed, value) => {
  expect(kdeStanding('httpProxy', printed)).toEqual({ place: '', name: 'httpProxy', value });
});

test.each([
  ['5', 'kreadconfig5'],
  ['6', 'kreadconfig6'],
] as const)('version %s is asked by its own program', (version, program) => {
  expect(kdeReading(version, 'ProxyType')).toMatchObject({
    program,
    args: [...group, 'ProxyType', '--default', 'edgehop:absent'],
  });
});

test.each([
  ['ProxyType', '2', [...group, 'ProxyType', '--', '2']],
  ['NoProxyFor', '-a', [...group, 'NoProxyFor', '--', '-a']],
  ['Proxy Config Script', null, [...group, 'Proxy Config Script', '--delete']],
])('%s is set to %s', (name, to, args) => {
  expect(desktop.commands([{ place: '', name, to }], [])).toMatchObject([{ program: 'kwriteconfig6', args }]);
});

test('the type comes last; exceptions are exceptions, and not all that goes through', () => {
  const wanted = (way: Parameters<typeof desktop.wanted>[0]) => {
    const wish = desktop.wanted(way, []);
    return wish.kind === 'settings' && wish.settings.map(({ name, value }) => [name, value]);
  };
  expect(wanted({ kind: 'pac', url: 'http://u/' })).toEqual([
    ['Proxy Config Script', 'http://u/'],
    ['ProxyType', '2'],
  ]);
  expect(wanted({ kind: 'fixed', host: '::1', port: 8080 })).toEqual([
    ['httpProxy', 'http://[::1] 8080'],
    ['httpsProxy', 'http://[::1] 8080'],
    ['NoProxyFor', expect.stringContaining('.local,')],
    ['ReversedException', 'false'],
    ['ProxyType', '1'],
  ]);
});

test('running programs are told by a signal on the bus of the session', () => {
  expect(desktop.notify).toEqual([
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
  ]);
});

test.each([
  [{}, { kind: 'none' }],
  [{ ProxyType: '0', httpProxy: 'http://h 1' }, { kind: 'none' }],
  [
    { ProxyType: '1', httpProxy: 'http://h 1' },
    { kind: 'fixed', to: 'h:1' },
  ],
  [
    { ProxyType: '2', 'Proxy Config Script': 'http://u/' },
    { kind: 'pac', to: 'http://u/' },
  ],
  [{ ProxyType: '3' }, { kind: 'other', to: 'found by itself (WPAD)' }],
  [{ ProxyType: '4' }, { kind: 'other', to: 'as environment variables say' }],
])('in use by %j', (values, inUse) => {
  const standing = Object.entries(values).map(([name, value]) => ({ place: '', name, value }));
  expect(desktop.inUse(standing)).toEqual([{ desktop: 'kde', place: '', ...inUse }]);
});

test.each([
  ['# a\n[Z]\nx=1\n\n[Proxy Settings]\nProxyType=2\n', '[Proxy Settings]\nProxyType=0\n\n[Z]\nx=1\n', true],
  ['[Z]\nx=1\n', '[Z]\nx=2\n', false],
  ['[Z]\nProxyType=1\n', '[Z]\nProxyType=2\n', false],
  ['[Proxy Settings]\nAuthMode=1\n', null, false],
  ['', null, true],
  ['[Proxy Settings]\nProxyType=2\n', null, true],
])('%j and %j differ only in what is ours: %s', (one, other, same) => {
  expect(desktop.text?.differOnlyIn(['ProxyType'], one, other)).toBe(same);
});
