// The Forwarded field: one hop's element, and the nodes that it names. RFC 7239.
import { canonicalAddress } from './address.ts';

/** What one hop says of a request. Everything is optional. RFC 7239 5. */
export interface ForwardedElement {
  /** Who asked: an address, or an obfuscated identifier. RFC 7239 5.2. */
  readonly for?: string | undefined;
  /** Where the request came in: an address, or an obfuscated identifier. RFC 7239 5.1. */
  readonly by?: string | undefined;
  /** The Host field as it was received. RFC 7239 5.3. */
  readonly host?: string | undefined;
  /** The scheme by which it was asked for. RFC 7239 5.4. */
  readonly proto?: string | undefined;
}

/** One element in the order for, by, host, proto; the empty text where nothing is to be said. RFC 7239 4. */
export function forwardedElement(element: ForwardedElement): string {
  const { for: client, by, host, proto } = element;
  const pairs = [
    ...(client === undefined ? [] : [`for=${nodeValue(client)}`]),
    ...(by === undefined ? [] : [`by=${nodeValue(by)}`]),
    ...(host === undefined ? [] : [`host=${parameterValue(host)}`]),
    ...(proto === undefined ? [] : [`proto=${parameterValue(proto)}`]),
  ];
  return pairs.join(';');
}

/** A text as an obfuscated identifier: an underscore, and characters that may follow it. RFC 7239 6.3. */
export function obfuscatedIdentifier(text: string): string {
  return `_${text.replace(/[^A-Za-z0-9._-]/g, '_')}`;
}

/** An address as the field has it, IPv6 in brackets and quotes; what is none and no identifier is `unknown`. RFC 7239 6. */
function nodeValue(node: string): string {
  if (/^_[A-Za-z0-9._-]+$/.test(node)) return node;
  const address = canonicalAddress(node);
  if (address === undefined) return 'unknown'; // RFC 7239 6.2
  return address.includes(':') ? `"[${address}]"` : address;
}

/** A token as it is, all else as a quoted string; a control octet, which neither may hold, is left out. RFC 9110 5.6. */
function parameterValue(text: string): string {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) return text;
  return `"${text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
