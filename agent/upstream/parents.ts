// Which parent proxy carries a destination: read from the configuration or from the environment, as curl reads it.
import { canonicalAddress, inRange } from '../../http/address.ts';
import type { Config } from '../../schemas/config.ts';
import type { Resolution } from '../proxy/ports.ts';
import { isExcluded, type NoProxyEntry, parseNoProxy } from './no-proxy.ts';
import { type Parent, parseParent } from './parent.ts';

/** Where something is to go. `tunnel` is what a client sends octets through by itself. */
export interface ParentTarget {
  readonly scheme: 'http' | 'https' | 'tunnel';
  readonly host: string;
  readonly port: number;
  /** Where they are known: then none of them may be this machine's own. */
  readonly addresses?: readonly string[];
}

/** The parent proxies as whoever dials needs them. */
export interface Parents {
  /** The parent that carries this; nothing when it is reached without one. */
  of(target: ParentTarget): Parent | undefined;
  /** Where a parent can be dialled. Fails when its name leads nowhere, or to edgehop itself. */
  addressesOf(parent: Parent): Promise<Resolution>;
  /** How this agent names itself to a parent in `Via`. */
  readonly pseudonym: string;
}

/** For what never goes through a parent. */
export const noParents: Parents = {
  of: () => undefined,
  addressesOf: async () => ({ kind: 'resolved', addresses: [] }),
  pseudonym: '',
};

/** Looks addresses up, but where a parent is to resolve the name: there are none then. */
export function unlessLeftToParent(
  parents: Parents,
  addresses: (host: string, port: number) => Resolution | Promise<Resolution>,
): (host: string, port: number, scheme: ParentTarget['scheme']) => Promise<Resolution> {
  return async (host, port, scheme) => {
    const isLeft = canonicalAddress(host) === undefined && parents.of({ scheme, host, port })?.resolvesNames === true;
    return isLeft ? { kind: 'resolved', addresses: [] } : addresses(host, port);
  };
}

/** The parents that were named, and what they are not for. */
export interface ParentRules {
  readonly http: Parent | undefined;
  /** Of `https` and of tunnels. */
  readonly https: Parent | undefined;
  readonly exclusions: readonly NoProxyEntry[];
}

/**
 * The configuration's parents; where it names none, those of the environment: `http_proxy`, `https_proxy`, `all_proxy`
 * and `no_proxy`, also in capitals, where small letters win and an empty variable is none. Throws a ProxyError of type
 * `proxy_configuration_error` when one cannot be read.
 */
export function parentRules(
  settings: Config['parents'],
  environment: Readonly<Record<string, string | undefined>>,
): ParentRules {
  if (settings.use === 'none') return { http: undefined, https: undefined, exclusions: [] };
  const isConfigured = (settings.http ?? settings.https ?? settings.all) !== undefined;
  const read = (key: 'http' | 'https' | 'all'): Parent | undefined => {
    if (isConfigured) return settings[key] === undefined ? undefined : parseParent(settings[key], `parents.${key}`);
    const [variable, text] = variableOf(environment, `${key}_proxy`);
    return text === undefined ? undefined : parseParent(text, variable);
  };
  const all = read('all');
  const [, fromEnvironment = ''] = isConfigured ? [] : variableOf(environment, 'no_proxy');
  const exclusions = parseNoProxy(settings.no?.join(',') ?? fromEnvironment);
  return { http: read('http') ?? all, https: read('https') ?? all, exclusions };
}

/** The parent of a destination. What is on this machine has none: a parent would look for it on its own. */
export function parentOf(rules: ParentRules, target: ParentTarget): Parent | undefined {
  const parent = target.scheme === 'http' ? rules.http : rules.https;
  if (parent === undefined || isThisMachine(target)) return undefined;
  return isExcluded(rules.exclusions, target.host, target.port) ? undefined : parent;
}

/** Loopback by name or address; link-local, where the metadata service of this machine is, not that of the parent's. */
function isThisMachine({ host, addresses = [] }: ParentTarget): boolean {
  const literal = canonicalAddress(host);
  if (literal === undefined && /(^|\.)(localhost|ip6-localhost|ip6-loopback)\.?$/i.test(host)) return true; // RFC 6761 6.3
  const known = literal === undefined ? addresses : [literal];
  return known.some((address) => ownRanges.some((range) => inRange(address, range)));
}

const ownRanges = ['127.0.0.0/8', '0.0.0.0/8', '169.254.0.0/16', '::1', '::', 'fe80::/10'] as const;

function variableOf(
  environment: Readonly<Record<string, string | undefined>>,
  variable: string,
): readonly [name: string, value: string | undefined] {
  for (const name of [variable, variable.toUpperCase()]) if (environment[name]) return [name, environment[name]];
  return [variable, undefined];
}
