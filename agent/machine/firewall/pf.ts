// Reads the rules of pf, the packet filter of macOS, from what `pfctl -s info` and `pfctl -s rules` print.
import { isDestination, isSource } from './addresses.ts';
import { allOf, certain, type Fate, type Holds, type Packet } from './packet-filter.ts';

/** Nothing where the text does not say. */
export function pfEnabled(info: string): boolean | undefined {
  const found = /^Status: (Enabled|Disabled)\b/m.exec(info)?.[1];
  return found === undefined ? undefined : found === 'Enabled';
}

/** The last rule that matches decides, or the first with `quick`; without any the packet passes. pf.conf(5). */
export function pfFate(rules: string, packet: Packet): Fate {
  const open = { accept: new Set<string>(['no rule of pf matches']), drop: new Set<string>() };
  const ended = { accept: new Set<string>(), drop: new Set<string>() };
  const [unread, blind]: [string[], string[]] = [[], []];
  for (const raw of rules.split('\n').map((line) => line.trim())) {
    if (/^(?:rdr-)?anchor /.test(raw)) blind.push(`the rules of an anchor were not read: ${raw}`);
    const found = /^(pass|block)\b(.*)$/.exec(raw);
    if (found === null) continue;
    const rest = found[2] ?? '';
    const holds = conditionsHold(rest, packet);
    if (holds === 'none') continue;
    if (holds === 'unread') unread.push(`a condition that edgehop does not know: ${raw}`);
    const verdict = found[1] === 'pass' ? 'accept' : 'drop';
    const isQuick = /\bquick\b/.test(rest);
    if (holds === 'all' && !isQuick) for (const each of [open.accept, open.drop]) each.clear();
    (isQuick ? ended : open)[verdict].add(raw);
    if (holds === 'all' && isQuick) {
      for (const each of [open.accept, open.drop]) each.clear();
      break;
    }
  }
  const [accepting, dropping] = [
    [...ended.accept, ...open.accept],
    [...ended.drop, ...open.drop],
  ];
  const deciding = [...accepting, ...dropping];
  return { accept: accepting.length > 0, drop: dropping.length > 0, unread, blind, deciding };
}

/** Rules that name the port. */
export function pfMentioning(rules: string, port: number): string[] {
  const word = new RegExp(`\\bport (?:= )?\\S*(?<!\\d)${port}(?!\\d)`);
  return rules.split('\n').filter((line) => word.test(line));
}

function conditionsHold(rest: string, packet: Packet): Holds {
  const conditions: Holds[] = [];
  if (/\bout\b/.test(rest)) return 'none';
  const on = /\bon (! )?(\S+)/.exec(rest);
  if (on !== null) conditions.push(on[2] === 'lo0' ? certain(on[1] !== undefined) : 'some');
  if (/\binet6\b/.test(rest)) conditions.push(certain(packet.family === 'ip6'));
  if (/\binet\b(?!6)/.test(rest)) conditions.push(certain(packet.family === 'ip'));
  const protocol = /\bproto (\S+)/.exec(rest)?.[1];
  if (protocol !== undefined) conditions.push(certain(protocol === 'tcp'));
  if (/\b(?:user|group|os|tagged|received-on|probability)\b/.test(rest)) conditions.push('some');
  const hosts = /\bfrom (.+?) to (.+?)(?: flags\b.*| keep\b.*| no state\b.*| label\b.*)?$/.exec(rest);
  if (hosts !== null) conditions.push(sourceHolds(hosts[1] ?? '', packet), destinationHolds(hosts[2] ?? '', packet));
  return allOf(conditions);
}

function sourceHolds(written: string, packet: Packet): Holds {
  const [host = '', port] = written.split(/ port /);
  if (port !== undefined) return 'some';
  if (host === 'any') return 'all';
  return host.startsWith('!') ? 'some' : isSource(packet, host);
}

function destinationHolds(written: string, packet: Packet): Holds {
  const [host = '', port] = written.split(/ port /);
  const address = host === 'any' || host === '(self)' ? 'all' : isDestination(packet, host);
  return port === undefined ? address : allOf([address, portHolds(port.trim(), packet.port)]);
}

/** `= 8080`, `8000:8100`, `7999 >< 8101`, `!= 80`, `>= 1024`. A name of /etc/services is not read. */
function portHolds(written: string, port: number): Holds {
  const single = /^(=|!=|<=|>=|<|>) (\d+)$/.exec(written);
  if (single !== null) {
    const other = Number(single[2]);
    const holds = { '=': port === other, '!=': port !== other, '<': port < other, '>': port > other };
    return certain({ ...holds, '<=': port <= other, '>=': port >= other }[single[1] ?? ''] === true);
  }
  const range = /^(\d+)(:| >< | <> )(\d+)$/.exec(written);
  if (range === null) return 'unread';
  const [from, to] = [Number(range[1]), Number(range[3])];
  if (range[2] === ':') return certain(from <= port && port <= to);
  return certain(range[2] === ' >< ' ? from < port && port < to : port < from || to < port);
}
