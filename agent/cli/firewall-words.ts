// What `edgehop firewall` says, for people.
import type { FirewallJudgement, FirewallName, FirewallReport } from '../../schemas/firewall.ts';
import { printable } from '../log/words.ts';

const names: Readonly<Record<FirewallName, string>> = {
  ufw: 'ufw',
  firewalld: 'firewalld',
  nftables: 'nftables',
  iptables: 'iptables',
  pf: 'pf',
  'application-firewall': 'application firewall of macOS',
  'windows-firewall': 'Windows Firewall',
};

export function reportInWords(report: FirewallReport, { isApplying }: { readonly isApplying: boolean }): string {
  const { firewalls, manager, unread } = report;
  return [
    ...listeningInWords(report),
    '',
    ...(firewalls.length === 0
      ? ['firewall  none was found']
      : firewalls.flatMap((one) => firewallInWords(one, manager))),
    '',
    ...report.ports.flatMap(portInWords),
    ...(unread.length === 0 ? [] : ['', 'not read', ...unread.map((each) => `  ${printable(each)}`)]),
    ...(isApplying ? [] : commandsInWords(report)),
    '',
    'Routers and clouds have firewalls of their own, which cannot be seen from here.',
  ].join('\n');
}

/** As a shell takes it. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export function withSudo(words: readonly string[]): string {
  return `sudo ${commandLine(words)}`;
}

function listeningInWords({ listening }: FirewallReport): string[] {
  const { from, pid, host, port, controlPort, scope } = listening;
  const who = from === 'agent' ? `the agent (process ${pid})` : 'the agent, as it is configured; none runs';
  const reach =
    scope === 'loopback'
      ? 'this machine only: no firewall needs to be opened'
      : 'other machines, where a firewall lets them';
  return [
    `listens   ${who}`,
    `proxy     ${printable(host)} port ${port}, for ${reach}`,
    `control   127.0.0.1 port ${controlPort}, for this machine only`,
  ];
}

function firewallInWords(
  { name, state, says, raw }: FirewallReport['firewalls'][number],
  manager: FirewallName | undefined,
): string[] {
  const states = { active: 'active', inactive: 'not active', unknown: 'not known' };
  const leads = name === manager ? ', and the one to change' : '';
  return [
    `firewall  ${names[name]}: ${states[state]}${leads}; ${printable(says)}`,
    ...raw.map((line) => `            ${printable(line)}`),
  ];
}

const verdicts: Readonly<Record<FirewallJudgement['verdict'], string>> = {
  open: 'open: other machines are let in',
  closed: 'closed: other machines are kept out',
  partly: 'open in part: some are let in and others not, as the rules say',
  unknown: 'not known whether other machines are let in',
};

function portInWords({ name, port, needed, judgements }: FirewallReport['ports'][number]): string[] {
  const heading = `port      ${port} (${name})`;
  const aside = needed ? '' : '; but the agent listens for this machine only';
  return [
    heading,
    ...judgements.flatMap(({ family, verdict, because, deciding }) => [
      `  ${family}    ${verdicts[verdict]}${aside}`,
      ...because.slice(0, maxShown).map((line) => `            as ${printable(line)}`),
      ...shown(deciding).map((line) => `            ${line}`),
    ]),
  ];
}

const maxShown = 8;

function shown(lines: readonly string[]): string[] {
  const first = lines.slice(0, maxShown).map(printable);
  return lines.length > maxShown ? [...first, `… and ${lines.length - maxShown} more (--json has all)`] : first;
}

function commandsInWords({ listening, open = [], close = [], noCommands }: FirewallReport): string[] {
  const prefix = process.platform === 'win32' ? commandLine : withSudo;
  const lines = (title: string, commands: readonly (readonly string[])[]) =>
    commands.length === 0 ? [] : [title, ...commands.map((line) => `  ${printable(prefix(line))}`)];
  return [
    '',
    ...lines(
      listening.scope === 'loopback'
        ? 'to open it (which nothing needs)'
        : `to open port ${listening.port} to other machines`,
      open,
    ),
    ...lines('to close it again', close),
    ...(noCommands === undefined
      ? []
      : [printable(`${noCommands[0]?.toUpperCase()}${noCommands.slice(1)}`.replace(/\.?$/, '.'))]),
  ];
}
