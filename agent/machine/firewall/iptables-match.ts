// Whether the conditions of an iptables rule hold for a packet. iptables(8), iptables-extensions(8).
import { isDestination, isSource } from './addresses.ts';
import { allOf, certain, type Holds, not, type Packet } from './packet-filter.ts';

/** `words`: the rule without its chain and target, as iptables-save prints it. An option that nobody knows leaves it unread. */
export function conditionsHold(words: readonly string[], packet: Packet): Holds {
  const conditions: Holds[] = [];
  for (let at = 0; at < words.length; at++) {
    const isNot = words[at] === '!';
    if (isNot) at++;
    const option = words[at] ?? '';
    const values: string[] = [];
    while (at + 1 < words.length && !words[at + 1]?.startsWith('-') && words[at + 1] !== '!')
      values.push(words[++at] ?? '');
    const holds = optionHolds(option, values, packet);
    conditions.push(isNot ? not(holds) : holds);
  }
  return allOf(conditions);
}

function optionHolds(option: string, values: readonly string[], packet: Packet): Holds {
  const [value = ''] = values;
  const known = options[option];
  if (known !== undefined) return known(value, packet, values);
  return depending.test(option) ? 'some' : 'unread';
}

type Option = (value: string, packet: Packet, values: readonly string[]) => Holds;

const always: Option = () => 'all';

const options: Readonly<Record<string, Option>> = {
  '-m': always, // only loads what the options after it belong to
  '--comment': always,
  '-p': (value) => certain(value === 'tcp' || value === '6' || value === 'all'),
  '-i': (value) => (value === 'lo' ? 'none' : value === '+' ? 'all' : 'some'),
  '-o': () => 'none',
  '-s': (value, packet) => isSource(packet, value),
  '-d': (value, packet) => isDestination(packet, value),
  '-f': () => 'none', // a fragment after the first
  '--dport': (value, { port }) => certain(isAmong(value, port)),
  '--dports': (value, { port }) => certain(isAmong(value, port)),
  '--ctstate': (value) => certain(value.split(',').includes('NEW')),
  '--state': (value) => certain(value.split(',').includes('NEW')),
  '--ctstatus': (value) => certain(value.split(',').includes('NONE')),
  '--ctdir': (value) => certain(value === 'ORIGINAL'),
  '--dst-type': (value) => certain(value.split(',').some((type) => type === 'LOCAL' || type === 'UNICAST')),
  '--src-type': (value) => (value === 'LOCAL' ? 'none' : 'some'),
  '--pkt-type': (value) => certain(value === 'unicast' || value === 'host'),
  '--syn': always,
  '--tcp-flags': (mask, _packet, [, wanted = '']) => flagsHold(mask, wanted),
  '--set': always, // of `recent`: it only notes the source
  '--rt-type': () => 'none', // source routing, which no system follows any more: RFC 5095
  '--icmp-type': () => 'none',
  '--icmpv6-type': () => 'none',
  '--invert': () => 'none', // of `rpfilter`: the source is forged
  '--loose': always,
  '--validmark': always,
};

/** What differs from client to client, from hour to hour, or from card to card. */
const depending =
  /^--(?:sports?|ports|src-range|mac-source|mark|match-set|update|rcheck|remove|seconds|hitcount|reap|name|mask|rsource|rdest|rttl|limit|limit-burst|hashlimit.*|connlimit.*|timestart|timestop|datestart|datestop|weekdays|monthdays|kerneltz|contiguous|probability|mode|every|packet|string|algo|ttl-.*|hl-.*|dscp.*|length|source-country|src-cc|geoip|uid-owner|gid-owner|quota)$/;

/** `22,443,9000:9100`. */
function isAmong(list: string, port: number): boolean {
  return list.split(',').some((each) => {
    const [from = '', to = from] = each.split(':');
    return Number(from === '' ? 0 : from) <= port && port <= Number(to === '' ? 65535 : to);
  });
}

/** The first packet of a connection has SYN and no other of these. RFC 9293 3.5. */
function flagsHold(mask: string, wanted: string): Holds {
  const asked = mask === 'ALL' ? ['SYN'] : mask.split(',').filter((flag) => flag === 'SYN');
  const set = wanted === 'NONE' ? [] : wanted.split(',');
  return certain(asked.length === set.length && set.every((flag) => flag === 'SYN'));
}
