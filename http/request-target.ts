// Reads the request-target of a request line in its four forms. RFC 9112 3.2.
import { hostFieldOf, type Malformed, parseAuthority, parseHostField } from './authority.ts';

export type RequestTarget =
  | {
      readonly kind: 'absolute';
      /**
       * The one text that is judged and sent: as the WHATWG URL parser writes it, without userinfo and fragment. Only one
       * of OPTIONS that has no path stays without, for that asks for another thing than one with `/`. RFC 9112 3.2.4.
       */
      readonly url: string;
      readonly scheme: 'http' | 'https';
      /** Canonical, IPv6 in brackets, without the root dot that the URL may have. */
      readonly host: string;
      readonly port: number;
      /** Path and query, as in the URL; `*` for one of OPTIONS without. */
      readonly path: string;
    }
  | { readonly kind: 'authority'; readonly host: string; readonly port: number }
  | { readonly kind: 'asterisk' }
  | { readonly kind: 'origin'; readonly path: string }
  | Malformed;

export type AbsoluteTarget = Extract<RequestTarget, { kind: 'absolute' }>;

/** The form and the parts of a request-target. CONNECT takes authority-form and nothing else; OPTIONS alone takes `*`. */
export function parseRequestTarget(method: string, target: string): RequestTarget {
  if (method === 'CONNECT') return parseAuthority(target); // 3.2.3
  if (target === '') return malformed('it is empty');
  if (/[^\x21-\x7e]/.test(target)) {
    return malformed('it has white space, control characters or characters outside ASCII');
  }
  if (target.includes('#')) return malformed('it has a fragment');
  if (target.includes('\\')) return malformed('it has a backslash'); // a slash to some parsers, not to others
  if (target === '*') return method === 'OPTIONS' ? { kind: 'asterisk' } : malformed('* is for OPTIONS only'); // 3.2.4
  if (target.startsWith('/')) return { kind: 'origin', path: pathOf(new URL(`http://origin${target}`)) }; // 3.2.1
  return parseAbsolute(method, target);
}

/** 3.2.2. */
function parseAbsolute(method: string, target: string): RequestTarget {
  const parts = /^(https?):(?:\/\/([^/?]*))?(.*)$/i.exec(target);
  if (parts === null) return malformed('only http and https URLs are relayed');
  const [, name = '', authority, rest = ''] = parts;
  if (authority === undefined) return malformed('the scheme is not followed by // and a host');
  const hostAndPort = withoutUserinfo(authority);
  if (hostAndPort === undefined) return malformed('its userinfo could be taken for a host');
  if (hostAndPort === '') return malformed('the host is empty');
  const parsed = parseHostField(hostAndPort);
  if (parsed.kind === 'malformed') return parsed;
  const scheme = name.toLowerCase() as 'http' | 'https';
  const port = parsed.port ?? (scheme === 'https' ? 443 : 80);
  if (hostAndPort === hostFieldOf(scheme, parsed.host, port) && isCanonicalPath(rest)) {
    return { kind: 'absolute', url: `${scheme}://${hostAndPort}${rest}`, scheme, host: parsed.host, port, path: rest };
  }
  const url = new URL(`${scheme}://${hostAndPort}${rest}`);
  if (rest === '' && method === 'OPTIONS') {
    return { kind: 'absolute', url: url.href.slice(0, -1), scheme, host: parsed.host, port, path: '*' }; // 3.2.4
  }
  return { kind: 'absolute', url: url.href, scheme, host: parsed.host, port, path: pathOf(url) };
}

/** Whether the URL parser surely leaves a path and query as they are, so that it need not be asked. Most are such. */
function isCanonicalPath(path: string): boolean {
  return /^(?:\/(?:[A-Za-z0-9_~!$&()*+,;=:@-][A-Za-z0-9._~!$&()*+,;=:@-]*)?)+(?:\?[A-Za-z0-9._~!$&()*+,;=:@/?%-]*)?$/.test(
    path,
  );
}

/** Userinfo that can be nothing else is dropped, for it is not to be sent on. RFC 9110 4.2.4. */
function withoutUserinfo(authority: string): string | undefined {
  const [first = '', second, ...more] = authority.split('@');
  if (second === undefined) return first;
  return more.length === 0 && /^[A-Za-z0-9._~!$&'()*+,;=:-]*$/.test(first) ? second : undefined; // RFC 3986 3.2.1
}

/** Path and query, with the question mark of an empty query, which `search` leaves out. */
function pathOf({ href, protocol }: URL): string {
  return href.slice(href.indexOf('/', protocol.length + 2));
}

function malformed(because: string): Malformed {
  return { kind: 'malformed', because };
}
