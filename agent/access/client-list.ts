// Which clients are served, by address and range. An IPv4 address written as IPv6 counts as IPv4.
import { BlockList, isIPv6 } from 'node:net';
import { canonicalRange, clientAddress } from '../../http/address.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';

export interface ClientList {
  /** Whether this address is served. What is denied is not, whatever else is said of it. */
  isAllowed(address: string): boolean;
  /** Whether `allow` names this address, and not only leaves it out. */
  isNamed(address: string): boolean;
}

/** The list of the configuration. Throws a ProxyError of type `proxy_configuration_error` where a range is none. */
export function createClientList({ allow, deny }: Config['admit']['clients']): ClientList {
  const allowed = listOf(allow, 'allow');
  const denied = listOf(deny, 'deny');
  const isNamed = (address: string) => allowed?.(address) === true && denied?.(address) !== true;
  return {
    isAllowed: (address) => denied?.(address) !== true && allowed?.(address) !== false,
    isNamed,
  };
}

/** Whether a list has an address. Nothing where the list is empty. */
function listOf(ranges: readonly string[], key: string): ((address: string) => boolean) | undefined {
  if (ranges.length === 0) return undefined;
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of ranges) {
    const range = canonicalRange(text);
    if (range === undefined) throw noRange(text, key);
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) lists[family].addAddress(address, family);
    else lists[family].addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const canonical = clientAddress(address);
    const family = isIPv6(canonical) ? 'ipv6' : 'ipv4';
    return lists[family].check(canonical, family);
  };
}

/** Whether the client runs on this machine. */
export function isLoopback(address: string): boolean {
  const canonical = clientAddress(address);
  return canonical === '::1' || canonical.startsWith('127.');
}

/**
 * What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that name its network, since a single
 * machine has all addresses of one. RFC 4291 2.5.4.
 */
export function clientKey(address: string): string {
  const canonical = clientAddress(address);
  if (!canonical.includes(':') || canonical.startsWith('fe80:')) return canonical; // link-local: one network for all
  const [head = '', tail] = canonical.split('::');
  const words = head === '' ? [] : head.split(':');
  if (tail !== undefined) words.push(...Array<string>(8 - words.length - wordCount(tail)).fill('0'));
  return `${[...words, ...(tail ?? '').split(':')].slice(0, 4).join(':')}::/64`;
}

function wordCount(text: string): number {
  return text === '' ? 0 : text.split(':').length;
}

function noRange(text: string, key: string): ProxyError {
  return new ProxyError(
    'proxy_configuration_error',
    `admit.clients.${key}: "${text}" is neither an address nor a CIDR range.`,
    { advice: 'Write an address such as 192.0.2.7, or a range such as 192.0.2.0/24 or 2001:db8::/32.' },
  );
}
