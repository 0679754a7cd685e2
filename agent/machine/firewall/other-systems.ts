// The firewalls of macOS and Windows: what they do, and the commands that would change it.
import type { FirewallReport } from '../../../schemas/firewall.ts';
import { windowsFolder } from '../facts.ts';
import { applicationFate, applicationFirewallOn } from './application-firewall.ts';
import { type Fate, judged } from './packet-filter.ts';
import { pfEnabled, pfFate, pfMentioning } from './pf.ts';
import {
  type FirewallHost,
  type FirewallQuestion,
  type FirewallsRead,
  judgementOf,
  ownComment,
  packetsOf,
  silence,
} from './ports.ts';
import { windowsFirewall, windowsJudged, windowsMentioning, windowsQuery } from './windows.ts';

const socketFilter = '/usr/libexec/ApplicationFirewall/socketfilterfw';
const pfctl = '/sbin/pfctl';

type Reading = FirewallReport['firewalls'][number];

/** Two firewalls that know nothing of each other: pf judges packets, the application firewall programs. */
export async function macosFirewalls(question: FirewallQuestion, { run }: FirewallHost): Promise<FirewallsRead> {
  const { node, ports } = question;
  const [state, blockAll, program, info, rules] = await Promise.all([
    run(socketFilter, ['--getglobalstate']),
    run(socketFilter, ['--getblockall']),
    run(socketFilter, ['--getappblocked', node]),
    run(pfctl, ['-s', 'info']),
    run(pfctl, ['-s', 'rules']),
  ]);
  const text = (ran: typeof state) => (ran.kind === 'ended' ? ran.stdout : '');
  const applications = applicationFate({ state: text(state), blockAll: text(blockAll), program: text(program) });
  const isFiltering = pfEnabled(text(info));
  const rulesSilence = silence('pfctl -s rules', rules);
  const pfUnread =
    isFiltering === undefined
      ? [silence('pfctl -s info', info) ?? 'pfctl -s info: its answer was not read']
      : isFiltering && rulesSilence !== undefined
        ? [rulesSilence]
        : [];
  const unknown: Fate = { accept: false, drop: false, unread: [], blind: pfUnread, deciding: [] };
  const off: Fate = { accept: true, drop: false, unread: [], blind: [], deciding: ['pf: Status: Disabled'] };
  const judgements = packetsOf(question).map((packets) =>
    packets.map((packet) => {
      const pf = pfUnread.length > 0 ? unknown : isFiltering === true ? pfFate(text(rules), packet) : off;
      return judgementOf(packet, judged([applications, pf]));
    }),
  );
  const isOn = applicationFirewallOn(text(state));
  const firewalls: Reading[] = [
    {
      name: 'application-firewall',
      state: isOn === undefined ? 'unknown' : isOn ? 'active' : 'inactive',
      says: text(state).trim() || (silence('socketfilterfw', state) ?? 'it did not tell'),
      raw: isOn === true ? [text(blockAll).trim(), text(program).trim()].filter((line) => line !== '') : [],
    },
    {
      name: 'pf',
      state: isFiltering === undefined ? 'unknown' : isFiltering ? 'active' : 'inactive',
      says: isFiltering === undefined ? (pfUnread[0] ?? '') : isFiltering ? 'it filters packets' : 'it is off',
      raw: isFiltering === true ? [...new Set(ports.flatMap((port) => pfMentioning(text(rules), port)))] : [],
    },
  ];
  return {
    firewalls,
    ...(isOn === true
      ? ({ manager: 'application-firewall' } as const)
      : isFiltering === true && ({ manager: 'pf' } as const)),
    judgements,
    unread: [...applications.blind, ...pfUnread],
    openedByUs: 'unknown', // neither has a place for a mark
    commands: isOn === true ? applicationCommands(node) : macosNone(isFiltering),
  };
}

function applicationCommands(node: string): FirewallsRead['commands'] {
  return {
    kind: 'known',
    open: [
      [socketFilter, '--add', node],
      [socketFilter, '--unblockapp', node],
    ],
    close: [[socketFilter, '--blockapp', node]],
    note: 'The application firewall knows programs only: this is for whatever this Node runs, on every port.',
  };
}

function macosNone(isFiltering: boolean | undefined): FirewallsRead['commands'] {
  const because =
    isFiltering === true
      ? 'what pf does is said by /etc/pf.conf, which edgehop does not change: add `pass in quick proto tcp to any port` with the port, before the rules that block'
      : 'no firewall is known to be active that would have to be told';
  return { kind: 'none', because };
}

export async function windowsFirewalls(question: FirewallQuestion, { run }: FirewallHost): Promise<FirewallsRead> {
  const { ports, node } = question;
  const powershell = `${windowsFolder}\\WindowsPowerShell\\v1.0\\powershell.exe`;
  const script = `[Console]::OutputEncoding=[Text.Encoding]::UTF8; ${windowsQuery}`;
  const ran = await run(powershell, ['-NoProfile', '-NonInteractive', '-Command', script], { timeoutMs: maxQueryMs });
  const silent = silence('Get-NetFirewallProfile and Get-NetFirewallRule', ran);
  const firewall = ran.kind === 'ended' && silent === undefined ? windowsFirewall(ran.stdout) : undefined;
  const unread = firewall === undefined ? [silent ?? 'Get-NetFirewallProfile: its answer was not read'] : [];
  const judgements = packetsOf(question).map((packets) =>
    packets.map((packet) =>
      judgementOf(
        packet,
        firewall === undefined
          ? { verdict: 'unknown', because: unread, deciding: [] }
          : windowsJudged(firewall, packet.port, node),
      ),
    ),
  );
  const [port = 0] = ports;
  const netsh = [`${windowsFolder}\\netsh.exe`, 'advfirewall', 'firewall'];
  const name = `name=${ownComment}`;
  const rule = ['dir=in', 'action=allow', 'protocol=TCP', `localport=${port}`, 'profile=private,domain'];
  return {
    firewalls: [
      {
        name: 'windows-firewall',
        state:
          firewall === undefined
            ? 'unknown'
            : firewall.profiles.some(({ enabled }) => enabled !== 0)
              ? 'active'
              : 'inactive',
        says: firewall === undefined ? 'its rules were not read' : profilesInWords(firewall),
        raw:
          firewall === undefined ? [] : [...new Set(ports.flatMap((each) => windowsMentioning(firewall, each, node)))],
      },
    ],
    manager: 'windows-firewall',
    judgements,
    unread,
    openedByUs:
      firewall === undefined ? 'unknown' : firewall.rules.some((each) => each.name === ownComment) ? 'yes' : 'no',
    commands: {
      kind: 'known',
      open: [[...netsh, 'add', 'rule', name, ...rule]],
      close: [[...netsh, 'delete', 'rule', name]],
      note: 'Networks that Windows takes for public stay closed by this, and a rule that blocks Node comes before it.',
    },
  };
}

const maxQueryMs = 120_000;

function profilesInWords({ profiles, networks }: NonNullable<ReturnType<typeof windowsFirewall>>): string {
  const each = profiles.map(({ name, enabled }) => `${name} ${enabled === 0 ? 'off' : 'on'}`).join(', ');
  const names = ['Public', 'Private', 'Domain'];
  const used = networks.map(({ name, category }) => `${name} is ${names[category] ?? category}`).join(', ');
  return `profiles: ${each}; networks: ${used === '' ? 'none' : used}`;
}
