// Reads the Windows Firewall from the JSON that a query of PowerShell prints, in numbers and not in its user's language.
import * as z from 'zod';
import type { Judgement, Verdict } from './packet-filter.ts';

/** Joined by InstanceID, since asking for the filters of each rule by itself takes minutes. */
export const windowsQuery = `$ErrorActionPreference = 'Stop'
$store = @{ PolicyStore = 'ActiveStore' }
$ports = @{}; Get-NetFirewallPortFilter @store | ForEach-Object { $ports[$_.InstanceID] = $_ }
$programs = @{}; Get-NetFirewallApplicationFilter @store | ForEach-Object { $programs[$_.InstanceID] = $_ }
$addresses = @{}; Get-NetFirewallAddressFilter @store | ForEach-Object { $addresses[$_.InstanceID] = $_ }
@{
profiles = @(Get-NetFirewallProfile @store | ForEach-Object { @{ name = $_.Name; enabled = [int]$_.Enabled; inbound = [int]$_.DefaultInboundAction; rules = [int]$_.AllowInboundRules } })
networks = @(Get-NetConnectionProfile | ForEach-Object { @{ name = [string]$_.InterfaceAlias; category = [int]$_.NetworkCategory } })
rules = @(Get-NetFirewallRule @store -Direction Inbound -Enabled True | Where-Object { $ports[$_.InstanceID].Protocol -in 'TCP', '6', 'Any' } | ForEach-Object { @{
name = [string]$_.DisplayName; action = [int]$_.Action; profile = [int]$_.Profile
ports = @($ports[$_.InstanceID].LocalPort | ForEach-Object { [string]$_ })
program = [string]$programs[$_.InstanceID].Program
package = [string]$programs[$_.InstanceID].Package
from = @($addresses[$_.InstanceID].RemoteAddress | ForEach-Object { [string]$_ })
to = @($addresses[$_.InstanceID].LocalAddress | ForEach-Object { [string]$_ }) } })
} | ConvertTo-Json -Depth 4 -Compress`;

const state = z.object({
  profiles: z.array(z.object({ name: z.string(), enabled: z.int(), inbound: z.int(), rules: z.int() })),
  networks: z.array(z.object({ name: z.string(), category: z.int() })),
  rules: z.array(
    z.object({
      name: z.string(),
      action: z.int(),
      profile: z.int(),
      ports: z.array(z.string()),
      program: z.string(),
      package: z.string().default(''),
      from: z.array(z.string()),
      to: z.array(z.string()),
    }),
  ),
});

export type WindowsFirewall = z.infer<typeof state>;

/** Nothing where the text is no such JSON. */
export function windowsFirewall(text: string): WindowsFirewall | undefined {
  try {
    return state.parse(JSON.parse(text.replace(/^\ufeff/, '')));
  } catch {
    return undefined;
  }
}

/** NetworkCategory to the profile's name and its bit in a rule. A rule with 0 is for all. */
const categories: Readonly<Record<number, { readonly name: string; readonly bit: number }>> = {
  0: { name: 'Public', bit: 4 },
  1: { name: 'Private', bit: 2 },
  2: { name: 'Domain', bit: 1 },
};

/** Values of `Action` and `DefaultInboundAction`; 0 is not configured, which blocks. */
const [allows, blocks] = [2, 4];

/** For the profiles of the networks that the machine is in; a rule that blocks comes before one that allows. */
export function windowsJudged(firewall: WindowsFirewall, port: number, program: string): Judgement {
  const used = new Set(firewall.networks.map(({ category }) => category));
  const each = (used.size === 0 ? [0, 1, 2] : [...used]).map((category) => judgedIn(category, firewall, port, program));
  const verdicts = new Set(each.map(({ verdict }) => verdict));
  const [because, deciding] = [each.flatMap((one) => one.because), each.flatMap((one) => one.deciding)];
  const [first = 'unknown'] = verdicts;
  const verdict: Verdict = verdicts.has('unknown') ? 'unknown' : verdicts.size === 1 ? first : 'partly';
  return { verdict, because, deciding };
}

/** Rules that name the port or this program. */
export function windowsMentioning({ rules }: WindowsFirewall, port: number, program: string): string[] {
  return rules
    .filter((rule) => (!rule.ports.includes('Any') && isFor(rule, port, program)) || isProgram(rule.program, program))
    .map(ruleInWords);
}

type Rule = WindowsFirewall['rules'][number];

function judgedIn(category: number, firewall: WindowsFirewall, port: number, program: string): Judgement {
  const { name, bit } = categories[category] ?? { name: `network category ${category}`, bit: 0 };
  const profile = firewall.profiles.find((each) => each.name === name);
  if (profile === undefined)
    return { verdict: 'unknown', because: [`the profile of ${name} networks was not read`], deciding: [] };
  if (profile.enabled === 0) return open(`profile ${name}: off`);
  const rules = firewall.rules.filter(
    (rule) => (rule.profile === 0 || (rule.profile & bit) !== 0) && isFor(rule, port, program),
  );
  const words = (of: readonly Rule[]) => of.map((rule) => `profile ${name}: ${ruleInWords(rule)}`);
  const isForAll = ({ from, to }: Rule) => from.includes('Any') && to.includes('Any');
  const blocking = rules.filter(({ action }) => action === blocks);
  if (blocking.some(isForAll)) return { verdict: 'closed', because: [], deciding: words(blocking) };
  const allowing = profile.rules === 0 ? [] : rules.filter(({ action }) => action === allows);
  const byDefault = profile.inbound === allows || allowing.some(isForAll) ? 'open' : 'closed';
  const isSplit = blocking.length > 0 || (byDefault === 'closed' && allowing.length > 0);
  const decided = [...words([...blocking, ...allowing]), `profile ${name}: default ${inboundInWords(profile.inbound)}`];
  return { verdict: isSplit ? 'partly' : byDefault, because: [], deciding: decided };
}

function open(reason: string): Judgement {
  return { verdict: 'open', because: [], deciding: [reason] };
}

function isFor({ ports, program, package: app }: Rule, port: number, node: string): boolean {
  const isPort = ports.some((each) => {
    const [from = '', to = from] = each.split('-');
    return each === 'Any' || (/^\d+$/.test(from) && Number(from) <= port && port <= Number(to));
  });
  return isPort && app === '' && (program === 'Any' || program === '' || isProgram(program, node));
}

function isProgram(written: string, node: string): boolean {
  return written.toLowerCase() === node.toLowerCase();
}

function ruleInWords({ name, action, ports, program, from }: Rule): string {
  const act = action === blocks ? 'Block' : action === allows ? 'Allow' : `action ${action}`;
  return `${act} "${name}" LocalPort ${ports.join(',')} Program ${program} RemoteAddress ${from.join(',')}`;
}

function inboundInWords(action: number): string {
  return action === allows ? 'Allow' : action === blocks ? 'Block' : 'NotConfigured (Block)';
}
