// Reads `host:port` as CONNECT and the Host field have it, and knows which spellings of a host are accepted. RFC 3986 3.2.
import { remembered } from './remembered.ts';

export interface Malformed {
  readonly kind: 'malformed';
  /** A fragment for people, such as `the port is missing`. It never repeats what was sent. */
  readonly because: string;
}

export type Authority = { readonly kind: 'authority'; readonly host: string; readonly port: number } | Malformed;

/**
 * Reads the authority-form of CONNECT, where the port is mandatory. RFC 9112 3.2.3. The host is canonical: lower case,
 * IPv6 in brackets, without the root dot.
 */
export function parseAuthority(text: string): Authority {
  const parsed = parseHostAndPort(text);
  if (parsed.kind === 'malformed') return parsed;
  const { host, port } = parsed;
  return port === undefined ? malformed('the port is missing') : { kind: 'authority', host, port };
}

/** Host and port as CONNECT has them. The host is a name or an address, IPv6 with or without brackets. */
export function authorityAt(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host as sockets and lists of addresses have it: IPv6 without its brackets. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** A target as the Host field has it: the port only when it is not the scheme's own. RFC 9110 7.2. */
export function hostFieldOf(scheme: 'http' | 'https', host: string, port: number): string {
  return port === (scheme === 'https' ? 443 : 80) ? host : `${host}:${port}`;
}

/** The origin of an http or https URL: scheme, host with IPv6 in brackets, and the port also where it is the scheme's own. RFC 9110 4.3.1. */
export function originOf({ protocol, hostname, port }: Pick<URL, 'protocol' | 'hostname' | 'port'>): {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
} {
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return { scheme, host: hostname, port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port) };
}

export type HostField =
  | { readonly kind: 'authority'; readonly host: string; readonly port: number | undefined }
  | Malformed;

/** Reads the value of a Host field, where the port may be missing or empty. RFC 9110 7.2. The host is canonical. */
export function parseHostField(text: string): HostField {
  return parseHostAndPort(text);
}

const maxRemembered = 1_024;

const parseHostAndPort = remembered(maxRemembered, (text): HostField => {
  if (text === '') return malformed('it is empty');
  const forbidden = forbiddenIn(text);
  if (forbidden !== undefined) return malformed(forbidden);
  const parts = /^(\[[^[\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(text);
  if (parts === null) return malformed('colons and brackets do not make a host and a port');
  const parsed = parseHost(parts[1] as string);
  if (parsed.kind === 'malformed') return parsed;
  if (parts[2] === undefined || parts[2] === '') return { kind: 'authority', host: parsed.host, port: undefined };
  const port = parsePort(parts[2]);
  return port === undefined ? malformed(badPort) : { kind: 'authority', host: parsed.host, port };
});

export const badPort = 'the port is not a number from 1 to 65535 without leading zeros';

/** The number of a port from 1 to 65535 in canonical digits, or nothing. RFC 3986 3.2.3. */
export function parsePort(digits: string): number | undefined {
  return /^[1-9][0-9]{0,4}$/.test(digits) && Number(digits) <= 65535 ? Number(digits) : undefined;
}

export type Host = { readonly kind: 'host'; readonly host: string } | Malformed;

/**
 * Reads a host: a name as DNS has it, an IPv4 address in its canonical spelling, an IPv6 address in brackets. RFC 3986
 * 3.2.2. What comes back is the WHATWG URL parser's text, without the root dot.
 */
export const parseHost: (text: string) => Host = remembered(maxRemembered, (text) => {
  if (text.startsWith('[')) return parseIpv6Host(text);
  const relative = text.endsWith('.') ? text.slice(0, -1) : text;
  if (relative === '') return malformed('the host is empty');
  if (relative.includes('%')) return malformed('the host is percent-encoded');
  if (!/^[A-Za-z0-9._-]+$/.test(relative)) return malformed('the host has a character that no name has');
  if (relative.length > maxNameLength) return malformed(`the host is longer than ${maxNameLength} characters`);
  for (const label of relative.split('.')) {
    if (label === '') return malformed('the host has an empty label');
    if (label.length > maxLabelLength)
      return malformed(`a label of the host is longer than ${maxLabelLength} characters`);
  }
  // The whole text, for the parser takes a root dot after an IPv4 address away. One that is not written as it comes
  // back has been read differently by others: 010.8.8.8 is 8.8.8.8 to some and 10.8.8.8 to others.
  const canonical = hostnameOf(text);
  if (canonical === undefined) return malformed('the host is neither a name nor an address');
  if (canonical !== text.toLowerCase())
    return malformed('the host is an IPv4 address not written as four decimal numbers');
  return { kind: 'host', host: relative.toLowerCase() };
});

const maxNameLength = 253; // RFC 1035 2.3.4, as text without the root dot
const maxLabelLength = 63;

function parseIpv6Host(text: string): Host {
  const canonical = /^\[[0-9A-Fa-f:.]+\]$/.test(text) ? hostnameOf(text) : undefined; // no zone, no IPvFuture
  return canonical === undefined ? malformed('the host is not an IPv6 address') : { kind: 'host', host: canonical };
}

/** The host as the WHATWG URL parser writes it, or nothing when it takes none. */
function hostnameOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    return undefined;
  }
}

function forbiddenIn(text: string): string | undefined {
  if (/[^\x21-\x7e]/.test(text)) return 'it has white space, control characters or characters outside ASCII';
  if (text.includes('@')) return 'it has userinfo'; // RFC 9110 4.2.4
  if (/[/?#\\]/.test(text)) return 'it has more than a host and a port';
  return undefined;
}

function malformed(because: string): Malformed {
  return { kind: 'malformed', because };
}
