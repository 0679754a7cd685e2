// Hosts as rules name them: a name, an address, `*.name` for all names below it, or `*`.
import { canonicalAddress } from '../address.ts';
import { parseHost } from '../authority.ts';

/**
 * A host of a rule as requests have it: lower case, names of other scripts in their ASCII form (IDNA), IPv6 in brackets,
 * without root dot. A leading `*.` stays, and so does `*`. Nothing where it is neither name nor address.
 */
export function canonicalHost(host: string): string | undefined {
  if (host === '*') return host;
  const wildcard = host.startsWith('*.') ? '*.' : '';
  const ascii = asciiOf(host.slice(wildcard.length));
  const parsed = ascii === undefined ? undefined : parseHost(ascii);
  if (parsed?.kind !== 'host') return undefined;
  return wildcard !== '' && canonicalAddress(parsed.host) !== undefined ? undefined : wildcard + parsed.host;
}

/** A name in its ASCII form by the URL parser, which knows IDNA and leaves `*` as it is. */
export function asciiOf(host: string): string | undefined {
  if (/^[\x21-\x7e]*$/.test(host)) return host;
  return URL.canParse(`http://${host}/`) ? new URL(`http://${host}/`).hostname : undefined;
}

/** Whether a host lies below a suffix that begins with a dot. */
export function isBelow(host: string, suffix: string): boolean {
  return host.length > suffix.length && host.endsWith(suffix);
}

/** What the `*` of the first host that fits stands for; nothing where none fits. The hosts are canonical. */
export function hostCaptures(hosts: readonly string[], host: string): readonly string[] | undefined {
  for (const each of hosts) {
    if (each === '*') return [host];
    if (each === host) return [];
    if (each.startsWith('*.') && isBelow(host, each.slice(1))) return [host.slice(0, 1 - each.length)];
  }
  return undefined;
}
