// An agent for one route and for a few requests only, with the configuration in effect as far as an origin can tell.
import { authorityAt } from '../../http/authority.ts';
import { judgeDestination } from '../../http/destination.ts';
import type { Config } from '../../schemas/config.ts';
import type { ExchangeRecord } from '../../schemas/exchange.ts';
import type { Rule } from '../../schemas/rule.ts';
import type { WhoamiRoute } from '../../schemas/whoami.ts';
import { startAgent } from '../agent.ts';
import type { Clock } from '../clock.ts';
import { onFinished } from '../log/observers.ts';
import { systemLookup } from '../proxy/admit/resolver.ts';
import { recordOf } from '../proxy/trace.ts';
import { hostOfUrl, portOfUrl } from './url-of.ts';

export interface WhoamiAgentOptions {
  readonly config: Config;
  readonly configPath: string | undefined;
  readonly route: WhoamiRoute;
  /** Who is asked: allowed although it may be on this machine. */
  readonly origin: { readonly kind: 'own' | 'named'; readonly url: URL };
  /** Name of the deployed edge to go by; the embedded one where it is absent. */
  readonly edge: string | undefined;
  readonly clock: Clock;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface WhoamiAgent extends AsyncDisposable {
  readonly port: number;
  /** The record of the one exchange that goes on while this is awaited. */
  nextRecord(): Promise<ExchangeRecord>;
}

/** Starts it, and waits for its edge. Throws like `startAgent`. */
export async function startWhoamiAgent(options: WhoamiAgentOptions): Promise<WhoamiAgent> {
  const { config, configPath, clock, folder, environment } = options;
  let next = Promise.withResolvers<ExchangeRecord>();
  const agent = await startAgent({
    config: configForRoute(config, options),
    configPath,
    clock,
    observer: onFinished((trace) => {
      next.resolve(recordOf(trace, clock));
      next = Promise.withResolvers();
    }),
    lookup: systemLookup,
    say: () => undefined,
    folders: { state: folder, cache: folder },
    environment,
  });
  await agent.edgeChecked;
  return {
    port: agent.port,
    nextRecord: () => next.promise,
    [Symbol.asyncDispose]: () => agent.stop(),
  };
}

/**
 * The configuration for one route: rules and privacy as they are in effect. What an origin cannot tell is left out: who
 * may use the proxy, what is logged, caches, pools, and lists that would have to be fetched.
 */
export function configForRoute(
  config: Config,
  { route, origin, edge }: Pick<WhoamiAgentOptions, 'route' | 'origin' | 'edge'>,
): Config {
  const { destinations } = config.admit;
  const asked = { host: hostOfUrl(origin.url), port: portOfUrl(origin.url) };
  // What is public is left to the route, so that each one looks it up as it always does.
  const isPublic = judgeDestination({ ...asked, purpose: 'exchange' }, publicOnly).kind !== 'refused';
  const excepted = isPublic ? [] : [authorityAt(asked.host, asked.port)];
  return {
    ...config,
    listen: { host: '127.0.0.1', port: 0, controlPort: 0 },
    edge: {
      use: route === 'direct' ? 'none' : (edge ?? 'embedded'),
      edges: config.edge.edges,
      fallback: 'fail',
      upstream: route === 'edge-socket' ? 'socket' : 'fetch',
    },
    parents: origin.kind === 'own' ? { use: 'none' } : config.parents,
    cache: { agent: false, edge: 'off' },
    admit: {
      clients: { allow: [], deny: [] },
      credentials: [],
      destinations: { ...destinations, allow: [...destinations.allow, ...excepted] },
    },
    rules: config.rules.map(recorded),
    lists: Object.fromEntries(Object.entries(config.lists).filter(([, { url }]) => url === undefined)),
    pools: {},
    reverse: [],
    log: 'quiet',
    annotate: false,
  };
}

const publicOnly = { allowPrivate: false, exceptions: [] };

/** What is not logged could not be told of here either. */
function recorded(rule: Rule): Rule {
  const { log, ...actions } = rule.then;
  return log === undefined ? rule : { ...rule, then: actions };
}
