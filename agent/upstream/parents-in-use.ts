// The parent proxies of a running agent: where each can be dialled, and that none of them is edgehop itself.
import { canonicalAddress } from '../../http/address.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Resolution, Resolve } from '../proxy/ports.ts';
import type { Parent } from './parent.ts';
import { type ParentRules, type Parents, parentOf } from './parents.ts';

export interface ParentPorts {
  readonly rules: ParentRules;
  readonly resolve: Resolve;
  /** Whether edgehop itself listens on this address and port. */
  readonly isOwn: (address: string, port: number) => boolean;
  readonly pseudonym: string;
  /** Says a sentence to the person at the terminal. */
  readonly say: (sentence: string) => void;
}

export interface ParentsInUse extends Parents {
  /** Called once edgehop listens: says which parents there are, and lets go of those that are edgehop itself. */
  listening(): void;
}

/**
 * A parent that leads to edgehop itself is used no more as soon as that is known: the operating system's proxy settings
 * may well be in the environment of the agent that they name.
 */
export function createParents({ rules, resolve, isOwn, pseudonym, say }: ParentPorts): ParentsInUse {
  const ourselves = new Set<string>();
  const named = [rules.http, rules.https].filter((parent) => parent !== undefined);

  const isOurselves = (parent: Parent, addresses: readonly string[]): boolean => {
    if (!addresses.some((address) => isOwn(address, parent.port))) return false;
    if (!ourselves.has(parent.name)) say(`${sourcesOf(named, parent)} edgehop itself, so it is no parent proxy`);
    ourselves.add(parent.name);
    return true;
  };
  const addressesOf = async (parent: Parent): Promise<Resolution> => {
    const known = addressesOfText(parent.host);
    const resolution: Resolution =
      known === undefined ? await resolve(parent.host) : { kind: 'resolved', addresses: known };
    if (resolution.kind === 'failed' || !isOurselves(parent, resolution.addresses)) return resolution;
    return { kind: 'failed', error: new ProxyError('proxy_loop_detected', 'The parent proxy is edgehop itself.') };
  };
  return {
    of: (target) => {
      const parent = parentOf(rules, target);
      return parent === undefined || ourselves.has(parent.name) ? undefined : parent;
    },
    addressesOf,
    pseudonym,
    listening: () => {
      for (const parent of named) {
        const known = addressesOfText(parent.host);
        if (known === undefined)
          void addressesOf(parent); // a name server may be long in answering
        else isOurselves(parent, known);
      }
      for (const sentence of inWords(rules, ourselves)) say(sentence);
    },
  };
}

/** The addresses that a host has without asking anyone. */
function addressesOfText(host: string): readonly string[] | undefined {
  const literal = canonicalAddress(host);
  if (literal !== undefined) return [literal];
  return host === 'localhost' ? ['127.0.0.1', '::1'] : undefined;
}

function sourcesOf(named: readonly Parent[], { name }: Parent): string {
  const sources = new Set(named.filter((parent) => parent.name === name).map(({ source }) => source));
  return `${[...sources].join(' and ')} ${sources.size > 1 ? 'name' : 'names'}`;
}

function inWords({ http, https }: ParentRules, ourselves: ReadonlySet<string>): string[] {
  const carries: [string, Parent | undefined][] =
    http?.name === https?.name
      ? [['http, https and tunnels go', http]]
      : [
          ['http goes', http],
          ['https and tunnels go', https],
        ];
  return carries.flatMap(([what, parent]) =>
    parent === undefined || ourselves.has(parent.name)
      ? []
      : [`${what} through the parent proxy ${parent.name} (${parent.source})`],
  );
}
