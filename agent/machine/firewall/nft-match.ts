// Whether a condition of nftables, as its JSON has it, holds for a packet. libnftables-json(5).
import { isDestination, isSource } from './addresses.ts';
import { allOf, certain, type Holds, not, type Packet } from './packet-filter.ts';

/** Elements of a named set or map; nothing where there is none of this name. */
export type SetsOf = (name: string) => readonly unknown[] | undefined;

/** `left op right` of a match. */
export function matchHolds(left: unknown, op: string, right: unknown, packet: Packet, sets: SetsOf): Holds {
  if (isRecord(left) && '&' in left) return flagsHold(left['&'], op, right);
  const asked = keyOf(left);
  if (asked === undefined) return 'unread';
  if (asked === 'tcp flags') return certain((op === '!=') !== (right === 'syn' || right === 'new'));
  const values = valuesOf(right, sets);
  if (['<', '>', '<=', '>='].includes(op)) return orderHolds(asked, op, right, packet);
  if (op !== '==' && op !== '!=' && op !== 'in') return 'unread';
  const holds = values === undefined ? valueHolds(asked, right, packet, true) : anyOf(values, asked, packet);
  return op === '!=' && !isOtherFamily(asked, packet) ? not(holds) : holds;
}

/** A condition on a field that the packet does not have fails, with `!=` as with `==`. */
function isOtherFamily(asked: string, { family }: Packet): boolean {
  const protocol = asked.split(' ')[0] ?? '';
  if (protocol === 'ip' || protocol === 'ip6') return protocol !== family;
  return otherProtocols.has(protocol);
}

/** What a key of a match or a map is, in words such as `tcp dport`; nothing where it is none that we know. */
export function keyOf(left: unknown): string | undefined {
  if (!isRecord(left)) return undefined;
  const [[kind, of] = ['', undefined]] = Object.entries(left);
  if (!isRecord(of)) return undefined;
  if (kind === 'payload') return `${of['protocol']} ${of['field']}`;
  if (kind === 'meta' || kind === 'ct') return `${kind} ${of['key']}`;
  if (kind === 'fib') return `fib ${of['result']}`;
  return undefined;
}

/** The members of a set; nothing where it is not there. `{range}`, `{prefix}` and single values stay as they are. */
export function valuesOf(right: unknown, sets: SetsOf): readonly unknown[] | undefined {
  if (typeof right === 'string' && right.startsWith('@')) return sets(right.slice(1));
  if (isRecord(right) && Array.isArray(right['set'])) return right['set'];
  if (Array.isArray(right)) return right;
  return typeof right === 'string' && right.startsWith('@') ? undefined : [right];
}

function anyOf(values: readonly unknown[], asked: string, packet: Packet): Holds {
  const each = values.map((value) => valueHolds(asked, elementOf(value), packet, false));
  if (each.includes('all')) return 'all';
  if (each.includes('unread')) return 'unread';
  return each.includes('some') ? 'some' : 'none';
}

/** An element with a timeout or a comment is wrapped. */
function elementOf(value: unknown): unknown {
  return isRecord(value) && isRecord(value['elem']) ? value['elem']['val'] : value;
}

const otherProtocols: ReadonlySet<string> = new Set(
  'udp udplite sctp dccp icmp icmpv6 igmp esp ah comp arp vlan'.split(' '),
);

/** `isUnknownSet`: the value is a set that nobody has listed. */
export function valueHolds(asked: string, value: unknown, packet: Packet, isUnknownSet: boolean): Holds {
  const { family, port } = packet;
  if (isOtherFamily(asked, packet)) return 'none';
  if (asked === 'meta nfproto') return certain(value === (family === 'ip' ? 'ipv4' : 'ipv6'));
  if (asked === 'meta protocol') return certain(value === family);
  if (asked === 'ip saddr' || asked === 'ip6 saddr') return isSource(packet, addressOf(value));
  if (asked === 'tcp sport' || asked === 'th sport') return 'some';
  if (dependingKeys.has(asked)) return 'some';
  if (isUnknownSet) return 'unread';
  if (asked === 'tcp dport' || asked === 'th dport') return portHolds(value, port);
  if (['meta l4proto', 'ip protocol', 'ip6 nexthdr'].includes(asked)) return certain(value === 'tcp' || value === 6);
  if (asked.endsWith(' daddr')) return isDestination(packet, addressOf(value));
  if (asked === 'meta iif' || asked === 'meta iifname') return value === 'lo' ? 'none' : 'some';
  if (asked === 'meta oif' || asked === 'meta oifname') return 'none';
  if (asked === 'meta pkttype') return certain(value === 'host' || value === 'unicast');
  if (asked === 'ct state') return certain(value === 'new');
  if (asked === 'ct direction') return certain(value === 'original');
  if (asked === 'ct status') return 'none';
  if (asked === 'fib type') return certain(value === 'local');
  // Without a way back (`missing`) the address is forged.
  if (asked === 'fib oif' || asked === 'fib oifname') return typeof value === 'boolean' ? certain(value) : 'some';
  return 'unread';
}

/** What differs from client to client, from hour to hour, or from card to card. */
const dependingKeys: ReadonlySet<string> = new Set(
  [
    ...['mark', 'hour', 'day', 'time', 'iiftype', 'iifgroup', 'iifkind', 'sdif', 'sdifname', 'length', 'priority'].map(
      (key) => `meta ${key}`,
    ),
    ...['mark', 'zone', 'id', 'bytes', 'packets', 'avgpkt', 'label', 'saddr'].map((key) => `ct ${key}`),
    ...['ip ttl', 'ip dscp', 'ip6 hoplimit', 'ip length', 'ip6 dscp', 'ether saddr', 'tcp window'],
  ].flat(),
);

function portHolds(value: unknown, port: number): Holds {
  if (typeof value === 'number') return certain(value === port);
  if (isRecord(value) && Array.isArray(value['range'])) {
    const [from, to] = value['range'];
    return typeof from === 'number' && typeof to === 'number' ? certain(from <= port && port <= to) : 'unread';
  }
  return 'unread';
}

function orderHolds(asked: string, op: string, right: unknown, { port }: Packet): Holds {
  if (asked !== 'tcp dport' && asked !== 'th dport') return 'unread';
  if (typeof right !== 'number') return 'unread';
  return certain({ '<': port < right, '>': port > right, '<=': port <= right, '>=': port >= right }[op] === true);
}

/** `tcp flags & (fin|syn|rst|ack) == syn`: the first packet has SYN, and nothing else. RFC 9293 3.5. */
function flagsHold(operands: unknown, op: string, right: unknown): Holds {
  if (!Array.isArray(operands) || keyOf(operands[0]) !== 'tcp flags') return 'unread';
  const wanted = flagNames(right);
  const masked = flagNames(operands[1])?.filter((flag) => flag === 'syn');
  if (wanted === undefined || masked === undefined) return 'unread';
  const isEqual = wanted.length === masked.length && wanted.every((flag) => flag === 'syn');
  return op === '==' ? certain(isEqual) : op === '!=' ? certain(!isEqual) : 'unread';
}

function flagNames(value: unknown): readonly string[] | undefined {
  if (value === 0) return [];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) {
    const names = value.map(flagNames);
    return names.some((each) => each === undefined) ? undefined : names.flatMap((each) => each ?? []);
  }
  return isRecord(value) && '|' in value ? flagNames(value['|']) : undefined;
}

function addressOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const prefix = isRecord(value) && isRecord(value['prefix']) ? value['prefix'] : undefined;
  return prefix === undefined ? '' : `${prefix['addr']}/${prefix['len']}`;
}

/** The conditions of a concatenation, such as `ip saddr . tcp dport`, each by itself. */
export function concatHolds(keys: readonly unknown[], values: readonly unknown[], packet: Packet): Holds {
  return allOf(
    keys.map((key, at) => {
      const asked = keyOf(key);
      return asked === undefined ? 'unread' : valueHolds(asked, elementOf(values[at]), packet, false);
    }),
  );
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
