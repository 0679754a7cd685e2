// Reads from the operating system the facts about this machine's network cards; what cannot be read is absent.
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { ComputerFacts, InterfaceFacts, MachineFacts } from './network-card.ts';
import * as transcripts from './transcripts.ts';

/** Never rejects, and takes at most `commandTimeoutMs`: commands run side by side. */
export async function machineFacts(host: Host): Promise<MachineFacts> {
  if (host.platform === 'linux') return linuxFacts(host);
  if (host.platform === 'darwin') return macosFacts(host);
  if (host.platform === 'win32') return windowsFacts(host);
  const interfaces = otherInterfaces(host, [], { kind: 'unknown' });
  return { platform: host.platform, interfaces, defaultRoutes: [], computer: { isXenControlDomain: false } };
}

/** What the facts are read from. Nothing here rejects: what is missing, forbidden or late is undefined or empty. */
export type Host = {
  readonly platform: string;
  readonly addresses: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly read: (path: string) => Promise<string | undefined>;
  readonly list: (path: string) => Promise<readonly string[]>;
  /** Where a symbolic link points, as written. */
  readonly link: (path: string) => Promise<string | undefined>;
  /** What a command prints on stdout, whatever its exit status; undefined if it cannot run or takes too long. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<string | undefined>;
};

export const commandTimeoutMs = 3_000;
const maxCommandBytes = 4 * 1024 * 1024;

/** The machine that we run on. */
export const thisHost: Host = {
  platform: process.platform,
  addresses: () => {
    try {
      return networkInterfaces();
    } catch {
      return {}; // Android forbids it.
    }
  },
  read: (path) => readFile(path, 'utf8').catch(() => undefined),
  list: (path) => readdir(path).catch(() => []),
  link: (path) => readlink(path).catch(() => undefined),
  run: (command, ...args) => stdoutOf(command, args).catch(() => undefined), // spawn itself may throw
};

function stdoutOf(command: string, args: readonly string[]): Promise<string | undefined> {
  const limits = { timeout: commandTimeoutMs, maxBuffer: maxCommandBytes, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    execFile(command, args, { ...limits, encoding: 'utf8', windowsHide: true }, (failure, stdout) => {
      // A number is an exit status: lsof and sysctl use 1 for "not all was found". Else it never ran to its end.
      resolve(failure === null || typeof failure.code === 'number' ? stdout : undefined);
    });
  });
}

/** Absolute, so that a netstat.exe in the working directory is never what runs. */
export const windowsFolder = 'C:\\Windows\\System32';

async function linuxFacts(host: Host): Promise<MachineFacts> {
  const [names, ipv4, ipv6, computer, container] = await Promise.all([
    host.list('/sys/class/net'),
    host.read('/proc/net/route'),
    host.read('/proc/net/ipv6_route'),
    linuxComputer(host),
    linuxContainer(host),
  ]);
  const read = await Promise.all(names.map((name) => linuxInterface(host, name)));
  const known = read.flatMap((one) => one ?? []).toSorted((left, right) => left.index - right.index);
  return {
    platform: host.platform,
    interfaces: known.length > 0 ? known.map((one) => one.facts) : otherInterfaces(host, [], { kind: 'unknown' }),
    defaultRoutes: transcripts.linuxDefaultRoutes(ipv4 ?? '', ipv6 ?? ''),
    computer,
    ...(container !== undefined && { container }),
  };
}

async function linuxInterface(host: Host, name: string): Promise<{ index: number; facts: InterfaceFacts } | undefined> {
  const folder = `/sys/class/net/${name}`;
  const [place, device, driver, files, type, index, mac, assigned, radio, member] = await Promise.all([
    host.link(folder),
    host.link(`${folder}/device`),
    host.link(`${folder}/device/driver`),
    host.list(folder),
    host.read(`${folder}/type`),
    host.read(`${folder}/ifindex`),
    host.read(`${folder}/address`),
    host.read(`${folder}/addr_assign_type`),
    host.read(`${folder}/phy80211/macaddress`), // survives a random Wi-Fi address
    host.read(`${folder}/bonding_slave/perm_hwaddr`), // survives the bond's own
  ]);
  if (place === undefined) return undefined; // a file such as bonding_masters
  // ARPHRD_ETHER is 1: a modem's raw IP or a monitor interface also has a device, but no Ethernet address.
  const isDevice = device !== undefined && !place.includes('/devices/virtual/') && type?.trim() === '1';
  const permanentMac = transcripts.macAddress(radio ?? member ?? (assigned?.trim() === '0' ? mac : undefined));
  return {
    index: Number(index),
    facts: {
      name,
      ...macs(transcripts.macAddress(mac), permanentMac),
      addresses: addressesOf(host, name),
      backing: isDevice ? { kind: 'device', label: driver?.split('/').at(-1) } : { kind: 'software' },
      lowers: files.filter((file) => file.startsWith('lower_')).map((file) => file.slice('lower_'.length)),
    },
  };
}

async function linuxComputer(host: Host): Promise<ComputerFacts> {
  const [vendor, product, cpu, xen, tree, board] = await Promise.all([
    host.read('/sys/class/dmi/id/sys_vendor'),
    host.read('/sys/class/dmi/id/product_name'),
    host.read('/proc/cpuinfo'),
    host.read('/proc/xen/capabilities'),
    host.read('/proc/device-tree/hypervisor/compatible'),
    host.read('/proc/device-tree/compatible'),
  ]);
  const sign = transcripts.linuxCpuIsGuest(cpu ?? '')
    ? 'the CPU reports a hypervisor'
    : [tree, board?.includes('dummy-virt') ? board : undefined]
        .filter((text) => text !== undefined)
        .map((text) => `the device tree says ${text.split('\0')[0]}`)[0];
  return {
    ...(vendor !== undefined && { vendor: vendor.trim() }),
    ...(product !== undefined && { product: product.trim() }),
    ...(sign !== undefined && { hypervisorSign: sign }),
    isXenControlDomain: xen?.includes('control_d') ?? false,
  };
}

/** What container runtimes leave inside. Version 2 of cgroups shows a container only `/`, so that file often says nothing. */
async function linuxContainer(host: Host): Promise<string | undefined> {
  const [root, run, secrets, manager, groups] = await Promise.all([
    host.list('/'),
    host.list('/run'),
    host.list('/var/run/secrets'),
    host.read('/run/systemd/container'),
    host.read('/proc/1/cgroup'),
  ]);
  if (root.includes('.dockerenv')) return '/.dockerenv exists';
  if (run.includes('.containerenv')) return '/run/.containerenv exists';
  if (secrets.includes('kubernetes.io')) return '/var/run/secrets/kubernetes.io exists';
  if (manager !== undefined) return `/run/systemd/container says ${manager.trim()}`;
  const group = /\/(docker|kubepods|lxc|containerd|libpod)\b/.exec(groups ?? '')?.[1];
  return group === undefined ? undefined : `/proc/1/cgroup says ${group}`;
}

async function macosFacts(host: Host): Promise<MachineFacts> {
  const [ports, route, computer] = await Promise.all([
    host.run('/usr/sbin/networksetup', '-listallhardwareports'),
    host.run('/sbin/route', '-n', 'get', 'default'),
    host.run('/usr/sbin/sysctl', 'kern.hv_vmm_present', 'hw.model'),
  ]);
  // The command tells the burnt-in address even while a private Wi-Fi address is in use.
  const hardware = transcripts.macosHardwarePorts(ports ?? '').map(
    ({ port, device, mac }): InterfaceFacts => ({
      name: device,
      ...macs(macInUse(host, device), mac),
      addresses: addressesOf(host, device),
      backing: { kind: 'device', label: port },
      lowers: [],
    }),
  );
  const others = otherInterfaces(host, hardware, ports === undefined ? { kind: 'unknown' } : { kind: 'software' });
  const defaultRoute = transcripts.macosDefaultRoute(route ?? '');
  const { model, isGuest } = transcripts.macosComputer(computer ?? '');
  return {
    platform: host.platform,
    interfaces: [...hardware, ...others],
    defaultRoutes: defaultRoute === undefined ? [] : [defaultRoute],
    computer: {
      ...(model !== undefined && { product: model }),
      ...(isGuest && { hypervisorSign: 'kern.hv_vmm_present is 1' }),
      isXenControlDomain: false,
    },
  };
}

async function windowsFacts(host: Host): Promise<MachineFacts> {
  const [listed, routes, bios] = await Promise.all([
    powershell(host, windowsAdapterQuery),
    powershell(host, windowsRouteQuery),
    host.run(`${windowsFolder}\\reg.exe`, 'query', 'HKLM\\HARDWARE\\DESCRIPTION\\System\\BIOS'),
  ]);
  const adapters = listed === undefined ? undefined : transcripts.windowsAdapters(listed);
  const hardware = (adapters ?? []).map(
    ({ name, description, mac, permanentMac, isVirtual }): InterfaceFacts => ({
      name,
      ...macs(mac, permanentMac),
      addresses: addressesOf(host, name),
      backing: isVirtual ? { kind: 'software' } : { kind: 'device', label: description },
      lowers: [],
    }),
  );
  const others = otherInterfaces(host, hardware, adapters === undefined ? { kind: 'unknown' } : { kind: 'software' });
  const { vendor, product } = transcripts.windowsComputer(bios ?? '');
  return {
    platform: host.platform,
    interfaces: [...hardware, ...others],
    defaultRoutes: transcripts.windowsDefaultRoutes(routes ?? ''),
    computer: {
      ...(vendor !== undefined && { vendor }),
      ...(product !== undefined && { product }),
      // Windows on Hyper-V's root partition also has a hypervisor beneath, and real cards: only its maker tells.
      isXenControlDomain: false,
    },
  };
}

const windowsAdapterQuery =
  'Get-NetAdapter -Physical | Select-Object Name,InterfaceDescription,MacAddress,PermanentAddress,Virtual';
const windowsRouteQuery =
  "Get-NetRoute -DestinationPrefix '0.0.0.0/0','::/0' -ErrorAction SilentlyContinue" +
  ' | Select-Object InterfaceAlias,DestinationPrefix,RouteMetric,InterfaceMetric';

/** The names of cards are in the user's language, and Node reads them in UTF-8. */
function powershell(host: Host, query: string): Promise<string | undefined> {
  const script = `[Console]::OutputEncoding=[Text.Encoding]::UTF8; ${query} | ConvertTo-Json -Compress`;
  const program = `${windowsFolder}\\WindowsPowerShell\\v1.0\\powershell.exe`;
  return host.run(program, '-NoProfile', '-NonInteractive', '-Command', script);
}

/** The interfaces that have an address and are not among `known`. */
function otherInterfaces(
  host: Host,
  known: readonly InterfaceFacts[],
  backing: InterfaceFacts['backing'],
): readonly InterfaceFacts[] {
  const names = Object.keys(host.addresses()).filter((name) => !known.some((one) => one.name === name));
  return names.map((name) => ({
    name,
    ...macs(macInUse(host, name), undefined),
    addresses: addressesOf(host, name),
    backing,
    lowers: [],
  }));
}

function addressesOf(host: Host, name: string): readonly string[] {
  return (host.addresses()[name] ?? []).map((one) => one.address);
}

function macInUse(host: Host, name: string): string | undefined {
  return transcripts.macAddress(host.addresses()[name]?.[0]?.mac);
}

function macs(mac: string | undefined, permanentMac: string | undefined): { mac?: string; permanentMac?: string } {
  return { ...(mac !== undefined && { mac }), ...(permanentMac !== undefined && { permanentMac }) };
}
