// What `edgehop firewall --json` prints.
import * as z from 'zod';

export const firewallNames = [
  'ufw',
  'firewalld',
  'nftables',
  'iptables',
  'pf',
  'application-firewall',
  'windows-firewall',
] as const;

export type FirewallName = (typeof firewallNames)[number];

export const firewallVerdicts = ['open', 'closed', 'partly', 'unknown'] as const;

const judgement = z.strictObject({
  family: z.enum(['ipv4', 'ipv6']),
  verdict: z.enum(firewallVerdicts),
  /** Why it is unknown. */
  because: z.array(z.string()).readonly(),
  /** The rules and policies that decide, as the firewall prints them. */
  deciding: z.array(z.string()).readonly(),
});

export type FirewallJudgement = z.infer<typeof judgement>;

const commands = z.array(z.array(z.string()).readonly()).readonly();

export const firewallReport = z.strictObject({
  listening: z.strictObject({
    /** The running agent, or the configuration that the next one would have. */
    from: z.enum(['agent', 'configuration']),
    pid: z.int().optional(),
    host: z.string(),
    port: z.int(),
    controlPort: z.int(),
    scope: z.enum(['loopback', 'network']),
  }),
  firewalls: z
    .array(
      z.strictObject({
        name: z.enum(firewallNames),
        state: z.enum(['active', 'inactive', 'unknown']),
        /** In words. */
        says: z.string(),
        /** Rules that name one of our ports, as it prints them. */
        raw: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  /** The one whose rules are to be changed; absent where none is active, or that is not known. */
  manager: z.enum(firewallNames).optional(),
  ports: z
    .array(
      z.strictObject({
        name: z.enum(['proxy', 'control']),
        port: z.int(),
        /** Whether another machine could need it: never the control port. */
        needed: z.boolean(),
        /** For each address family in which another machine could ask. */
        judgements: z.array(judgement).readonly(),
      }),
    )
    .readonly(),
  /** What could not be read, and why. */
  unread: z.array(z.string()).readonly(),
  /** Whether edgehop has opened the port of the proxy before, by the mark that it leaves. */
  openedByUs: z.enum(['yes', 'no', 'unknown']),
  /** Commands for an administrator; absent where there are none that edgehop is certain of, for the reason that is given. */
  open: commands.optional(),
  close: commands.optional(),
  noCommands: z.string().optional(),
});

export type FirewallReport = z.infer<typeof firewallReport>;
