// The commands that open and close the port of the proxy on Linux, for the firewall that manages the others.
import type { FirewallName } from '../../../schemas/firewall.ts';
import type { Zone } from './firewalld.ts';
import { isOfIptables, type Kernel } from './kernel.ts';
import { type Commands, type FirewallQuestion, type Lines, ownComment } from './ports.ts';

export interface Managers {
  readonly manager: FirewallName | undefined;
  readonly kernel: Kernel;
  readonly zones: readonly Zone[] | undefined;
}

export function linuxCommands({ manager, kernel, zones }: Managers, question: FirewallQuestion): Commands {
  const [port = 0] = question.ports;
  if (manager === 'ufw')
    return {
      kind: 'known',
      open: [['ufw', 'allow', `${port}/tcp`, 'comment', ownComment]],
      close: [['ufw', 'delete', 'allow', `${port}/tcp`]],
    };
  if (manager === 'firewalld') return ofFirewalld(zones, port);
  if (manager === 'nftables') return ofNftables(kernel, port);
  if (manager === 'iptables') return ofIptables(kernel, question, port);
  return { kind: 'none', because: 'no firewall is active that would have to be told' };
}

const untilRestart = 'These rules last until the machine is restarted: put them where it reads its own from.';

/** At once, and for good. */
function ofFirewalld(zones: readonly Zone[] | undefined, port: number): Commands {
  if (zones === undefined) return { kind: 'none', because: 'firewalld did not tell its zones' };
  // A zone whose target lets everything in needs nothing, and one without card or source that is not the default has no traffic.
  const names = zones.filter(({ target }) => target !== 'ACCEPT').map(({ name }) => name);
  const lines = (act: 'add' | 'remove'): Lines =>
    names.flatMap((zone) =>
      [[], ['--permanent']].map((when) => ['firewall-cmd', ...when, `--zone=${zone}`, `--${act}-port=${port}/tcp`]),
    );
  return { kind: 'known', open: lines('add'), close: lines('remove') };
}

/** A rule before all others of the chains that the system asks about what comes in. */
function ofNftables({ nftables, iptables }: Kernel, port: number): Commands {
  const chains = (nftables?.chains ?? []).filter(
    ({ family, table, hook, type }) =>
      hook === 'input' && type === 'filter' && !isOfIptables(`${family} ${table}`, iptables),
  );
  if (chains.length === 0) return { kind: 'none', because: 'nftables has no chain for what comes in' };
  const places = chains.map(({ family, table, name }) => [String(family), String(table), String(name)]);
  const rule = ['tcp', 'dport', String(port), 'accept', 'comment', `"${ownComment}"`];
  const own = (nftables?.rules ?? []).filter(
    ({ family, table, chain, handle, comment }) =>
      comment === ownComment &&
      places.some((place) => place.join(' ') === `${family} ${table} ${chain}`) &&
      new RegExp(`dport ${port} accept`).test(nftables?.printed.get(`${family} ${table} ${chain} ${handle}`) ?? ''),
  );
  return {
    kind: 'known',
    open: places.map((place) => ['nft', 'insert', 'rule', ...place, ...rule]),
    close: own.map(({ family, table, chain, handle }) =>
      ['nft', 'delete', 'rule', family, table, chain, 'handle', handle].map(String),
    ),
    note: untilRestart,
  };
}

function ofIptables({ iptables }: Kernel, { families }: FirewallQuestion, port: number): Commands {
  const programs = { ip: 'iptables', ip6: 'ip6tables' } as const;
  const rule = [
    'INPUT',
    '-p',
    'tcp',
    '--dport',
    String(port),
    '-m',
    'comment',
    '--comment',
    ownComment,
    '-j',
    'ACCEPT',
  ];
  const isOwn = new RegExp(`--dport ${port} .*--comment "?${ownComment}"? -j ACCEPT`);
  // To take away what is not there is a mistake to iptables.
  const opened = (['ip', 'ip6'] as const).filter((family) =>
    iptables[family]?.some(({ rules }) => rules.some(({ raw }) => isOwn.test(raw))),
  );
  return {
    kind: 'known',
    open: families.map((family) => [programs[family], '-I', ...rule]),
    close: (opened.length > 0 ? opened : families).map((family) => [programs[family], '-D', ...rule]),
    note: untilRestart,
  };
}
