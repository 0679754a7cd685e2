// The proxy settings of a Windows user, in the registry: read by PowerShell with their kinds, set by reg, and told to WinINet.
import * as z from 'zod';
import type { ProxyWay } from '../../../schemas/system-proxy.ts';
import { windowsFolder } from '../facts.ts';
import {
  type Change,
  type Command,
  type Desktop,
  printedBy,
  type Standing,
  type Wanted,
  type Wish,
} from './desktop.ts';
import { exceptions } from './exceptions.ts';

/** A value of the registry is written `REG_SZ text`: one of another kind is another value. */
export function windows(): Desktop {
  return {
    name: 'windows',
    read: async (run) => windowsStanding(await printedBy(run, windowsReading)),
    wanted: windowsWanted,
    commands: (changes) => changes.map(windowsCommand),
    notify: [windowsRefreshing],
    inUse: windowsInUse,
  };
}

const key = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
const windowsNames = ['ProxyEnable', 'ProxyServer', 'ProxyOverride', 'AutoConfigURL'];

/** reg would print in the code page of the console, which lacks most letters. */
const readingScript = [
  "$ProgressPreference = 'SilentlyContinue'",
  '[Console]::OutputEncoding = [Text.Encoding]::UTF8',
  `$key = Get-Item -LiteralPath 'HKCU:${key.slice('HKCU'.length)}' -ErrorAction Stop`,
  `$names = @(${windowsNames.map((name) => `'${name}'`).join(', ')} | Where-Object { $key.GetValueNames() -contains $_ })`,
  "$values = @($names | ForEach-Object { [pscustomobject]@{ name = $_; kind = [string]$key.GetValueKind($_); value = [string]$key.GetValue($_, $null, 'DoNotExpandEnvironmentNames') } })",
  '[pscustomobject]@{ values = $values } | ConvertTo-Json -Compress -Depth 3',
].join('\n');

/** 39 is INTERNET_OPTION_SETTINGS_CHANGED, 37 INTERNET_OPTION_REFRESH: running programs read the settings again. */
const refreshingScript = [
  "$ProgressPreference = 'SilentlyContinue'",
  '$signature = \'[DllImport("wininet.dll", SetLastError = true)] public static extern bool InternetSetOption(IntPtr session, int option, IntPtr buffer, int length);\'',
  '$wininet = Add-Type -MemberDefinition $signature -Name WinInet -Namespace Edgehop -PassThru',
  'foreach ($option in 39, 37) { if (-not $wininet::InternetSetOption([IntPtr]::Zero, $option, [IntPtr]::Zero, 0)) { exit 1 } }',
].join('\n');

/** Encoded, so that no quote is lost on the way. */
function powershell(script: string): Command {
  return {
    program: `${windowsFolder}\\WindowsPowerShell\\v1.0\\powershell.exe`,
    args: ['-NoProfile', '-NonInteractive', '-EncodedCommand', Buffer.from(script, 'utf16le').toString('base64')],
  };
}

export const windowsReading = powershell(readingScript);
export const windowsRefreshing = powershell(refreshingScript);

const printedValues = z.object({
  values: z.array(z.object({ name: z.string(), kind: z.string(), value: z.string().nullable() })),
});

/** By the one line of JSON that the reading script prints. */
export function windowsStanding(printed: string): readonly Standing[] {
  const { values } = printedValues.parse(JSON.parse(printed.replace(/^\ufeff/, '')));
  return windowsNames.map((name) => {
    const found = values.find((one) => one.name.toLowerCase() === name.toLowerCase());
    return {
      place: '',
      name,
      value: found === undefined ? null : `${kinds[found.kind] ?? found.kind} ${found.value ?? ''}`,
    };
  });
}

/** Those of .NET to those of reg. */
const kinds: Readonly<Record<string, string>> = { String: 'REG_SZ', ExpandString: 'REG_EXPAND_SZ', DWord: 'REG_DWORD' };

/** A PAC comes before host and port. */
function windowsWanted(way: ProxyWay, standing: readonly Standing[]): Wish {
  const odd = standing.find(({ value }) => value !== null && !/^REG_(?:SZ|EXPAND_SZ|DWORD) /.test(value));
  if (odd !== undefined)
    return { kind: 'refused', because: `${odd.name} in ${key} is of a kind that could not be restored.` };
  const wanted = (role: Wanted['role'], name: string, value: string | null): Wanted => ({
    place: '',
    group: 'proxy',
    role,
    name,
    value,
  });
  if (way.kind === 'pac')
    return { kind: 'settings', settings: [wanted('value', 'AutoConfigURL', `REG_SZ ${way.url}`)] };
  return {
    kind: 'settings',
    settings: [
      wanted('value', 'ProxyServer', `REG_SZ ${way.host.includes(':') ? `[${way.host}]` : way.host}:${way.port}`),
      wanted('aside', 'ProxyOverride', `REG_SZ ${exceptions('windows').join(';')}`),
      wanted('switch', 'ProxyEnable', 'REG_DWORD 1'),
      wanted('aside', 'AutoConfigURL', null),
    ],
  };
}

function windowsCommand({ name, to }: Change): Command {
  const program = `${windowsFolder}\\reg.exe`;
  if (to === null) return { program, args: ['delete', key, '/v', name, '/f'] };
  const space = to.indexOf(' ');
  return { program, args: ['add', key, '/v', name, '/t', to.slice(0, space), '/d', to.slice(space + 1), '/f'] };
}

function windowsInUse(standing: readonly Standing[]): ReturnType<Desktop['inUse']> {
  const valueFor = (wanted: string) => (standing.find(({ name }) => name === wanted)?.value ?? '').replace(/^\S+ /, '');
  const common = { desktop: 'windows', place: '' } as const;
  if (valueFor('AutoConfigURL') !== '') return [{ ...common, kind: 'pac', to: valueFor('AutoConfigURL') }];
  if (valueFor('ProxyEnable') === '1' && valueFor('ProxyServer') !== '')
    return [{ ...common, kind: 'fixed', to: valueFor('ProxyServer') }];
  return [{ ...common, kind: 'none' }];
}
