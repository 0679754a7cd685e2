// Builds what depends on the configuration as it may be reloaded: how exchanges, tunnels and upgrades are carried.

import type { CacheRequest } from '../http/caching/stored.ts';
import type { DestinationPolicy } from '../http/destination.ts';
import { parseRequestTarget } from '../http/request-target.ts';
import type { Config } from '../schemas/config.ts';
import { type Access, createAccess } from './access/access.ts';
import { boundary } from './boundary.ts';
import type { CacheByRule } from './control/cache-routes.ts';
import type { OwnedEdges } from './edge/edges.ts';
import type { Foundation } from './foundation.ts';
import { createPools, type LivePools } from './pools/pools.ts';
import { accept } from './proxy/accept/accept.ts';
import type { ListenerPorts } from './proxy/accept/listener.ts';
import { endWith } from './proxy/accept/sniff.ts';
import { createAdmit } from './proxy/admit/admit.ts';
import { createClientAdmit, createSocksClients } from './proxy/admit/client.ts';
import { admitDestination, type DestinationPorts } from './proxy/admit/destination.ts';
import { createApplied } from './proxy/apply/applied.ts';
import { createApply } from './proxy/apply/apply.ts';
import { createOwnAnswer } from './proxy/apply/own-answer.ts';
import type { RulePorts } from './proxy/apply/rule-ports.ts';
import { chooseRoute, edgeKind } from './proxy/dial/choice.ts';
import { createPooled } from './proxy/dial/pooled.ts';
import { createRouted } from './proxy/dial/routed.ts';
import { createExchange } from './proxy/exchange/exchange.ts';
import { createTargetExchange } from './proxy/exchange/target-exchange.ts';
import { refuseSocket } from './proxy/finish/error-reply.ts';
import { createFinish } from './proxy/finish/finish.ts';
import type { Arrival, Judge } from './proxy/ports.ts';
import { proxy } from './proxy/proxy.ts';
import { rulesInUse } from './rules-in-use.ts';
import { createSocks } from './tunnel/socks.ts';
import { createToPool } from './tunnel/to-pool.ts';
import { createTunnel } from './tunnel/tunnel.ts';
import { createUpgrade, type UpgradePorts } from './tunnel/upgrade.ts';
import { createConnect } from './upstream/connect.ts';

/** What a configuration says, and what was made of it. */
export interface Settings {
  readonly config: Config;
  /** The folder from which its paths count. */
  readonly folder: string;
  readonly policy: DestinationPolicy;
  readonly edges: OwnedEdges;
}

/** How whatever arrives is carried. */
export interface Walk extends Pick<ListenerPorts, 'walk' | 'connect' | 'upgrade' | 'socks'> {
  readonly settings: Settings;
  readonly access: Access;
  readonly pools: LivePools;
  /** What rules say of the cache for a request that comes from this machine. */
  readonly cacheByRule: (request: CacheRequest) => CacheByRule | undefined;
  /** Calls when none of its exchanges goes on any more. Tunnels do not count: they go by no edge. */
  onIdle(listener: () => void): void;
  /** Ends what goes on in the background. What is under way is carried on. */
  retire(): void;
}

/**
 * Takes over from `previous` what is to outlive a reload, such as what was counted. Throws a ProxyError of type
 * `proxy_configuration_error`.
 */
export function createWalk(foundation: Foundation, settings: Settings, previous?: Walk): Walk {
  const { clock, observer, limits, pseudonym, nextId, direct, dial, caches, controlToken } = foundation;
  const { shaping, targetClients, lists, ownPages } = foundation;
  const { config, folder, edges } = settings;
  const judge = judgeOf(foundation, settings);
  const hop = { ...foundation.hop, privacy: config.privacy };
  const access = createAccess({ admit: config.admit, limits, clock, ownSecret: controlToken }, previous?.access);
  const rules = rulesInUse(config.rules, { isListed: lists.isListed, shaping, clock, folder });
  const poolPorts = { clock, chance: Math.random, client: targetClients.checks };
  const pools = createPools(config.pools, poolPorts, previous?.pools);
  const acceptHere = (arrival: Arrival) => accept(arrival, config.reverse);
  const own = createOwnAnswer({ clock, boundary, pages: ownPages });
  const applyPorts = { judge, own, hop, rules, routes: config.reverse };
  const admit = createAdmit({ pseudonym, client: createClientAdmit(access) });
  const count = countGoingOn();
  const finishPorts = { clock, observer, pseudonym, annotate: config.annotate };
  const toTarget = createTargetExchange({ clock, observer, limits, client: targetClients.exchanges });
  const walk = proxy({
    observer,
    accept: acceptHere,
    admit,
    apply: createApply({ purpose: 'exchange', ...applyPorts }),
    applied: createApplied(rules),
    cached: caches.phase({
      observer,
      nextId,
      canTransform: (request) => request.reverse === undefined && chooseRoute(request, edges).kind === 'edge',
    }),
    routed: createRouted({
      clock,
      edges,
      fallback: config.edge.fallback,
      limits,
      pooled: createPooled({ pools, exchange: toTarget, hop, maxReplayBytes: limits.maxReplayBytes }),
    }),
    exchange: createExchange({
      clock,
      observer,
      limits,
      direct,
      edges,
      upstream: config.edge.upstream,
      trustsMore: config.trust.authorities.length > 0,
      generation: caches.generation,
    }),
    finish: createFinish({ ...finishPorts, onOver: count.over }),
  });
  const intercept = foundation.interception.by(config.intercept, observer);
  const tunnelPorts = { clock, observer, limits, dial, judge, rules, intercept };
  return {
    settings,
    access,
    pools,
    cacheByRule: (request) => cacheByRule(rules, edges, request),
    onIdle: count.onIdle,
    retire: () => pools.close(),
    walk: (arrival) => {
      count.begin();
      return walk(arrival);
    },
    connect: createTunnel({ ...tunnelPorts, admit, pseudonym, refuse: refuseSocket }),
    upgrade: createUpgrade({
      clock,
      observer,
      limits,
      pseudonym,
      rules,
      accept: acceptHere,
      admit,
      apply: createApply({ purpose: 'upgrade', ...applyPorts }),
      finish: createFinish(finishPorts),
      end: endWith,
      connect: upgradeConnect(foundation),
      toPool: createToPool({ pools, connect: targetClients.connect, hop }),
    }),
    socks: createSocks({ ...tunnelPorts, clients: createSocksClients(access), end: endWith }),
  };
}

function cacheByRule(
  rules: RulePorts | undefined,
  edges: OwnedEdges,
  { method, url, fields }: CacheRequest,
): CacheByRule | undefined {
  const target = parseRequestTarget(method, url);
  if (rules === undefined || target.kind !== 'absolute') return undefined;
  const plan = rules.planOf({ ...target, kind: 'exchange', method, fields, client: '127.0.0.1' });
  if (plan === undefined) return undefined;
  const { onResponse, transformKey } = plan;
  return { cache: onResponse.cache, transformKey: edgeKind(plan, edges) === 'none' ? undefined : transformKey };
}

/** Destinations are judged by who is to reach them. */
function judgeOf({ destinations }: Foundation, { policy, edges }: Settings): Judge {
  const portsFor = (edge: DestinationPorts['edge']) => ({ ...destinations, policy: () => policy, edge });
  const ports = { embedded: portsFor('embedded'), deployed: portsFor('deployed'), none: portsFor('none') };
  return (destination, trace, plan) => admitDestination(ports[edgeKind(plan, edges)], destination, trace);
}

function upgradeConnect({ dial, addresses, limits: { connectTimeoutMs } }: Foundation): UpgradePorts['connect'] {
  return (origin, signal) =>
    createConnect({
      dial: (target) => dial({ ...target, scheme: 'tunnel', signal }), // RFC 6455 4.1: so a parent proxy is asked
      addresses: (host, port) => addresses(host, port, 'tunnel'),
      connectTimeoutMs,
      allowHttp2: false,
    })(origin);
}

interface Count extends Pick<Walk, 'onIdle'> {
  begin(): void;
  over(): void;
}

/** Counts the exchanges that go on. */
function countGoingOn(): Count {
  let goingOn = 0;
  let listener: (() => void) | undefined;
  return {
    begin: () => {
      goingOn++;
    },
    over: () => {
      goingOn--;
      if (goingOn === 0) listener?.();
    },
    onIdle: (idle) => {
      listener = idle;
      if (goingOn === 0) idle();
    },
  };
}
