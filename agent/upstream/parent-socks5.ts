// Asks a SOCKS5 parent proxy for a connection. RFC 1928, and RFC 1929 for credentials.
import { canonicalAddress } from '../../http/address.ts';
import type { Heard, Turn } from './converse.ts';
import type { Parent } from './parent.ts';
import { type ParentFault, parentError } from './parent-error.ts';

const version = 5;
const methods = { none: 0, password: 2 } as const;
const types = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** The conversation that ends in a connection to `host`, a name or an address, with or without brackets. */
export function socks5Turn(parent: Parent, host: string, port: number): Turn {
  const offered = parent.credentials === undefined ? [methods.none] : [methods.none, methods.password];
  return {
    send: Buffer.of(version, offered.length, ...offered),
    hear: (octets) => {
      if (octets.length > 0 && octets[0] !== version) return refused(parent, 'not-socks');
      if (octets.length < 2) return { kind: 'more' };
      const request = requestTurn(parent, host, port);
      if (octets[1] === methods.none) return { kind: 'next', octets: 2, turn: request };
      if (octets[1] === methods.password && parent.credentials !== undefined) {
        return { kind: 'next', octets: 2, turn: credentialsTurn(parent, parent.credentials, request) };
      }
      return refused(parent, parent.credentials === undefined ? 'credentials-missing' : 'credentials-refused');
    },
  };
}

function credentialsTurn(parent: Parent, { username, password }: NonNullable<Parent['credentials']>, then: Turn): Turn {
  return {
    send: Buffer.concat([Buffer.of(1), counted(username), counted(password)]),
    hear: (octets) => {
      if (octets.length < 2) return { kind: 'more' };
      return octets[1] === 0 ? { kind: 'next', octets: 2, turn: then } : refused(parent, 'credentials-refused');
    },
  };
}

function requestTurn(parent: Parent, host: string, port: number): Turn {
  const connect = 1;
  return {
    send: Buffer.concat([Buffer.of(version, connect, 0), destination(host), Buffer.of(port >> 8, port & 0xff)]),
    hear: (octets) => {
      if (octets.length > 0 && octets[0] !== version) return refused(parent, 'not-socks');
      if (octets.length < 2) return { kind: 'more' };
      const reply = octets[1] as number;
      if (reply !== 0) return failure(parent, reply);
      if (octets.length < 5) return { kind: 'more' };
      const length = lengthOfReply(octets[3] as number, octets[4] as number);
      if (length === undefined) return refused(parent, 'not-socks');
      return octets.length < length ? { kind: 'more' } : { kind: 'open', octets: length };
    },
  };
}

function destination(host: string): Buffer {
  const address = canonicalAddress(host);
  if (address === undefined) return Buffer.concat([Buffer.of(types.name), counted(host)]);
  if (!address.includes(':')) return Buffer.of(types.ipv4, ...address.split('.').map(Number));
  return Buffer.concat([Buffer.of(types.ipv6), ipv6Octets(address)]);
}

function ipv6Octets(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const words = (text = '') => text.split(':').filter((word) => word !== '');
  const [left, right] = [words(head), words(tail)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.from([...left, ...zeros, ...right].map((word) => word.padStart(4, '0')).join(''), 'hex');
}

function counted(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.of(octets.length), octets]);
}

/** The reply ends in the address and port that the parent uses, which nobody needs. */
function lengthOfReply(type: number, nameLength: number): number | undefined {
  if (type === types.ipv4) return 4 + 4 + 2;
  if (type === types.ipv6) return 4 + 16 + 2;
  return type === types.name ? 4 + 1 + nameLength + 2 : undefined;
}

/** RFC 1928 6. */
function failure(parent: Parent, reply: number): Heard {
  if (reply === 2) return refused(parent, 'denied');
  return { kind: 'unreached', error: parentError(parent, faults[reply] ?? 'unavailable') };
}

const faults: Readonly<Record<number, ParentFault>> = { 3: 'no-route', 4: 'no-route', 5: 'refusing', 6: 'timed-out' };

function refused(parent: Parent, fault: ParentFault): Heard {
  return { kind: 'refused', error: parentError(parent, fault) };
}
