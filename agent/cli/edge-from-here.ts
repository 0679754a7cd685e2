// A link to a deployed edge for a verb that needs no agent: over the parent proxies of the configuration and the environment.
import type { Config, NamedEdge } from '../../schemas/config.ts';
import type { Clock } from '../clock.ts';
import { connectDeployed } from '../edge/deployed.ts';
import type { Edge } from '../edge/edge.ts';
import { createResolver, systemLookup } from '../proxy/admit/resolver.ts';
import { createDial } from '../upstream/dial.ts';
import { parentRules, unlessLeftToParent } from '../upstream/parents.ts';
import { createParents } from '../upstream/parents-in-use.ts';

/** Remembers no name from one link to the next. Throws a ProxyError when the URL would show the token to others, or a parent is wrong. */
export function edgeFromHere(
  { name, url, token }: NamedEdge,
  { limits, parents: configured }: Pick<Config, 'limits' | 'parents'>,
  environment: Readonly<Record<string, string | undefined>>,
  clock: Clock,
): Edge {
  const resolve = createResolver(systemLookup, clock, limits);
  const rules = parentRules(configured, environment);
  const parents = createParents({ rules, resolve, isOwn: () => false, pseudonym: 'edgehop', say: () => undefined });
  const dial = createDial(limits, parents);
  const addresses = unlessLeftToParent(parents, resolve);
  return connectDeployed({ name, url, token, limits, dial, addresses });
}
