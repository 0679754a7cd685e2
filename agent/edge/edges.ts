// The edges of a configuration, each by its name: the one in use, and those that rules name.
import type { DestinationPolicy } from '../../http/destination.ts';
import { nameOf } from '../../http/plan/compiled-rule.ts';
import { unseenInTunnels } from '../../http/plan/matchers.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import { checkEdge, connectDeployed, type DeployedOptions } from './deployed.ts';
import type { Edge } from './edge.ts';
import { type EmbeddedOptions, startEmbedded } from './embedded.ts';

export interface EdgesPorts extends Omit<EmbeddedOptions, 'policy'>, Pick<DeployedOptions, 'addresses'> {
  readonly config: Pick<Config, 'edge' | 'rules'>;
  readonly policy: DestinationPolicy;
}

export interface OwnedEdges {
  readonly inUse: Edge | undefined;
  named(name: string): Edge | undefined;
  /** By what they were made of: whoever wants the same again takes it over. */
  readonly all: ReadonlyMap<string, Edge>;
}

const embedded = 'embedded';

/**
 * Connects what is used, and takes over from `previous` what is still the same. Nothing of `previous` is disposed. Throws
 * a ProxyError of type `proxy_configuration_error`, and then has started nothing.
 */
export function connectEdges(ports: EdgesPorts, previous?: OwnedEdges): OwnedEdges {
  const { config, policy } = ports;
  const before = previous?.all; // what is given back must not hold all that was before
  const all = new Map<string, Edge>();
  const byName = new Map<string, Edge>();
  const connect = (name: string, madeOf: unknown, make: () => Edge) => {
    const key = JSON.stringify(madeOf);
    const edge = before?.get(key) ?? make();
    all.set(key, edge);
    byName.set(name, edge);
  };
  const used = nameInUse(config.edge);
  const needed = new Set([...(used === undefined ? [] : [used]), ...namesInRules(config.rules)]);
  for (const each of config.edge.edges) {
    if (needed.has(each.name)) connect(each.name, each, () => connectDeployed({ ...ports, ...each }));
  }
  // Last, for it is the only one that begins something.
  if (needed.has(embedded)) connect(embedded, { embedded: policy }, () => startEmbedded(ports));
  return { inUse: used === undefined ? undefined : byName.get(used), named: (name) => byName.get(name), all };
}

function nameInUse({ use, edges }: Config['edge']): string | undefined {
  if (use === 'none') return undefined;
  if (use === embedded) return embedded;
  const named = edges.find(({ name, url }) => name === use || url === use);
  if (named !== undefined) return named.name;
  throw new ProxyError('proxy_configuration_error', `There is no edge "${use}" in edge.edges.`, {
    advice: 'Use embedded, none, a name from edge.edges, or --edge URL together with --token TOKEN.',
  });
}

function namesInRules(rules: Config['rules']): string[] {
  return rules.flatMap(({ enabled, then: { route } }) => (enabled && typeof route === 'object' ? [route.edge] : []));
}

/** Whether an edge answers, once that is known. */
export async function edgeInWords(edge: Edge | undefined): Promise<string> {
  if (edge === undefined) return 'no edge: every exchange goes directly';
  const check = await checkEdge(edge, edgeCheckTimeoutMs);
  return check.kind === 'answers' ? `edge ${edge.name} is ready` : `edge ${edge.name} is not ready: ${check.because}`;
}

const edgeCheckTimeoutMs = 10_000;

/** What rules with a route by an edge do not do yet; nothing where no rule of these can match a tunnel. */
export function tunnelsInWords(rules: Config['rules']): string | undefined {
  const names = rules.flatMap((rule, index) => {
    const { route, fallback } = rule.then;
    // Where it may not go directly it is refused, and told why.
    const isByEdge = rule.enabled && route !== undefined && route !== 'direct' && fallback !== 'fail';
    return isByEdge && unseenInTunnels(rule.when) === undefined ? [nameOf(rule, index)] : [];
  });
  if (names.length === 0) return undefined;
  const rulesNamed = names.map((name) => `"${name}"`).join(', ');
  return `edges carry no tunnels yet: what ${rulesNamed} ${names.length > 1 ? 'send' : 'sends'} by an edge goes directly where it is a tunnel (CONNECT, SOCKS5, Upgrade)`;
}
