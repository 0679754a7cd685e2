// Reads what each operating system's own commands and files tell about its network cards: text in, plain facts out.

/** One `Hardware Port` of `networksetup -listallhardwareports`, in its order. */
export function macosHardwarePorts(text: string): readonly { port: string; device: string; mac: string | undefined }[] {
  // The VLANs after the last port have no `Hardware Port` of their own.
  const blocks =
    text
      .split(/^VLAN Configurations/m)[0]
      ?.split(/^Hardware Port: /m)
      .slice(1) ?? [];
  return blocks.flatMap((block) => {
    const device = /^Device: (\S+)/m.exec(block)?.[1];
    const mac = macAddress(/^Ethernet Address: (\S+)/m.exec(block)?.[1]);
    return device === undefined ? [] : [{ port: block.split('\n')[0]?.trim() ?? '', device, mac }];
  });
}

/** The interface of `route -n get default`. */
export function macosDefaultRoute(text: string): string | undefined {
  return /^\s*interface: (\S+)/m.exec(text)?.[1];
}

/** `sysctl kern.hv_vmm_present hw.model`. */
export function macosComputer(text: string): { model: string | undefined; isGuest: boolean } {
  const model = /^hw\.model: (.+)$/m.exec(text)?.[1]?.trim();
  return { model, isGuest: /^kern\.hv_vmm_present: 1\s*$/m.test(text) };
}

/** `Get-NetAdapter -Physical | ConvertTo-Json`; nothing where the text is no such JSON. */
export function windowsAdapters(text: string): readonly WindowsAdapter[] | undefined {
  return rowsOf(text)?.flatMap((row) => {
    const name = row['Name'];
    if (typeof name !== 'string') return [];
    const description = row['InterfaceDescription'];
    return [
      {
        name,
        description: typeof description === 'string' ? description : undefined,
        mac: macAddress(row['MacAddress']),
        permanentMac: macAddress(row['PermanentAddress']),
        isVirtual: row['Virtual'] === true,
      },
    ];
  });
}

export type WindowsAdapter = {
  name: string;
  description: string | undefined;
  mac: string | undefined;
  permanentMac: string | undefined;
  isVirtual: boolean;
};

/** `Get-NetRoute` of both default prefixes `| ConvertTo-Json`: the interfaces, IPv4 first, then the lowest metric. */
export function windowsDefaultRoutes(text: string): readonly string[] {
  const routes = (rowsOf(text) ?? []).flatMap((row) => {
    const name = row['InterfaceAlias'];
    if (typeof name !== 'string') return [];
    // What Windows compares is the route's metric and its interface's together.
    const metric = Number(row['RouteMetric'] ?? 0) + Number(row['InterfaceMetric'] ?? 0);
    return [{ name, metric, family: row['DestinationPrefix'] === '::/0' ? 6 : 4 }];
  });
  return byPreference(routes);
}

/** `reg query HKLM\HARDWARE\DESCRIPTION\System\BIOS`. */
export function windowsComputer(text: string): { vendor: string | undefined; product: string | undefined } {
  const value = (name: string) => new RegExp(`^\\s*${name}\\s+REG_SZ\\s+(.+?)\\s*$`, 'm').exec(text)?.[1];
  return { vendor: value('SystemManufacturer'), product: value('SystemProductName') };
}

/** `/proc/net/route` and `/proc/net/ipv6_route`: the interfaces, IPv4 first, then the lowest metric. */
export function linuxDefaultRoutes(ipv4: string, ipv6: string): readonly string[] {
  return byPreference([...ipv4.split('\n').flatMap(linuxIpv4Route), ...ipv6.split('\n').flatMap(linuxIpv6Route)]);
}

/** Is the CPU that `/proc/cpuinfo` describes one that a hypervisor presents? Only x86 says so. */
export function linuxCpuIsGuest(cpuinfo: string): boolean {
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
}

/** Six octets in lower case with colons, from any of the ways in which systems write them. */
export function macAddress(written: unknown): string | undefined {
  if (typeof written !== 'string') return undefined;
  const digits = written.trim().toLowerCase().replaceAll(/[:-]/g, '');
  return /^[0-9a-f]{12}$/.test(digits) ? digits.match(/../g)?.join(':') : undefined;
}

/** ConvertTo-Json writes one row as an object, several as an array, none as nothing. */
function rowsOf(text: string): readonly Record<string, unknown>[] | undefined {
  const json = text.replace(/^\uFEFF/, '').trim();
  if (json === '') return [];
  try {
    const parsed: unknown = JSON.parse(json);
    const rows: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return rows.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null);
  } catch {
    return undefined;
  }
}

type DefaultRoute = { name: string; metric: number; family: number };

function byPreference(routes: readonly DefaultRoute[]): readonly string[] {
  const sorted = routes.toSorted((left, right) => left.family - right.family || left.metric - right.metric);
  return [...new Set(sorted.map((route) => route.name))];
}

// The kernel's include/uapi/linux/route.h.
const routeIsUp = 0x0001;
const routeRejects = 0x0200;

function linuxIpv4Route(line: string): DefaultRoute[] {
  const [name, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
  if (name === undefined || destination !== '00000000' || mask !== '00000000') return [];
  return isInForce(flags) ? [{ name, metric: Number(metric), family: 4 }] : [];
}

function linuxIpv6Route(line: string): DefaultRoute[] {
  const [destination, length, , , , metric, , , flags, name] = line.trim().split(/\s+/);
  if (name === undefined || length !== '00' || !/^0{32}$/.test(destination ?? '')) return [];
  return isInForce(flags) ? [{ name, metric: Number.parseInt(metric ?? '', 16), family: 6 }] : [];
}

function isInForce(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '', 16);
  return (bits & routeIsUp) !== 0 && (bits & routeRejects) === 0;
}
