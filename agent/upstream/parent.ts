// One parent proxy, as a configuration or an environment variable names it.
import { parseHostField } from '../../http/authority.ts';
import { ProxyError } from '../../http/proxy-error.ts';

export interface Parent {
  /** What is spoken to it. */
  readonly scheme: 'http' | 'https' | 'socks5' | 'socks5h';
  /** Canonical; IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  /** With `socks5` it is this agent that looks names up. */
  readonly resolvesNames: boolean;
  readonly credentials: Credentials | undefined;
  /** `http://proxy.example:3128`: for records and sentences, without credentials. */
  readonly name: string;
  /** Where it was named, such as `HTTPS_PROXY`. */
  readonly source: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Reads `scheme://user:password@host:port`, where everything but the host may be missing. `source` is for sentences. */
export function parseParent(text: string, source: string): Parent {
  const wrong = (because: string): ProxyError =>
    new ProxyError('proxy_configuration_error', `${source} does not name a parent proxy: ${because}.`, {
      advice: 'Write it as http://user:password@host:port, or set parents.use to "none" to go without.',
    });
  const [, schemeText = 'http', rest = ''] = /^(?:([^:/@]*):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  const scheme = schemes.get(schemeText.toLowerCase());
  if (scheme === undefined) throw wrong(`a parent speaks ${[...schemes.keys()].join(', ')}`);
  const at = rest.lastIndexOf('@');
  const authority = parseHostField(rest.slice(at + 1).replace(/\/.*$/s, ''));
  if (authority.kind === 'malformed') throw wrong(authority.because);
  const credentials = credentialsIn(rest.slice(0, Math.max(0, at)), scheme.name);
  if (credentials.kind === 'malformed') throw wrong(credentials.because);
  const { host, port = scheme.port } = authority;
  return {
    scheme: scheme.name,
    host,
    port,
    resolvesNames: scheme.name !== 'socks5',
    credentials: credentials.given,
    name: `${scheme.name}://${host}:${port}`,
    source,
  };
}

/** Ports as URLs have them; curl alone takes 1080 for http. */
const schemes: ReadonlyMap<string, { readonly name: Parent['scheme']; readonly port: number }> = new Map([
  ['http', { name: 'http', port: 80 }],
  ['https', { name: 'https', port: 443 }],
  ['socks5', { name: 'socks5', port: 1080 }],
  ['socks5h', { name: 'socks5h', port: 1080 }],
]);

type CredentialsText =
  | { readonly kind: 'read'; readonly given: Credentials | undefined }
  | { readonly kind: 'malformed'; readonly because: string };

function credentialsIn(userinfo: string, scheme: Parent['scheme']): CredentialsText {
  if (userinfo === '' || userinfo === ':') return { kind: 'read', given: undefined };
  const colon = userinfo.indexOf(':');
  const username = decoded(colon < 0 ? userinfo : userinfo.slice(0, colon));
  const password = decoded(colon < 0 ? '' : userinfo.slice(colon + 1));
  if (username === undefined || password === undefined) {
    return { kind: 'malformed', because: 'a % in its credentials is not percent-encoding (write %25)' };
  }
  if (/[\x00-\x1f\x7f]/.test(username + password)) {
    return { kind: 'malformed', because: 'its credentials have control characters' };
  }
  const isSocks = scheme.startsWith('socks');
  if (!isSocks && username.includes(':')) return { kind: 'malformed', because: 'its user name has a colon' }; // RFC 7617 2
  if (isSocks && [username, password].some((each) => isTooLong(each))) {
    return {
      kind: 'malformed',
      because: `SOCKS5 has no user names and passwords of more than ${maxSocksOctets} octets`,
    };
  }
  return { kind: 'read', given: { username, password } };
}

const maxSocksOctets = 255; // RFC 1929 2

function isTooLong(text: string): boolean {
  return new TextEncoder().encode(text).length > maxSocksOctets;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
