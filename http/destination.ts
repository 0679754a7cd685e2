// Whether a host and port, and the addresses that a name resolved to, may be a destination. RFC 9209 2.3.5 and 2.3.17.
import { canonicalAddress, canonicalRange, classifyAddress, inRange } from './address.ts';
import { badPort, type Malformed, parseHost, parsePort, withoutBrackets } from './authority.ts';

/** What is allowed although it is private: everything, or what the exceptions name. */
export interface DestinationPolicy {
  readonly allowPrivate: boolean;
  readonly exceptions: readonly DestinationException[];
}

/** Without a port an exception holds for every port, but lifts no port policy. */
export type DestinationException =
  | { readonly kind: 'range'; readonly range: string; readonly port: number | undefined }
  | { readonly kind: 'name'; readonly name: string; readonly port: number | undefined };

export type DestinationVerdict =
  | AddressesVerdict
  /** `privateAllowed`: whether the policy lets this very name resolve to private addresses. */
  | { readonly kind: 'name-to-resolve'; readonly privateAllowed: boolean };

export type AddressesVerdict =
  | { readonly kind: 'allowed'; readonly because: 'public' | 'exception' | 'private-allowed' }
  | {
      readonly kind: 'refused';
      readonly type: 'destination_ip_prohibited' | 'http_request_denied';
      /** A fragment for people. Of the request it names nothing but an IP literal or a port. */
      readonly because: string;
    };

export interface Destination {
  /** A name, an IPv4 address, or an IPv6 address with or without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Judges host and port before any look-up. An exchange may not use the ports that browsers keep HTTP from, a tunnel may
 * not use port 25. An exception that names the very port lifts that.
 */
export function judgeDestination(
  destination: Destination & { readonly purpose: 'exchange' | 'tunnel' },
  policy: DestinationPolicy,
): DestinationVerdict {
  const { host, port, purpose } = destination;
  const isLiteral = canonicalAddress(host) !== undefined;
  const verdict = isLiteral ? judgeLiteral(destination, policy) : judgeName(destination, policy);
  if (verdict.kind === 'refused' || !isPortRefused(port, purpose)) return verdict;
  if (policy.exceptions.some((exception) => exception.port === port && covers(exception, host))) return verdict;
  const reason = purpose === 'tunnel' ? 'is for sending mail' : 'belongs to a protocol other than HTTP';
  return { kind: 'refused', type: 'http_request_denied', because: `port ${port} ${reason}` };
}

/**
 * Judges what a name resolved to: one special address refuses them all, unless policy allows each that is special. Which
 * one is dialled is not decided here. Throws a RangeError when there are no addresses.
 */
export function judgeAddresses(
  destination: Destination,
  addresses: readonly string[],
  policy: DestinationPolicy,
): AddressesVerdict {
  if (addresses.length === 0) throw new RangeError('no addresses to judge');
  return judgeEach(destination, addresses, policy, 'it resolves to an address');
}

/**
 * Reads an exception: an address, a CIDR range or a name, with or without a port.
 *
 *     127.0.0.1  127.0.0.1:9000  10.0.0.0/8  10.0.0.0/8:443  ::1  [::1]  [::1]:9000  fd00::/8  [fd00::/8]:443
 *     localhost  localhost:3000  nas.home.arpa  *.corp.example  *.corp.example:8443
 *
 * `*.` stands for one label or more, so that `*.corp.example` does not hold for `corp.example`. IPv6 takes a port only in
 * brackets: `::1:9000` is an address.
 */
export function parseException(text: string): DestinationException | Malformed {
  const bare = canonicalRange(text);
  if (bare !== undefined) return { kind: 'range', range: bare, port: undefined };
  const parts = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text);
  if (parts === null)
    return malformed('colons and brackets do not make a host and a port (IPv6 with a port needs brackets)');
  const [, bracketed, plain = '', digits] = parts;
  const port = digits === undefined ? undefined : parsePort(digits);
  if (digits !== undefined && port === undefined) return malformed(badPort);
  const range = canonicalRange(bracketed ?? plain);
  if (bracketed !== undefined && !bracketed.includes(':'))
    return malformed('brackets are for IPv6 addresses and ranges');
  if (range !== undefined) return { kind: 'range', range, port };
  if (bracketed !== undefined || plain.includes('/')) {
    return malformed('it is not an address or a range whose bits beyond the prefix are zero');
  }
  const wildcard = plain.startsWith('*.') ? '*.' : '';
  const parsed = parseHost(plain.slice(wildcard.length));
  if (parsed.kind === 'malformed') return parsed;
  if (canonicalAddress(parsed.host) !== undefined) return malformed('*. is for names, not for addresses');
  return { kind: 'name', name: wildcard + parsed.host, port };
}

function judgeLiteral(destination: Destination, policy: DestinationPolicy): AddressesVerdict {
  const address = withoutBrackets(destination.host);
  return judgeEach(destination, [address], policy, `${address} is`);
}

function judgeEach(
  { host, port }: Destination,
  addresses: readonly string[],
  policy: DestinationPolicy,
  subject: string,
): AddressesVerdict {
  const exceptions = policy.exceptions.filter((exception) => isForPort(exception, port));
  let because: 'public' | 'exception' | 'private-allowed' = 'public';
  for (const address of addresses) {
    const classed = classifyAddress(address);
    if (classed.kind === 'public') continue;
    if (exceptions.some((exception) => covers(exception, host) || covers(exception, address))) {
      if (because === 'public') because = 'exception';
    } else if (policy.allowPrivate) because = 'private-allowed';
    else return prohibited(`${subject} in a special block, ${classed.block}`);
  }
  return { kind: 'allowed', because };
}

function judgeName({ host, port }: Destination, policy: DestinationPolicy): DestinationVerdict {
  const parsed = parseHost(host);
  if (parsed.kind === 'malformed') return prohibited(parsed.because);
  const isExcepted = policy.exceptions.some((exception) => isForPort(exception, port) && covers(exception, host));
  const privateAllowed = policy.allowPrivate || isExcepted;
  const reason = privateAllowed ? undefined : whyPrivate(parsed.host);
  return reason === undefined ? { kind: 'name-to-resolve', privateAllowed } : prohibited(reason);
}

/** Why a name is private by its text alone, or nothing. .example, .invalid and .alt are left to DNS. */
function whyPrivate(name: string): string | undefined {
  const top = name.slice(name.lastIndexOf('.') + 1);
  if (localNames.has(top)) return 'localhost and the names under it are the machine itself';
  if (!name.includes('.')) return 'a name without a dot belongs to a private network'; // search lists, RFC 1535
  if (top === 'onion') return 'names under .onion are not in the public DNS'; // RFC 7686
  if (name === 'home.arpa' || name.endsWith('.home.arpa')) return 'names under home.arpa belong to private networks'; // RFC 8375
  return privateTops.has(top) ? `names under .${top} belong to private networks` : undefined;
}

const localNames = new Set(['localhost', 'ip6-localhost', 'ip6-loopback']); // RFC 6761 6.3; the others are Debian's

export const privateTops: ReadonlySet<string> = new Set([
  'test', // RFC 6761 6.2
  'local', // RFC 6762 3
  'internal', // reserved by ICANN in 2024
  'intranet', // this and the next four: in private use everywhere, RFC 6762 appendix G
  'private',
  'corp',
  'home',
  'lan',
  'localdomain',
  'svc', // services of a Kubernetes cluster
]);

/** Whether an exception, its port aside, names this host or this address. */
function covers(exception: DestinationException, host: string): boolean {
  if (exception.kind === 'range') {
    const address = canonicalAddress(host);
    return address !== undefined && inRange(address, exception.range);
  }
  const name = host.replace(/\.$/, '').toLowerCase();
  const named = exception.name;
  return named.startsWith('*.') ? name.endsWith(named.slice(1)) && name.length >= named.length : name === named;
}

function isForPort(exception: DestinationException, port: number): boolean {
  return exception.port === undefined || exception.port === port;
}

function isPortRefused(port: number, purpose: 'exchange' | 'tunnel'): boolean {
  return purpose === 'tunnel' ? port === 25 : badPorts.has(port);
}

/** Ports whose servers could take HTTP for their own protocol. Fetch standard, 2.9 Port blocking. */
const badPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

function prohibited(because: string): Extract<AddressesVerdict, { readonly kind: 'refused' }> {
  return { kind: 'refused', type: 'destination_ip_prohibited', because };
}

function malformed(because: string): Malformed {
  return { kind: 'malformed', because };
}
