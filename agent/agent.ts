// Puts the agent together: the walk with its phases, the edge, the log and the control port.
import { randomBytes } from 'node:crypto';
import { type DestinationException, type DestinationPolicy, parseException } from '../http/destination.ts';
import { ProxyError } from '../http/proxy-error.ts';
import { hopName } from '../http/via.ts';
import type { AgentState, Readiness } from '../schemas/api.ts';
import type { Config } from '../schemas/config.ts';
import { type Folders, openCaches } from './caches.ts';
import type { Clock } from './clock.ts';
import { countCached } from './control/cache-counts.ts';
import { createControl } from './control/control.ts';
import { followOpen } from './control/open.ts';
import { rememberRecent } from './control/recent.ts';
import { checkEdge, connectDeployed } from './edge/deployed.ts';
import type { Edge } from './edge/edge.ts';
import { startEmbedded } from './edge/embedded.ts';
import { observers } from './log/observers.ts';
import { followOwnServers, isOwnAddress } from './own-ports.ts';
import { accept } from './proxy/accept/accept.ts';
import { createListener } from './proxy/accept/listener.ts';
import { listening } from './proxy/accept/listening.ts';
import { endWith } from './proxy/accept/sniff.ts';
import { type AdmitPorts, admitDestination, createAdmit } from './proxy/admit/admit.ts';
import { createResolver, type Lookup } from './proxy/admit/resolver.ts';
import { createApply } from './proxy/apply/apply.ts';
import { createRouted } from './proxy/dial/routed.ts';
import { createExchange } from './proxy/exchange/exchange.ts';
import { refuseSocket } from './proxy/finish/error-reply.ts';
import { createFinish } from './proxy/finish/finish.ts';
import type { Observer, Resolution } from './proxy/ports.ts';
import { proxy } from './proxy/proxy.ts';
import { beginTrace } from './proxy/trace.ts';
import { createSocks } from './tunnel/socks.ts';
import { type CarryPorts, createTunnel } from './tunnel/tunnel.ts';
import { createUpgrade } from './tunnel/upgrade.ts';
import { checkedAddresses } from './upstream/checked-lookup.ts';
import { createUpstreamClient } from './upstream/client.ts';
import { createConnect } from './upstream/connect.ts';
import { createDial, type Dial } from './upstream/dial.ts';
import { parentRules, unlessLeftToParent } from './upstream/parents.ts';
import { createParents } from './upstream/parents-in-use.ts';

export interface AgentPorts {
  readonly config: Config;
  readonly clock: Clock;
  /** The log. */
  readonly observer: Observer;
  readonly lookup: Lookup;
  /** Says a sentence to the person at the terminal. */
  readonly say: (sentence: string) => void;
  readonly folders: Folders;
  /** Where parent proxies are read from when the configuration names none. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface Agent {
  readonly port: number;
  readonly controlPort: number;
  readonly state: () => AgentState;
  /** Resolves with a sentence once the edge has answered or is known not to. */
  readonly edgeChecked: Promise<string>;
  /** Calls when the state that the verbs need has changed. */
  onStateChange(listener: () => void): void;
  /** Stops taking new work, lets the rest finish within the drain timeout. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  stop(): Promise<void>;
}

const edgeCheckTimeoutMs = 10_000;

/** Starts an agent. Throws a ProxyError of type `proxy_configuration_error` when the configuration cannot work. */
export async function startAgent(ports: AgentPorts): Promise<Agent> {
  const { config, clock, observer, lookup, say, folders, environment = {} } = ports;
  followOwnServers();
  const hosts = listenHosts(config.listen.host);
  const policy = policyOf(config);
  const { limits } = config;
  let onStateChange: () => void = () => undefined;
  const resolve = createResolver(lookup, clock, limits);
  const run = randomBytes(4).toString('hex');
  const pseudonym = `${hopName}-${run}`;
  const isOwn = (address: string, port: number) => isOwnAddress(address, port, edge?.ports() ?? []);
  const rules = parentRules(config.parents, environment);
  const parents = createParents({ rules, resolve, isOwn, pseudonym, say });
  const dial = createDial(limits, parents);
  const edge = edgeOf(config, policy, dial, unlessLeftToParent(parents, resolve), say, () => onStateChange());
  const caches = await openCaches({
    config: config.cache,
    clock,
    folders,
    say,
    isEdgeEmbedded: edge?.embedded === true,
  });
  const recent = rememberRecent(limits.maxRecentRecords);
  const open = followOpen(limits.maxConnections);
  const counted = countCached();
  const all = observers([observer, recent.observer, open.observer, counted.observer]);
  const admitPorts: AdmitPorts = {
    policy: () => policy,
    resolve,
    isOwn,
    pseudonym,
    edge: edge === undefined ? 'none' : edge.embedded ? 'embedded' : 'deployed',
    parentOf: parents.of,
  };
  const addresses = unlessLeftToParent(
    parents,
    checkedAddresses(resolve, () => policy),
  );
  const { connectTimeoutMs } = limits;
  const direct = createUpstreamClient({
    ...limits,
    maxConnections: limits.maxOriginConnections,
    keepAliveTimeoutMs: limits.originKeepAliveTimeoutMs,
    connect: createConnect({ dial, addresses, connectTimeoutMs, allowHttp2: true }),
  });
  const tunnelPorts = {
    clock,
    observer: all,
    limits,
    dial,
    admit: async (destination, trace) => admitDestination(admitPorts, destination, trace),
  } satisfies CarryPorts;
  const finish = createFinish({ clock, observer: all, pseudonym, annotate: config.annotate });
  const apply = createApply(pseudonym);
  let count = 0;
  const nextId = () => `${run}-${++count}`;
  const listener = createListener({
    clock,
    observer: all,
    limits,
    begin: (kind, connection, firstOctetAt) => beginTrace(kind, nextId(), connection, firstOctetAt),
    walk: proxy({
      observer: all,
      accept,
      admit: createAdmit(admitPorts),
      apply,
      cached: caches.phase({ observer: all, nextId }),
      routed: createRouted({ clock, edge, fallback: config.edge.fallback, limits }),
      exchange: createExchange({
        clock,
        observer: all,
        limits,
        direct,
        edge,
        upstream: config.edge.upstream,
        generation: caches.generation,
      }),
      finish,
    }),
    connect: createTunnel({ ...tunnelPorts, pseudonym, refuse: refuseSocket }),
    upgrade: createUpgrade({
      clock,
      observer: all,
      limits,
      pseudonym,
      accept,
      apply,
      finish,
      end: endWith,
      admit: async (destination, trace) => admitDestination(admitPorts, destination, trace),
      connect: (origin, signal) =>
        createConnect({
          dial: (target) => dial({ ...target, scheme: 'tunnel', signal }), // RFC 6455 4.1: so a parent proxy is asked
          addresses: (host, port) => addresses(host, port, 'tunnel'),
          connectTimeoutMs,
          allowHttp2: false,
        })(origin),
    }),
    socks: createSocks({ ...tunnelPorts, end: endWith }),
    refuse: refuseSocket,
  });
  let isDraining = false;
  const controlToken = randomBytes(32).toString('base64url');
  const readiness = (): Readiness => {
    const edgeState = edge?.state() ?? 'none';
    return {
      ready: !isDraining && (edgeState === 'none' || edgeState === 'ready'),
      agent: isDraining ? 'draining' : 'listening',
      edge: edgeState,
    };
  };
  const cache = { ...caches, counts: counted.counts };
  const control = createControl({ clock, recent, open, readiness, cache, token: controlToken });
  const closeAll = async () => {
    control.close();
    control.closeAllConnections();
    await Promise.all([direct.close(), edge?.[Symbol.asyncDispose]()]);
    await caches.close();
  };
  let closed: Promise<void> | undefined;
  /** Once, though a second signal comes while a first one's closing goes on. */
  const close = () => {
    closed ??= closeAll();
    return closed;
  };
  let port: number;
  let controlPort: number;
  try {
    port = await listener.listen(hosts, config.listen.port);
    controlPort = await listening(control, '127.0.0.1', config.listen.controlPort);
    parents.listening();
  } catch (cause) {
    listener.stop();
    await close();
    throw cause;
  }
  return {
    port,
    controlPort,
    state: () => {
      const edgePid = edge?.processId();
      return {
        pid: process.pid,
        host: config.listen.host,
        port,
        controlPort,
        controlToken,
        ...(edgePid !== undefined && { edgePid }),
      };
    },
    edgeChecked: edge === undefined ? Promise.resolve('no edge: every exchange goes directly') : edgeInWords(edge),
    onStateChange: (listener) => {
      onStateChange = listener;
    },
    drain: async () => {
      isDraining = true;
      await listener.drain(limits.drainTimeoutMs);
      await close();
    },
    stop: async () => {
      isDraining = true;
      listener.stop();
      await close();
    },
  };
}

/** Loopback is listened on in both families. Any other address waits for credentials, which this version does not have. */
function listenHosts(host: string): string[] {
  if (host === '127.0.0.1' || host === 'localhost') return ['127.0.0.1', '::1'];
  if (host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)) return [host];
  throw new ProxyError(
    'proxy_configuration_error',
    `edgehop listens on loopback addresses only, and ${host} is none.`,
    {
      advice: 'Use --host 127.0.0.1. On any other address everyone on the network could use the proxy.',
    },
  );
}

function policyOf({ admit }: Config): DestinationPolicy {
  const exceptions = admit.destinations.allow.map((text): DestinationException => {
    const parsed = parseException(text);
    if (parsed.kind !== 'malformed') return parsed;
    throw new ProxyError(
      'proxy_configuration_error',
      `admit.destinations.allow: "${text}" is no destination: ${parsed.because}.`,
    );
  });
  return { allowPrivate: admit.destinations.allowPrivate, exceptions };
}

function edgeOf(
  { edge, limits }: Config,
  policy: DestinationPolicy,
  dial: Dial,
  addresses: (host: string, port: number, scheme: 'http' | 'https') => Promise<Resolution>,
  say: (sentence: string) => void,
  onStart: () => void,
): Edge | undefined {
  if (edge.use === 'none') return undefined;
  if (edge.use === 'embedded') return startEmbedded({ policy, limits, dial, say, onStart });
  const named = edge.edges.find(({ name, url }) => name === edge.use || url === edge.use);
  if (named !== undefined) return connectDeployed({ ...named, limits, dial, addresses });
  throw new ProxyError('proxy_configuration_error', `There is no edge "${edge.use}" in edge.edges.`, {
    advice: 'Use embedded, none, a name from edge.edges, or --edge URL together with --token TOKEN.',
  });
}

async function edgeInWords(edge: Edge): Promise<string> {
  const check = await checkEdge(edge, edgeCheckTimeoutMs);
  return check.kind === 'answers' ? `edge ${edge.name} is ready` : `edge ${edge.name} is not ready: ${check.because}`;
}
