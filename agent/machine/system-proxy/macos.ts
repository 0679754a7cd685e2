// The proxy settings of macOS, which every network service has for itself, by networksetup.
import type { ProxyWay } from '../../../schemas/system-proxy.ts';
import {
  type Change,
  type Command,
  type Desktop,
  keyOf,
  networksetup,
  printedBy,
  type Standing,
  type Wanted,
  type Wish,
} from './desktop.ts';
import { exceptions } from './exceptions.ts';

/** Services that are disabled are neither read nor set. */
export function macos(): Desktop {
  return {
    name: 'macos',
    read: async (run) => {
      const standing: Standing[] = [];
      for (const service of activeServices(await printedBy(run, command('-listallnetworkservices')))) {
        const printed: string[] = [];
        for (const option of readingOptions) printed.push(await printedBy(run, command(`-get${option}`, service)));
        standing.push(...macosStanding(service, printed));
      }
      return standing;
    },
    wanted: macosWanted,
    commands: macosCommands,
    notify: [],
    inUse: macosInUse,
    mayStay: ['autoproxyurl', 'webproxy', 'securewebproxy'],
  };
}

function command(...args: readonly string[]): Command {
  return { program: networksetup, args };
}

/** Names of services, one a line below a sentence; an asterisk stands before one that is disabled. */
export function activeServices(printed: string): readonly string[] {
  const [, ...lines] = printed.split(/\r?\n/);
  return lines.filter((line) => line !== '' && !line.startsWith('*'));
}

/** In the order in which `macosStanding` expects what they print. */
export const readingOptions = [
  'autoproxyurl',
  'proxyautodiscovery',
  'webproxy',
  'securewebproxy',
  'proxybypassdomains',
];

/** The settings of one service. Names are those of networksetup's options. */
export function macosStanding(service: string, printed: readonly string[]): readonly Standing[] {
  const [pac = '', discovery = '', web = '', secure = '', bypass = ''] = printed;
  const settings: Readonly<Record<string, string | null>> = {
    autoproxyurl: emptied(fieldOf(pac, 'URL')),
    autoproxystate: onOrOff(fieldOf(pac, 'Enabled')),
    proxyautodiscovery: onOrOff(fieldOf(discovery, 'Auto Proxy Discovery')),
    webproxy: serverOf(web),
    webproxystate: onOrOff(fieldOf(web, 'Enabled')),
    securewebproxy: serverOf(secure),
    securewebproxystate: onOrOff(fieldOf(secure, 'Enabled')),
    proxybypassdomains: domainsOf(bypass),
  };
  return Object.entries(settings).map(([name, value]) => ({ place: service, name, value }));
}

function fieldOf(printed: string, name: string): string {
  const line = printed.split(/\r?\n/).find((one) => one.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`networksetup does not say "${name}"`);
  return line.slice(name.length + 1).trim();
}

/** No command takes a URL away again: one that is empty is as good as none. */
function emptied(text: string): string | null {
  return text === '' || text === '(null)' ? null : text;
}

function onOrOff(text: string): string {
  return /^(?:Yes|On|1)$/i.test(text) ? 'on' : 'off';
}

/** A JSON array of server, port and whether it is shown credentials. */
function serverOf(printed: string): string | null {
  const server = emptied(fieldOf(printed, 'Server'));
  const port = Number(fieldOf(printed, 'Port'));
  const isAuthenticated = fieldOf(printed, 'Authenticated Proxy Enabled') === '1';
  return server === null && port === 0 && !isAuthenticated
    ? null
    : JSON.stringify([server ?? '', port, isAuthenticated]);
}

/** A JSON array; domains may hold spaces. A sentence stands in the place of none. */
function domainsOf(printed: string): string | null {
  const lines = printed.split(/\r?\n/).filter((line) => line !== '');
  return lines.length === 0 || lines[0]?.startsWith("There aren't any bypass domains set")
    ? null
    : JSON.stringify(lines);
}

/** A PAC comes before host and port, and discovery before both. */
function macosWanted(way: ProxyWay, standing: readonly Standing[]): Wish {
  const services = [...new Set(standing.map(({ place }) => place))];
  if (services.length === 0) return { kind: 'refused', because: 'no network service is active.' };
  const values = new Map(standing.map((one) => [keyOf(one), one.value]));
  const guarded = services.find((place) =>
    ['webproxy', 'securewebproxy'].some((name) => hasPassword(values.get(keyOf({ place, name })))),
  );
  if (way.kind === 'fixed' && guarded !== undefined)
    return {
      kind: 'refused',
      because: `the proxy of ${guarded} has a password, which networksetup does not tell, so it could not be restored. Without --fixed it stays as it is.`,
    };
  return { kind: 'settings', settings: services.flatMap((service) => serviceWanted(way, service)) };
}

function hasPassword(server: string | null | undefined): boolean {
  return typeof server === 'string' && JSON.parse(server)[2] === true;
}

function serviceWanted(way: ProxyWay, place: string): readonly Wanted[] {
  const wanted = (group: string, role: Wanted['role'], name: string, value: string): Wanted => ({
    place,
    group,
    role,
    name,
    value,
  });
  if (way.kind === 'pac')
    return [
      wanted('pac', 'value', 'autoproxyurl', way.url),
      wanted('pac', 'switch', 'autoproxystate', 'on'),
      wanted('discovery', 'aside', 'proxyautodiscovery', 'off'),
    ];
  const server = JSON.stringify([way.host, way.port, false]);
  return [
    wanted('web', 'value', 'webproxy', server),
    wanted('web', 'switch', 'webproxystate', 'on'),
    wanted('secure', 'value', 'securewebproxy', server),
    wanted('secure', 'switch', 'securewebproxystate', 'on'),
    wanted('bypass', 'aside', 'proxybypassdomains', JSON.stringify(exceptions('macos'))),
    wanted('pac', 'aside', 'autoproxystate', 'off'),
    wanted('discovery', 'aside', 'proxyautodiscovery', 'off'),
  ];
}

/** Setting a value also switches it on, so its switch is set after it to what shall stand. */
function macosCommands(changes: readonly Change[], standing: readonly Standing[]): readonly Command[] {
  const wanted = new Map([
    ...standing.map((one) => [keyOf(one), one.value] as const),
    ...changes.map((one) => [keyOf(one), one.to] as const),
  ]);
  const isChanged = (place: string, name: string) => changes.some((one) => one.place === place && one.name === name);
  return changes.flatMap(({ place, name, to }) => {
    if (name.endsWith('state')) {
      const value = switched.find(([, state]) => state === name)?.[0] ?? '';
      return isChanged(place, value) ? [] : [command(`-set${name}`, place, to ?? 'off')];
    }
    if (name === 'proxyautodiscovery') return [command('-setproxyautodiscovery', place, to ?? 'off')];
    if (name === 'proxybypassdomains')
      return [command('-setproxybypassdomains', place, ...(to === null ? ['Empty'] : (JSON.parse(to) as string[])))];
    const state = switched.find(([value]) => value === name)?.[1] ?? '';
    const set = name === 'autoproxyurl' ? [to ?? ''] : serverArguments(to);
    return [
      command(`-set${name}`, place, ...set),
      command(`-set${state}`, place, wanted.get(keyOf({ place, name: state })) ?? 'off'),
    ];
  });
}

const switched = [
  ['autoproxyurl', 'autoproxystate'],
  ['webproxy', 'webproxystate'],
  ['securewebproxy', 'securewebproxystate'],
] as const;

function serverArguments(server: string | null): readonly string[] {
  const [host, port] = server === null ? ['', 0] : (JSON.parse(server) as [string, number]);
  return [host, String(port), 'off'];
}

function macosInUse(standing: readonly Standing[]): ReturnType<Desktop['inUse']> {
  const services = [...new Set(standing.map(({ place }) => place))];
  return services.map((place) => {
    const valueFor = (name: string) => standing.find((one) => one.place === place && one.name === name)?.value ?? '';
    const common = { desktop: 'macos', place } as const;
    if (valueFor('proxyautodiscovery') === 'on') return { ...common, kind: 'other', to: 'found by itself (WPAD)' };
    if (valueFor('autoproxystate') === 'on') return { ...common, kind: 'pac', to: valueFor('autoproxyurl') };
    for (const [value, state] of switched.slice(1)) {
      if (valueFor(state) !== 'on' || valueFor(value) === '') continue;
      const [host, port] = JSON.parse(valueFor(value)) as [string, number];
      return { ...common, kind: 'fixed', to: `${host}:${port}` };
    }
    return { ...common, kind: 'none' };
  });
}
