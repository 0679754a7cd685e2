// Reads the rules that Linux itself goes by: those of nftables and of iptables, whoever has made them.
import { iptablesChains, type SavedTables, savedMentioning, savedTables } from './iptables.ts';
import { baseChains, mentioning, type Ruleset, rulesetOf } from './nftables.ts';
import { type BaseChain, fateIn, type Judgement, judged, type Packet } from './packet-filter.ts';
import { type FirewallHost, silence } from './ports.ts';

export interface Kernel {
  /** Nothing where it was not read. */
  readonly nftables: Ruleset | undefined;
  readonly iptables: Readonly<Record<Packet['family'], readonly SavedTables[] | undefined>>;
  readonly unread: readonly string[];
}

export async function kernelRules(host: FirewallHost): Promise<Kernel> {
  const [json, text, four, six, modules] = await Promise.all([
    host.run('nft', ['-j', 'list', 'ruleset']),
    host.run('nft', ['-a', 'list', 'ruleset']),
    savedBy(host, 'iptables'),
    savedBy(host, 'ip6tables'),
    host.read('/proc/modules'),
  ]);
  const ruleset = json.kind === 'ended' && json.code === 0 ? json.stdout : undefined;
  const nftables = ruleset === undefined ? undefined : rulesetOf(ruleset, text.kind === 'ended' ? text.stdout : '');
  const isLoaded = modules === undefined || modules.trim() === '' || /^nf_tables /m.test(modules);
  const nftSilence =
    silence('nft list ruleset', json) ?? (nftables === undefined ? 'nft list ruleset: its JSON was not read' : '');
  // Without the module there are no rules, and nobody has to list them.
  const isEmpty = json.kind === 'absent' && !isLoaded;
  return {
    nftables: isEmpty ? { chains: [], rules: [], sets: [], printed: new Map() } : nftables,
    iptables: { ip: four.tables, ip6: six.tables },
    unread: [...(nftables === undefined && !isEmpty ? [nftSilence] : []), ...four.unread, ...six.unread],
  };
}

/** What the kernel does with the packet. What was not read makes it unknown, unless what was read closes the port. */
export function kernelJudged({ nftables, iptables, unread }: Kernel, packet: Packet): Judgement {
  const saved = iptables[packet.family];
  const isReadOtherwise = (table: string) => isOfIptables(table, iptables);
  const chains: BaseChain[] = [
    ...(nftables === undefined ? [] : baseChains(nftables, packet, isReadOtherwise)),
    ...(saved ?? []).flatMap((tables) => iptablesChains(tables, packet)),
  ];
  const judgement = judged(chains.map(fateIn));
  const isWhole = nftables !== undefined && saved !== undefined;
  if (isWhole || judgement.verdict === 'closed') return judgement;
  return { ...judgement, verdict: 'unknown', because: [...unread, ...judgement.because] };
}

export function kernelMentioning({ nftables, iptables }: Kernel, port: number): { nft: string[]; iptables: string[] } {
  const isOther = (line: string) => isOfIptables(line.split(' ').slice(0, 2).join(' '), iptables);
  return {
    nft: nftables === undefined ? [] : mentioning(nftables, port).filter((line) => !isOther(line)),
    iptables: [...(iptables.ip ?? []), ...(iptables.ip6 ?? [])].flatMap((tables) => savedMentioning(tables, port)),
  };
}

/** Tables of nftables that are iptables' own: those are read by iptables-save, which knows what nft does not. */
export function isOfIptables(table: string, { ip, ip6 }: Kernel['iptables']): boolean {
  const [family, name = ''] = table.split(' ');
  const saved = family === 'ip' ? ip : family === 'ip6' ? ip6 : undefined;
  return saved?.some(({ tables }) => tables.includes(name)) === true;
}

interface Saved {
  readonly tables: readonly SavedTables[] | undefined;
  readonly unread: readonly string[];
}

/** Both kinds of iptables, where both have rules. */
async function savedBy(host: FirewallHost, program: 'iptables' | 'ip6tables'): Promise<Saved> {
  const ran = await host.run(`${program}-save`, []);
  // Where it is not installed, rules of its older kind can be there only if the kernel has its tables.
  const names = `/proc/net/${program === 'iptables' ? 'ip' : 'ip6'}_tables_names`;
  if (ran.kind === 'absent') {
    const told = (await host.read(names)) ?? ((await host.exists(names)) ? undefined : '');
    if (told?.trim() === '') return { tables: [], unread: [] };
  }
  const silent = silence(`${program}-save`, ran);
  if (silent !== undefined || ran.kind !== 'ended') return { tables: undefined, unread: [silent ?? ''] };
  const tables = [savedTables(ran.stdout)];
  if (!/legacy tables present/.test(ran.stdout + ran.stderr)) return { tables, unread: [] };
  const legacy = await host.run(`${program}-legacy-save`, []);
  const legacySilent = silence(`${program}-legacy-save`, legacy);
  if (legacySilent !== undefined || legacy.kind !== 'ended') return { tables: undefined, unread: [legacySilent ?? ''] };
  return { tables: [...tables, savedTables(legacy.stdout)], unread: [] };
}
