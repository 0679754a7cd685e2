// Whether a packet to us can have a destination address that a rule names.
import { canonicalAddress, inRange } from '../../../http/address.ts';
import { isLoopback } from '../../access/client-list.ts';
import type { Holds, Packet } from './packet-filter.ts';

/** `named`: an address or a CIDR range, of either family. */
export function isDestination({ family, address }: Packet, named: string): Holds {
  const first = named.split('/')[0] ?? '';
  if (canonicalAddress(first) === undefined) return 'unread';
  if (first.includes(':') !== (family === 'ip6')) return 'none';
  if (isForMany(first) || isLoopback(first)) return 'none';
  if (named.endsWith('/0')) return 'all';
  if (address !== undefined) return inRange(address, named) ? 'all' : 'none';
  return 'some';
}

/** Whether another machine can have a source address that a rule names; who it is from is open. */
export function isSource({ family }: Packet, named: string): Holds {
  const first = named.split('/')[0] ?? '';
  if (canonicalAddress(first) === undefined) return 'some';
  if (first.includes(':') !== (family === 'ip6') || isLoopback(first)) return 'none';
  return named.endsWith('/0') ? 'all' : 'some';
}

/** Multicast and broadcast: no TCP connection is made to those. RFC 9293 3.9.2.3. */
function isForMany(address: string): boolean {
  return inRange(address, '224.0.0.0/4') || inRange(address, 'ff00::/8') || address === '255.255.255.255';
}
