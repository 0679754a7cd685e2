// Reads what `firewall-cmd` prints of firewalld's zones.
import type { Judgement } from './packet-filter.ts';

export interface Zone {
  readonly name: string;
  readonly target: string;
  readonly interfaces: readonly string[];
  readonly sources: readonly string[];
  readonly services: readonly string[];
  readonly ports: readonly string[];
  readonly richRules: readonly string[];
}

/** `firewall-cmd --list-all-zones`, the active ones; and the default zone, which takes what no other does. */
export function activeZones(text: string, defaultZone: string): readonly Zone[] {
  return text
    .split(/\n(?=\S)/)
    .flatMap((block) => {
      const heading = /^(\S+)(?: \(([^)]*)\))?/.exec(block.trimStart());
      if (heading?.[1] === undefined) return [];
      const isActive = heading[2]?.includes('active') === true || heading[1] === defaultZone;
      return isActive ? [zoneOf(heading[1], block)] : [];
    })
    .toSorted((one, other) => one.name.localeCompare(other.name));
}

/** The TCP ports of `firewall-cmd --info-service=NAME`. */
export function servicePorts(text: string): readonly string[] {
  return listOf(text, 'ports').filter((port) => port.endsWith('/tcp'));
}

/** What the zones let in to a port. `portsOf`: those of a service; nothing where they could not be read. */
export function zonesJudged(
  zones: readonly Zone[],
  port: number,
  portsOf: (service: string) => readonly string[] | undefined,
): Judgement {
  const each = zones.map((zone) => zoneJudged(zone, port, portsOf));
  const because = each.flatMap((one) => one.because);
  const deciding = each.flatMap((one) => one.deciding);
  const verdicts = new Set(each.map(({ verdict }) => verdict));
  const [first = 'unknown'] = verdicts;
  if (verdicts.has('unknown') || verdicts.size === 0) return { verdict: 'unknown', because, deciding };
  return { verdict: verdicts.size === 1 ? first : 'partly', because: [], deciding };
}

/** Whether `8080/tcp` or `8000-8100/tcp` is this port. */
export function holdsPort(written: string, port: number): boolean {
  const found = /^(\d+)(?:-(\d+))?\/tcp$/.exec(written);
  return found !== null && Number(found[1]) <= port && port <= Number(found[2] ?? found[1]);
}

function zoneJudged(zone: Zone, port: number, portsOf: (service: string) => readonly string[] | undefined): Judgement {
  const { name, target, ports, services, richRules } = zone;
  const rich = richRules.filter((rule) => !/\bport port="/.test(rule) || holdsRichPort(rule, port));
  if (rich.length > 0)
    return { verdict: 'unknown', because: rich.map((rule) => `a rich rule of zone ${name}: ${rule}`), deciding: rich };
  const written = ports.find((each) => holdsPort(each, port));
  if (written !== undefined) return { verdict: 'open', because: [], deciding: [`zone ${name}: ports: ${written}`] };
  const service = services.find((each) => portsOf(each)?.some((one) => holdsPort(one, port)));
  if (service !== undefined) return { verdict: 'open', because: [], deciding: [`zone ${name}: services: ${service}`] };
  const unread = services.filter((each) => portsOf(each) === undefined);
  const deciding = [`zone ${name}: target: ${target}`];
  if (target === 'ACCEPT') return { verdict: 'open', because: [], deciding };
  if (unread.length === 0) return { verdict: 'closed', because: [], deciding };
  return { verdict: 'unknown', because: [`the ports of ${unread.join(', ')} in zone ${name} were not read`], deciding };
}

function holdsRichPort(rule: string, port: number): boolean {
  const found = /\bport port="([\d-]+)" protocol="(\w+)"/.exec(rule);
  return found !== null && holdsPort(`${found[1]}/${found[2]}`, port);
}

function zoneOf(name: string, block: string): Zone {
  const richRules = block
    .slice(block.indexOf('rich rules:'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('rule '));
  return {
    name,
    target: listOf(block, 'target').join(' '),
    interfaces: listOf(block, 'interfaces'),
    sources: listOf(block, 'sources'),
    services: listOf(block, 'services'),
    ports: listOf(block, 'ports'),
    richRules,
  };
}

function listOf(text: string, key: string): readonly string[] {
  const line = new RegExp(`^\\s+${key}:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  return line === '' ? [] : line.split(/\s+/);
}
