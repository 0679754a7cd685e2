// What the readers of firewalls share: what they are asked, what they answer, and by what they ask.
import type { FirewallJudgement, FirewallName, FirewallReport } from '../../../schemas/firewall.ts';
import type { Ran, RunProgram } from '../run-program.ts';
import type { Judgement, Packet } from './packet-filter.ts';

export interface FirewallHost {
  readonly platform: string;
  readonly run: RunProgram;
  /** Nothing where it cannot be read. */
  readonly read: (path: string) => Promise<string | undefined>;
  readonly exists: (path: string) => Promise<boolean>;
}

export interface FirewallQuestion {
  /** That of the proxy first. */
  readonly ports: readonly number[];
  /** In which another machine could ask. */
  readonly families: readonly Packet['family'][];
  /** The one address that the proxy listens on; absent where it is all of them. */
  readonly address?: string;
  /** The program that listens. */
  readonly node: string;
}

export interface FirewallsRead {
  readonly firewalls: FirewallReport['firewalls'];
  readonly manager?: FirewallName;
  /** In the order of the ports. */
  readonly judgements: readonly (readonly FirewallJudgement[])[];
  readonly unread: readonly string[];
  readonly openedByUs: FirewallReport['openedByUs'];
  readonly commands: Commands;
}

export type Commands =
  | { readonly kind: 'known'; readonly open: Lines; readonly close: Lines; readonly note?: string }
  | { readonly kind: 'none'; readonly because: string };

export type Lines = readonly (readonly string[])[];

/** What edgehop leaves at a rule of its own, so that it can be told from others. */
export const ownComment = 'edgehop';

export function packetsOf({ ports, families, address }: FirewallQuestion): readonly (readonly Packet[])[] {
  return ports.map((port) => families.map((family) => ({ family, port, ...(address !== undefined && { address }) })));
}

export function judgementOf({ family }: Packet, { verdict, because, deciding }: Judgement): FirewallJudgement {
  return { family: family === 'ip' ? 'ipv4' : 'ipv6', verdict, because, deciding };
}

/** Why a program gave no answer; nothing where it did. */
export function silence(line: string, ran: Ran): string | undefined {
  if (ran.kind !== 'ended') return `${line}: ${ran.because}`;
  if (ran.code === 0) return undefined;
  const said = (ran.stderr.trim() || ran.stdout.trim()).split('\n')[0] ?? '';
  return `${line} ended with ${ran.code}${said === '' ? '' : `: ${said}`}`;
}
