// The firewalls of Linux: what the kernel does, and who manages its rules: ufw, firewalld, or nobody but an administrator.
import type { FirewallName, FirewallReport } from '../../../schemas/firewall.ts';
import { activeZones, servicePorts, type Zone, zonesJudged } from './firewalld.ts';
import { isOfIptables, type Kernel, kernelJudged, kernelMentioning, kernelRules } from './kernel.ts';
import { linuxCommands, type Managers } from './linux-commands.ts';
import type { Judgement, Packet } from './packet-filter.ts';
import {
  type FirewallHost,
  type FirewallQuestion,
  type FirewallsRead,
  judgementOf,
  ownComment,
  packetsOf,
  silence,
} from './ports.ts';
import { ownUfwRules, type UfwStatus, ufwEnabled, ufwRulesFor, ufwStatus } from './ufw.ts';

type Reading = FirewallReport['firewalls'][number];

export async function linuxFirewalls(question: FirewallQuestion, host: FirewallHost): Promise<FirewallsRead> {
  const [kernel, ufw, firewalld] = await Promise.all([kernelRules(host), readUfw(host), readFirewalld(host)]);
  const judge = (packet: Packet) => together(kernelJudged(kernel, packet), firewalld, packet.port);
  const readings = [
    ...ufwReading(ufw, question.ports),
    ...firewalldReading(firewalld),
    ...kernelReadings(kernel, question.ports),
  ];
  const manager = managerOf(ufw, firewalld, readings);
  const [proxyPort = 0] = question.ports;
  const managers: Managers = { manager, kernel, zones: firewalld.zones };
  return {
    firewalls: readings,
    ...(manager !== undefined && { manager }),
    judgements: packetsOf(question).map((packets) => packets.map((packet) => judgementOf(packet, judge(packet)))),
    unread: [...ufw.unread, ...firewalld.unread, ...kernel.unread],
    openedByUs: openedByUs(managers, ufw.status, proxyPort),
    commands: linuxCommands(managers, question),
  };
}

/** firewalld's word counts where the kernel's rules were not read, and only for closed: others may stand beside it. */
function together(kernel: Judgement, { zones, portsOf }: Firewalld, port: number): Judgement {
  if (kernel.verdict !== 'unknown' || zones === undefined) return kernel;
  const said = zonesJudged(zones, port, portsOf);
  if (said.verdict === 'closed') return said;
  return { ...kernel, because: [...kernel.because, ...said.because], deciding: [...kernel.deciding, ...said.deciding] };
}

interface Ufw {
  readonly status: UfwStatus | undefined;
  /** Of its file; nothing where that is not there. */
  readonly isEnabled: boolean | undefined;
  readonly unread: readonly string[];
}

async function readUfw({ run, read }: FirewallHost): Promise<Ufw> {
  const [ran, file] = await Promise.all([run('ufw', ['status', 'verbose']), read('/etc/ufw/ufw.conf')]);
  const isEnabled = file === undefined ? undefined : ufwEnabled(file);
  if (ran.kind === 'absent') return { status: undefined, isEnabled: undefined, unread: [] };
  const silent = silence('ufw status verbose', ran);
  const status = ran.kind === 'ended' && silent === undefined ? ufwStatus(ran.stdout) : undefined;
  const unread = status === undefined ? [silent ?? 'ufw status verbose: its answer was not read'] : [];
  return { status, isEnabled, unread };
}

function ufwReading({ status, isEnabled, unread }: Ufw, ports: readonly number[]): Reading[] {
  if (status?.state === 'inactive') return [{ name: 'ufw', state: 'inactive', says: 'it is off', raw: [] }];
  if (status !== undefined) {
    const raw = [...new Set(ports.flatMap((port) => ufwRulesFor(status, port)))].map((rule) => rule.raw);
    const says = `what no rule names: ${status.incoming ?? 'not told'} (incoming)`;
    return [{ name: 'ufw', state: 'active', says, raw }];
  }
  if (unread.length === 0) return [];
  const started = isEnabled === undefined ? '' : `, and is ${isEnabled ? '' : 'not '}started with the machine`;
  return [{ name: 'ufw', state: 'unknown', says: `it is installed${started}; it answers root only`, raw: [] }];
}

interface Firewalld {
  readonly state: 'absent' | 'inactive' | 'active' | 'unknown';
  readonly zones: readonly Zone[] | undefined;
  readonly portsOf: (service: string) => readonly string[] | undefined;
  readonly unread: readonly string[];
}

/** `firewall-cmd --state` ends with this where firewalld does not run, and with the next where it has no bus to ask on. */
const [notRunning, noBus] = [252, 36];

async function readFirewalld({ run }: FirewallHost): Promise<Firewalld> {
  const none = { zones: undefined, portsOf: () => undefined, unread: [] } as const;
  const state = await run('firewall-cmd', ['--state']);
  if (state.kind === 'absent') return { ...none, state: 'absent' };
  if (state.kind === 'ended' && (state.code === notRunning || state.code === noBus))
    return { ...none, state: 'inactive' };
  const silent = silence('firewall-cmd --state', state);
  if (silent !== undefined) return { ...none, state: 'unknown', unread: [silent] };
  const [listed, usual] = await Promise.all([
    run('firewall-cmd', ['--list-all-zones']),
    run('firewall-cmd', ['--get-default-zone']),
  ]);
  const unlisted =
    silence('firewall-cmd --list-all-zones', listed) ?? silence('firewall-cmd --get-default-zone', usual);
  if (unlisted !== undefined || listed.kind !== 'ended' || usual.kind !== 'ended')
    return { ...none, state: 'active', unread: [unlisted ?? ''] };
  const zones = activeZones(listed.stdout, usual.stdout.trim());
  const services = new Map<string, readonly string[]>();
  for (const service of new Set(zones.flatMap((zone) => zone.services).slice(0, maxServices))) {
    const told = await run('firewall-cmd', [`--info-service=${service}`]);
    if (told.kind === 'ended' && told.code === 0) services.set(service, servicePorts(told.stdout));
  }
  return { state: 'active', zones, portsOf: (service) => services.get(service), unread: [] };
}

const maxServices = 64;

function firewalldReading({ state, zones }: Firewalld): Reading[] {
  if (state === 'absent') return [];
  if (state === 'inactive') return [{ name: 'firewalld', state, says: 'it does not run', raw: [] }];
  if (zones === undefined) return [{ name: 'firewalld', state, says: 'it did not tell its zones', raw: [] }];
  const raw = zones.flatMap(({ name, target, ports, services, interfaces, sources, richRules }) => [
    `zone ${name}: target ${target}; interfaces ${written(interfaces)}; sources ${written(sources)}; services ${written(services)}; ports ${written(ports)}`,
    ...richRules.map((rule) => `zone ${name}: ${rule}`),
  ]);
  return [{ name: 'firewalld', state, says: `active zones: ${zones.map(({ name }) => name).join(', ')}`, raw }];
}

function written(values: readonly string[]): string {
  return values.length === 0 ? 'none' : values.join(' ');
}

function kernelReadings(kernel: Kernel, ports: readonly number[]): Reading[] {
  const mentions = ports.map((port) => kernelMentioning(kernel, port));
  const { nftables, iptables } = kernel;
  const tables = nftables?.chains.map(({ family, table }) => `${family} ${table}`);
  const own = [...new Set(tables)].filter((table) => !isOfIptables(table, iptables));
  const saved = [...(iptables.ip ?? []), ...(iptables.ip6 ?? [])];
  const isSaid = saved.some(({ rules, policies }) => rules.length > 0 || [...policies.values()].includes('drop'));
  const nft: Reading =
    nftables === undefined
      ? { name: 'nftables', state: 'unknown', says: 'its rules were not read', raw: [] }
      : own.length === 0
        ? { name: 'nftables', state: 'inactive', says: 'it has no tables of its own', raw: [] }
        : { name: 'nftables', state: 'active', says: `tables ${own.join(', ')}`, raw: raws(mentions, 'nft') };
  const isUnread = iptables.ip === undefined || iptables.ip6 === undefined;
  const ipt: Reading = isUnread
    ? { name: 'iptables', state: 'unknown', says: 'its rules were not read', raw: raws(mentions, 'iptables') }
    : isSaid
      ? { name: 'iptables', state: 'active', says: policies(saved), raw: raws(mentions, 'iptables') }
      : { name: 'iptables', state: 'inactive', says: 'it has no rules', raw: [] };
  return [nft, ipt];
}

function raws(mentions: readonly ReturnType<typeof kernelMentioning>[], of: 'nft' | 'iptables'): string[] {
  return [...new Set(mentions.flatMap((each) => each[of]))];
}

function policies(saved: readonly { readonly policies: ReadonlyMap<string, string | undefined> }[]): string {
  const each = saved.flatMap((tables) => tables.policies.get('filter INPUT') ?? []);
  return each.length === 0
    ? 'its rules do not filter what comes in'
    : `policy of INPUT: ${[...new Set(each)].join(', ')}`;
}

/** ufw and firewalld write the rules of the others: whoever changes those under them loses the change. */
function managerOf(ufw: Ufw, firewalld: Firewalld, readings: readonly Reading[]): FirewallName | undefined {
  if (ufw.status?.state === 'active') return 'ufw';
  if (firewalld.state === 'active') return 'firewalld';
  if (ufw.status === undefined && ufw.unread.length > 0 && ufw.isEnabled === true) return 'ufw';
  const isActive = (name: FirewallName) => readings.some((each) => each.name === name && each.state === 'active');
  return isActive('nftables') ? 'nftables' : isActive('iptables') ? 'iptables' : undefined;
}

function openedByUs(
  { manager, kernel }: Managers,
  ufw: UfwStatus | undefined,
  port: number,
): FirewallReport['openedByUs'] {
  if (manager === undefined) return 'no';
  if (manager === 'ufw')
    return ufw === undefined ? 'unknown' : ownUfwRules(ufw, port, ownComment).length > 0 ? 'yes' : 'no';
  if (manager === 'firewalld') return 'unknown'; // its ports have no place for a mark
  const { nft, iptables } = kernelMentioning(kernel, port);
  const isOurs = new RegExp(`comment "?${ownComment}"?(?: |$)`);
  return [...nft, ...iptables].some((line) => isOurs.test(line)) ? 'yes' : 'no';
}
