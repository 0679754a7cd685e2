// Puts the agent together: what lives as long as it does, the walk in use, the listener and the control port.
import { dirname } from 'node:path';
import { authorityAt } from '../http/authority.ts';
import type { AgentState, ConfigurationState, OwnStatus, Readiness } from '../schemas/api.ts';
import type { Config } from '../schemas/config.ts';
import { hostFromHere, listenHosts } from './access/listen-hosts.ts';
import type { Folders } from './caches.ts';
import { type Clock, isoMicroseconds } from './clock.ts';
import { countCached } from './control/cache-counts.ts';
import { createControl } from './control/control.ts';
import { followOpen } from './control/open.ts';
import { rememberRecent } from './control/recent.ts';
import { countRules } from './control/rule-counts.ts';
import { countTransformed } from './control/transform-counts.ts';
import type { Edge } from './edge/edge.ts';
import { edgeInWords } from './edge/edges.ts';
import { layFoundation } from './foundation.ts';
import { heeding } from './log/heeding.ts';
import { observers, onFinished } from './log/observers.ts';
import { createOwnPages, type OwnPagesPorts, pacPage } from './own-pages/own-pages.ts';
import { followOwnServers } from './own-ports.ts';
import { createListener } from './proxy/accept/listener.ts';
import { listening } from './proxy/accept/listening.ts';
import type { Lookup } from './proxy/admit/resolver.ts';
import { refuseSocket } from './proxy/finish/error-reply.ts';
import type { Observer } from './proxy/ports.ts';
import { beginTrace } from './proxy/trace.ts';
import { policyOf, type Reloaded, type Running, startRunning } from './running.ts';
import { version } from './version.ts';

export interface AgentPorts {
  readonly config: Config;
  /** The file that the configuration comes from, if it comes from one. */
  readonly configPath?: string | undefined;
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
  /** Puts another configuration in force without ending anything. What cannot be, leaves everything as it was. */
  reload(config: Config, path?: string): Promise<Reloaded>;
  /** Notes that the file is not right, so that the configuration of before stays in force. */
  keptConfiguration(problem: string): void;
  /** Stops taking new work, lets the rest finish within the drain timeout. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  stop(): Promise<void>;
}

/** Starts an agent. Throws a ProxyError of type `proxy_configuration_error` when the configuration cannot work. */
export async function startAgent(ports: AgentPorts): Promise<Agent> {
  const { config, configPath, clock, observer, lookup, say, folders, environment = {} } = ports;
  followOwnServers();
  const { hosts, warning } = listenHosts(config);
  if (warning !== undefined) say(warning);
  const { limits } = config;
  const recent = rememberRecent(limits.maxRecentRecords);
  const open = followOpen(limits.maxConnections);
  const counted = countCached();
  const countedRules = countRules();
  const countedTransforms = countTransformed();
  const policyAtStart = policyOf(config);
  let running: Running | undefined;
  let { port, controlPort } = config.listen;
  const ownVersion = version();
  const ownPages: OwnPagesPorts = {
    config: () => running?.walk.settings.config ?? config,
    status: () => statusOf(ownVersion, readiness(), edge()),
    certificate: () => foundation.interception.certificate(),
    pacUrl: () => `http://127.0.0.1:${controlPort}/proxy.pac`,
  };
  const foundation = await layFoundation({
    config,
    configFolder: folderOf(configPath),
    clock,
    observer: observers([
      heeding(observers([observer, recent.observer, open.observer])),
      counted.observer,
      countedRules.observer,
      countedTransforms.observer,
      onFinished((trace) => foundation.interception.finished(trace)),
    ]),
    lookup,
    say,
    folders,
    environment,
    policy: () => running?.walk.settings.policy ?? policyAtStart,
    ownPages: createOwnPages(ownPages),
    isEdgePort: (port) => running?.isEdgePort(port) ?? false,
    serveInside: (socket, outer, authority) => listener.serveInside(socket, outer, authority),
  });
  let onStateChange: () => void = () => undefined;
  const inUse = startRunning(config, folderOf(configPath), { foundation, say, onEdgeStart: () => onStateChange() });
  running = inUse;
  const listener = createListener({
    clock,
    observer: foundation.observer,
    limits,
    clients: {
      enters: (address) => inUse.walk.access.enters(address),
      leaves: (address) => inUse.walk.access.leaves(address),
    },
    begin: (kind, connection, firstOctetAt) => beginTrace(kind, foundation.nextId(), connection, firstOctetAt),
    walk: (arrival) => inUse.walk.walk(arrival),
    connect: (trace, message, socket, early) => inUse.walk.connect(trace, message, socket, early),
    upgrade: (arrival, socket, early) => inUse.walk.upgrade(arrival, socket, early),
    socks: (socket) => inUse.walk.socks(socket),
    refuse: refuseSocket,
  });
  const edge = () => inUse.walk.settings.edges.inUse;
  let isDraining = false;
  let configuration = configurationOf(configPath, clock);
  const readiness = (): Readiness => {
    const edgeState = edge()?.state() ?? 'none';
    return {
      ready: !isDraining && (edgeState === 'none' || edgeState === 'ready'),
      agent: isDraining ? 'draining' : 'listening',
      edge: edgeState,
      configuration: configuration.problem === undefined ? 'current' : 'last-good',
    };
  };
  const control = createControl({
    clock,
    recent,
    open,
    readiness,
    configuration: () => configuration,
    pac: () => pacPage(ownPages, authorityAt(hostFromHere(hosts[0] as string), port)),
    cache: {
      ...foundation.caches,
      counts: counted.counts,
      byRule: (request) => inUse.walk.cacheByRule(request),
    },
    rules: {
      rules: () => inUse.walk.settings.config.rules,
      counted: countedRules,
      lists: foundation.lists.counts,
      pools: () => inUse.walk.pools.states(),
      transforms: countedTransforms.counts,
      clients: () => inUse.walk.access.counts(),
    },
    intercept: {
      section: () => inUse.walk.settings.config.intercept,
      passedThrough: foundation.interception.passedThrough,
    },
    token: foundation.controlToken,
  });
  const closeAll = async () => {
    control.close();
    control.closeAllConnections();
    await inUse.close();
    await foundation.close();
  };
  let closed: Promise<void> | undefined;
  /** Once, though a second signal comes while a first one's closing goes on. */
  const close = () => {
    closed ??= closeAll();
    return closed;
  };
  try {
    port = await listener.listen(hosts, config.listen.port);
    controlPort = await listening(control, '127.0.0.1', config.listen.controlPort);
    foundation.listening();
  } catch (cause) {
    listener.stop();
    await close();
    throw cause;
  }
  return {
    port,
    controlPort,
    state: () => {
      const edgePid = inUse.walk.settings.edges.named('embedded')?.processId();
      return {
        pid: process.pid,
        host: config.listen.host,
        port,
        controlPort,
        controlToken: foundation.controlToken,
        ...(edgePid !== undefined && { edgePid }),
      };
    },
    edgeChecked: edgeInWords(edge()),
    onStateChange: (listener) => {
      onStateChange = listener;
    },
    reload: async (wanted, path) => {
      const reloaded = await inUse.reload(wanted, folderOf(path));
      configuration = configurationAfter(configuration, reloaded, path, clock);
      onStateChange();
      return reloaded;
    },
    keptConfiguration: (problem) => {
      configuration = { ...configuration, problem };
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

function statusOf(version: string, { ready, agent, edge }: Readiness, inUse: Edge | undefined): OwnStatus {
  const kind = inUse === undefined ? 'none' : inUse.embedded ? 'embedded' : 'deployed';
  return { version, ready, agent, edge: { kind, state: edge } };
}

/** Paths count from the file, or from where the agent was started. */
function folderOf(configPath: string | undefined): string {
  return configPath === undefined ? process.cwd() : dirname(configPath);
}

function configurationAfter(
  before: ConfigurationState,
  reloaded: Reloaded,
  path: string | undefined,
  clock: Clock,
): ConfigurationState {
  if (reloaded.kind === 'refused') return { ...before, problem: reloaded.because };
  if (reloaded.kind === 'applied') return { ...configurationOf(path, clock), later: reloaded.later };
  const { problem: _solved, ...rest } = before;
  return rest;
}

function configurationOf(path: string | undefined, clock: Clock): ConfigurationState {
  const loadedAt = isoMicroseconds(clock.wallTime(clock.now()));
  return { ...(path !== undefined && { path }), loadedAt, later: [] };
}
