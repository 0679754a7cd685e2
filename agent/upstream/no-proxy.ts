// Which destinations NO_PROXY keeps from a parent proxy: curl's rules, and what other programs' users write beyond them.
import { canonicalAddress, inRange } from '../../http/address.ts';
import { parsePort } from '../../http/authority.ts';

/** What one entry of the list holds for. Without a port it holds for every port. */
export type NoProxyEntry =
  | { readonly kind: 'everything' }
  | { readonly kind: 'name'; readonly name: string; readonly port: number | undefined }
  | { readonly kind: 'range'; readonly range: string; readonly port: number | undefined };

/**
 * Reads a list whose entries are parted by commas or white space:
 *
 *     example.com  .example.com  *.example.com   the name and every name under it
 *     192.0.2.1  10.0.0.0/8  ::1  [::1]  fd00::/8   hosts written as addresses; names are not looked up for this
 *     example.com:8443  [::1]:8443  10.0.0.0/8:8443   only that port
 *     *   everything
 *
 * For curl an entry with a port or with `*.` holds for nothing, and so does `*` beside others: here they mean what they
 * say, as in other programs. What is neither a name nor an address holds for nothing, as with curl.
 */
export function parseNoProxy(list: string): readonly NoProxyEntry[] {
  return list
    .split(/[\s,]+/)
    .filter((text) => text !== '')
    .map(parseEntry);
}

/** Whether an entry holds for this host, canonical or as a person wrote it, and port. */
export function isExcluded(entries: readonly NoProxyEntry[], host: string, port: number): boolean {
  if (entries.length === 0) return false;
  const address = canonicalAddress(host);
  const name = withoutRoot(host).toLowerCase();
  return entries.some((entry) => {
    if (entry.kind === 'everything') return true;
    if (entry.port !== undefined && entry.port !== port) return false;
    if (entry.kind === 'range') return address !== undefined && inRange(address, entry.range);
    return address === undefined && (name === entry.name || name.endsWith(`.${entry.name}`));
  });
}

function parseEntry(text: string): NoProxyEntry {
  if (text === '*') return { kind: 'everything' };
  const { host, port } = withPort(text);
  if (canonicalAddress(host.split('/', 1)[0] ?? '') !== undefined) return { kind: 'range', range: host, port };
  const name = withoutRoot(host.replace(/^\*?\./, '')).toLowerCase();
  return { kind: 'name', name: name === '' ? text : name, port };
}

/** IPv6 has a port only in brackets: `::1:8443` is an address. */
function withPort(text: string): { readonly host: string; readonly port: number | undefined } {
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]*)\]|([^:]*))(?::(.*))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? undefined : parsePort(digits);
  return host === undefined || (digits !== undefined && port === undefined)
    ? { host: text, port: undefined }
    : { host, port };
}

function withoutRoot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
