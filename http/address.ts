// Which IP addresses belong to the public internet, and which are special: loopback, private and their like. RFC 6890.
import ipaddr from 'ipaddr.js';
import { remembered } from './remembered.ts';

export type AddressClass = { readonly kind: 'public' } | { readonly kind: 'special'; readonly block: string };

/**
 * The class of an IP address, written without brackets. `block` names the registry's entry, as in
 * `loopback (127.0.0.0/8)`. What is not the canonical text of an IPv4 address nor any of an IPv6 address is special.
 */
export function classifyAddress(address: string): AddressClass {
  return classes(address);
}

const maxRemembered = 1_024;
const classes = remembered(maxRemembered, (address): AddressClass => {
  const words = wordsOf(address);
  return words === undefined ? notAnAddress : classOf(words);
});

/**
 * The canonical text of an IP literal with or without brackets, or nothing when it is none. RFC 5952. An IPv4-mapped
 * address becomes the IPv4 address, for that is what a socket reaches. Zone identifiers are no part of an address.
 */
export function canonicalAddress(text: string): string | undefined {
  return canonicals(text);
}

const canonicals = remembered(maxRemembered, (text): string | undefined => {
  const isBracketed = text.startsWith('[') && text.endsWith(']');
  const words = isBracketed ? ipv6Words(text.slice(1, -1)) : wordsOf(text);
  return words && textOf(reachedBy(words));
});

/** The address of a client as a socket tells it, without its zone (RFC 4007 11), and as IPv4 where it is that. */
export function clientAddress(address: string): string {
  const zone = address.indexOf('%');
  const plain = zone === -1 ? address : address.slice(0, zone);
  return canonicalAddress(plain) ?? plain;
}

/** Whether an address lies in a CIDR range or is that one address. False where either text is not what it should be. */
export function inRange(address: string, cidrOrAddress: string): boolean {
  const words = wordsOf(address);
  const range = rangeOf(cidrOrAddress);
  return words !== undefined && range !== undefined && isWithin(reachedBy(words), reachedRange(range));
}

/**
 * The canonical text of a CIDR range or of one address, without brackets, or nothing when it is neither. Bits beyond
 * the prefix must be zero: whoever writes 10.0.0.1/8 may have meant one address.
 */
export function canonicalRange(cidrOrAddress: string): string | undefined {
  const given = rangeOf(cidrOrAddress);
  if (given === undefined || !hasOnlyPrefixBits(given)) return undefined;
  const { words, bits } = reachedRange(given);
  return cidrOrAddress.includes('/') ? `${textOf(words)}/${bits}` : textOf(words);
}

/** An address as 16-bit words: two of IPv4, eight of IPv6. */
type Words = readonly number[];

interface Range {
  readonly words: Words;
  readonly bits: number;
}

const publicAddress: AddressClass = { kind: 'public' };
const notAnAddress: AddressClass = { kind: 'special', block: 'not an address' };
const outsideGlobalUnicast: AddressClass = { kind: 'special', block: 'outside global unicast (2000::/3)' };

/** IANA's special-purpose and multicast registries of IPv4, as of 2026. The first range that holds an address decides. */
const ipv4Ranges = ranges([
  ['0.0.0.0/8', 'this network'], // RFC 791 3.2; 0.0.0.0 reaches loopback on Linux
  ['10.0.0.0/8', 'private use'], // RFC 1918
  ['100.64.0.0/10', 'shared address space'], // RFC 6598
  ['127.0.0.0/8', 'loopback'], // RFC 1122 3.2.1.3
  ['168.63.129.16', 'metadata service of Azure'], // in no registry, but never what a client means
  ['169.254.0.0/16', 'link-local'], // RFC 3927; the metadata services of most clouds
  ['172.16.0.0/12', 'private use'], // RFC 1918
  ['192.0.0.0/24', 'IETF protocol assignments'], // RFC 6890 2.1; its anycast addresses serve no HTTP
  ['192.0.2.0/24', 'documentation'], // RFC 5737
  ['192.88.99.0/24', 'deprecated 6to4 relay anycast'], // RFC 7526
  ['192.168.0.0/16', 'private use'], // RFC 1918
  ['198.18.0.0/15', 'benchmarking'], // RFC 2544
  ['198.51.100.0/24', 'documentation'], // RFC 5737
  ['203.0.113.0/24', 'documentation'], // RFC 5737
  ['224.0.0.0/4', 'multicast'], // RFC 5771
  ['255.255.255.255', 'limited broadcast'], // RFC 8190
  ['240.0.0.0/4', 'reserved'], // RFC 1112 4
]);

/** The same of IPv6. What no range holds is outside global unicast. */
const ipv6Ranges = ranges([
  ['::', 'unspecified'], // RFC 4291 2.5.2
  ['::1', 'loopback'], // RFC 4291 2.5.3
  ['::/96', 'IPv4-compatible'], // RFC 4291 2.5.5.1
  ['::ffff:0:0/96', 'IPv4-mapped'], // RFC 4291 2.5.5.2
  ['::ffff:0:0:0/96', 'IPv4-translated'], // RFC 2765 2.1
  ['64:ff9b:1::/48', 'local-use NAT64'], // RFC 8215
  ['100::/64', 'discard-only'], // RFC 6666
  ['100:0:0:1::/64', 'dummy prefix'], // RFC 9780
  ['2001:3::/32', publicAddress], // AMT, RFC 7450
  ['2001:4:112::/48', publicAddress], // AS112, RFC 7535
  ['2001::/32', 'Teredo'], // RFC 4380
  ['2001:2::/48', 'benchmarking'], // RFC 5180
  ['2001::/23', 'IETF protocol assignments'], // RFC 2928
  ['2001:db8::/32', 'documentation'], // RFC 3849
  ['2002::/16', '6to4'], // RFC 3056
  ['3fff::/20', 'documentation'], // RFC 9637
  ['2000::/3', publicAddress], // RFC 4291 2.4: all that is allotted; 2620:4f:8000::/48 (AS112) is in it
  ['5f00::/16', 'segment routing'], // RFC 9602
  ['fc00::/7', 'unique local'], // RFC 4193
  ['fe80::/10', 'link-local'], // RFC 4291 2.5.6
  ['fec0::/10', 'deprecated site-local'], // RFC 3879
  ['ff00::/8', 'multicast'], // RFC 4291 2.7
]);

const nat64: Range = { words: [0x64, 0xff9b, 0, 0, 0, 0, 0, 0], bits: 96 };
const ipv4Mapped: Range = { words: [0, 0, 0, 0, 0, 0xffff, 0, 0], bits: 96 };

function classOf(words: Words): AddressClass {
  if (words.length === 2) return firstHolding(ipv4Ranges, words) ?? publicAddress;
  if (!isWithin(words, nat64)) return firstHolding(ipv6Ranges, words) ?? outsideGlobalUnicast;
  const inner = classOf(words.slice(6)); // RFC 6052 3.1: what DNS64 answers on networks without IPv4
  return inner.kind === 'public' ? inner : { kind: 'special', block: `${inner.block} behind NAT64 (64:ff9b::/96)` };
}

interface Entry extends Range {
  readonly class: AddressClass;
}

function firstHolding(entries: readonly Entry[], words: Words): AddressClass | undefined {
  for (const entry of entries) if (isWithin(words, entry)) return entry.class;
  return undefined;
}

/** Parses a table once, when this file is loaded. */
function ranges(table: readonly (readonly [range: string, means: string | AddressClass])[]): readonly Entry[] {
  return table.map(([range, means]) => ({
    ...(rangeOf(range) as Range),
    class: typeof means === 'string' ? { kind: 'special', block: `${means} (${range})` } : means,
  }));
}

function isWithin(words: Words, { words: base, bits }: Range): boolean {
  if (words.length !== base.length) return false;
  for (let i = 0, left = bits; left > 0; i++, left -= 16) {
    const shift = Math.max(0, 16 - left);
    if ((words[i] as number) >> shift !== (base[i] as number) >> shift) return false;
  }
  return true;
}

function hasOnlyPrefixBits({ words, bits }: Range): boolean {
  return words.every((word, i) => (word & (0xffff >> Math.min(16, Math.max(0, bits - i * 16)))) === 0);
}

/** The words that a socket reaches: those of the IPv4 address inside an IPv4-mapped one. */
function reachedBy(words: Words): Words {
  return isWithin(words, ipv4Mapped) ? words.slice(6) : words;
}

function reachedRange(range: Range): Range {
  if (range.bits < ipv4Mapped.bits || !isWithin(range.words, ipv4Mapped)) return range;
  return { words: range.words.slice(6), bits: range.bits - ipv4Mapped.bits };
}

function rangeOf(cidrOrAddress: string): Range | undefined {
  const [address = '', prefix, ...more] = cidrOrAddress.split('/');
  const words = wordsOf(address);
  if (words === undefined || more.length > 0) return undefined;
  const most = words.length * 16;
  if (prefix === undefined) return { words, bits: most };
  return isDecimal(prefix) && Number(prefix) <= most ? { words, bits: Number(prefix) } : undefined;
}

function wordsOf(address: string): Words | undefined {
  return address.includes(':') ? ipv6Words(address) : ipv4Words(address);
}

/** Only the canonical spelling: four decimal numbers. ipaddr.js takes octal, hexadecimal and short ones as well. */
function ipv4Words(address: string): Words | undefined {
  const octets = address.split('.');
  if (octets.length !== 4 || !octets.every((octet) => isDecimal(octet) && Number(octet) <= 255)) return undefined;
  const [a, b, c, d] = octets.map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

/** Dotted ends are read here: ipaddr.js takes ::127.0.0.1 for ::ffff:127.0.0.1, and octal numbers. */
function ipv6Words(address: string): Words | undefined {
  if (!/^[0-9a-f:.]+$/i.test(address)) return undefined;
  let hexadecimal = address;
  if (address.includes('.')) {
    const start = address.lastIndexOf(':') + 1;
    const end = ipv4Words(address.slice(start));
    if (end === undefined) return undefined;
    hexadecimal = address.slice(0, start) + end.map((word) => word.toString(16)).join(':');
  }
  return ipaddr.IPv6.isValid(hexadecimal) ? ipaddr.IPv6.parse(hexadecimal).parts : undefined;
}

function textOf(words: Words): string {
  if (words.length === 2) return words.flatMap((word) => [word >> 8, word & 0xff]).join('.');
  return new ipaddr.IPv6([...words]).toRFC5952String();
}

function isDecimal(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(text);
}
