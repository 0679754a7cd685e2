// What a person means by a URL, a host or an IP address.
import { originOf, withoutBrackets } from '../../http/authority.ts';
import { Exit } from './exit.ts';

/** An http or https URL without fragment. A bare host or IP address is given the scheme `otherwise`. */
export function urlOf(text: string, otherwise: 'http' | 'https' = 'http'): URL {
  const trimmed = text.trim();
  const candidate = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed)
    ? trimmed
    : `${otherwise}://${isBareIpv6(trimmed) ? `[${trimmed}]` : trimmed}`;
  const url = URL.canParse(candidate) ? new URL(candidate) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Exit('usage', `"${trimmed}" is no http or https URL, host or IP address.`);
  url.hash = '';
  return url;
}

/** The host of a URL as sockets take it: an IPv6 address without its brackets. */
export function hostOfUrl({ hostname }: URL): string {
  return withoutBrackets(hostname);
}

/** The port of a URL, also where it is the scheme's own. */
export function portOfUrl(url: URL): number {
  return originOf(url).port;
}

function isBareIpv6(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && text.split(':').length > 2;
}
