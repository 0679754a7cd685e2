// What is a registrable domain, by the public suffix list that tldts brings with it.
import { getDomain } from 'tldts';

/**
 * The registrable domain of a host, such as `example.co.uk`; nothing for addresses, names without a dot and public
 * suffixes. The list's private part does not count: `github.io` is somebody's domain, and what is meant by it is all of it.
 */
export function registrableDomain(host: string): string | undefined {
  return getDomain(host) ?? undefined;
}
