// The registry of Windows: what PowerShell prints of it means, and which commands set and restore.
import { expect, test } from 'vitest';
import {
  windows,
  windowsReading,
  windowsRefreshing,
  windowsStanding,
} from '../../../../agent/machine/system-proxy/windows.ts';

const key = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
const script = (args: readonly string[]) => Buffer.from(args.at(-1) ?? '', 'base64').toString('utf16le');

test.each([
  ['no value', '{"values":[]}\r\n', [null, null, null, null]],
  [
    'values with their kinds',
    '\ufeff{"values":[{"name":"ProxyEnable","kind":"DWord","value":"0"},{"name":"ProxyOverride","kind":"ExpandString","value":"%X%; <local> "},{"name":"AutoConfigURL","kind":"String","value":""}]}\r\n',
    ['REG_DWORD 0', null, 'REG_EXPAND_SZ %X%; <local> ', 'REG_SZ '],
  ],
  [
    'names in another case',
    '{"values":[{"name":"PROXYSERVER","kind":"String","value":"ä:1"}]}',
    [null, 'REG_SZ ä:1', null, null],
  ],
])('%s', (_title, printed, values) => {
  expect(windowsStanding(printed).map(({ value }) => value)).toEqual(values);
});

test('what is no such transcript is refused', () => {
  expect(() => windowsStanding('Get-Item : Cannot find path')).toThrow();
});

test.each([
  ['ProxyEnable', 'REG_DWORD 1', ['add', key, '/v', 'ProxyEnable', '/t', 'REG_DWORD', '/d', '1', '/f']],
  [
    'ProxyOverride',
    'REG_EXPAND_SZ a b;<local>',
    ['add', key, '/v', 'ProxyOverride', '/t', 'REG_EXPAND_SZ', '/d', 'a b;<local>', '/f'],
  ],
  ['AutoConfigURL', 'REG_SZ ', ['add', key, '/v', 'AutoConfigURL', '/t', 'REG_SZ', '/d', '', '/f']],
  ['AutoConfigURL', null, ['delete', key, '/v', 'AutoConfigURL', '/f']],
])('%s is set to %s', (name, to, args) => {
  expect(windows().commands([{ place: '', name, to }], [])).toEqual([
    { program: 'C:\\Windows\\System32\\reg.exe', args },
  ]);
});

test('a PAC needs one value; host and port need the PAC away, which would come before them', () => {
  const wanted = (way: Parameters<ReturnType<typeof windows>['wanted']>[0]) => {
    const wish = windows().wanted(way, []);
    return wish.kind === 'settings' && wish.settings.map(({ name, value }) => [name, value]);
  };
  expect(wanted({ kind: 'pac', url: 'http://127.0.0.1:8081/proxy.pac' })).toEqual([
    ['AutoConfigURL', 'REG_SZ http://127.0.0.1:8081/proxy.pac'],
  ]);
  expect(wanted({ kind: 'fixed', host: '127.0.0.1', port: 8080 })).toEqual([
    ['ProxyServer', 'REG_SZ 127.0.0.1:8080'],
    ['ProxyOverride', expect.stringMatching(/^REG_SZ <local>;.*\*\.local;.*172\.31\.\*;/)],
    ['ProxyEnable', 'REG_DWORD 1'],
    ['AutoConfigURL', null],
  ]);
});

test('a value of a kind that could not be restored is not replaced', () => {
  const odd = windowsStanding('{"values":[{"name":"ProxyServer","kind":"Binary","value":"1 2"}]}');
  expect(windows().wanted({ kind: 'pac', url: 'http://u/' }, odd)).toMatchObject({ kind: 'refused' });
});

test('WinINet is told that settings have changed, and to read them again', () => {
  expect(windows().notify).toEqual([windowsRefreshing]);
  expect(script(windowsRefreshing.args)).toMatch(/InternetSetOption[\s\S]*39, 37/);
  expect(script(windowsReading.args)).toContain('DoNotExpandEnvironmentNames');
});

test.each([
  ['[]', { kind: 'none' }],
  [
    '[{"name":"AutoConfigURL","kind":"String","value":"http://u/"},{"name":"ProxyEnable","kind":"DWord","value":"1"}]',
    { kind: 'pac', to: 'http://u/' },
  ],
  [
    '[{"name":"ProxyEnable","kind":"DWord","value":"1"},{"name":"ProxyServer","kind":"String","value":"h:1"}]',
    { kind: 'fixed', to: 'h:1' },
  ],
  [
    '[{"name":"ProxyEnable","kind":"DWord","value":"0"},{"name":"ProxyServer","kind":"String","value":"h:1"}]',
    { kind: 'none' },
  ],
])('in use by %s', (values, inUse) => {
  expect(windows().inUse(windowsStanding(`{"values":${values}}`))).toEqual([
    { desktop: 'windows', place: '', ...inUse },
  ]);
});
