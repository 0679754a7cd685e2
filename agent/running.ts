// The walk in use, and those before it: a reload puts a new one in its place, and what is going on ends as it began.
import { type DestinationException, type DestinationPolicy, parseException } from '../http/destination.ts';
import { ProxyError } from '../http/proxy-error.ts';
import type { Config } from '../schemas/config.ts';
import { listenHosts } from './access/listen-hosts.ts';
import { connectEdges, edgeInWords, type OwnedEdges, tunnelsInWords } from './edge/edges.ts';
import type { Foundation } from './foundation.ts';
import { createWalk, type Settings, type Walk } from './walk.ts';

export interface RunningPorts {
  readonly foundation: Foundation;
  /** Says a sentence to the person at the terminal. */
  readonly say: (sentence: string) => void;
  /** An embedded edge runs anew, in another process. */
  readonly onEdgeStart: () => void;
}

export type Reloaded =
  /** `later`: keys that have changed and are heeded only from the next start on. */
  | { readonly kind: 'applied'; readonly later: readonly string[] }
  | { readonly kind: 'unchanged' }
  /** A sentence. Everything is as it was. */
  | { readonly kind: 'refused'; readonly because: string };

export interface Running {
  /** What carries whatever arrives now. */
  readonly walk: Walk;
  /** Whether an edge that still carries something listens on this local port. Asked for each request: no list is made. */
  isEdgePort(port: number): boolean;
  /**
   * Puts another configuration in force. Exchanges and tunnels that go on end by the one that they began with.
   * `folder`: from which its paths count.
   */
  reload(config: Config, folder: string): Promise<Reloaded>;
  /** Ends the edges. */
  close(): Promise<void>;
}

/** Walks whose edges are kept for exchanges that do not end, though nothing else uses them. For one more those of the oldest end. */
const maxRetiredWalks = 4;

/** Puts a configuration in force. Throws a ProxyError of type `proxy_configuration_error` where it cannot be. */
export function startRunning(config: Config, folder: string, ports: RunningPorts): Running {
  const { foundation, say, onEdgeStart } = ports;
  const { limits, dial, edgeAddresses } = foundation;
  const make = (wanted: Config, from: string, previous?: OwnedEdges): Settings => {
    const policy = policyOf(wanted);
    const edgePorts = { config: wanted, policy, limits, dial, addresses: edgeAddresses, say, onStart: onEdgeStart };
    return { config: wanted, folder: from, policy, edges: connectEdges(edgePorts, previous) };
  };
  const begin = (settings: Settings, previous?: Walk): Walk => {
    const walk = createWalk(foundation, settings, previous);
    const notice = tunnelsInWords(settings.config.rules);
    if (notice !== undefined) say(notice);
    const { all, inUse } = settings.edges;
    const known = new Set(previous === undefined ? [inUse] : previous.settings.edges.all.values()); // the start says of its own
    for (const edge of all.values()) if (!known.has(edge)) void edgeInWords(edge).then(say);
    return walk;
  };
  let walk = orDisposed(make(config, folder), begin);
  let wantedLast = JSON.stringify([config, folder]);
  let retired: readonly Walk[] = [];
  /** Those that a reload is about to put in use. */
  let coming: OwnedEdges | undefined;
  let isClosed = false;
  /** Reloads come one after the other. */
  let turn: Promise<unknown> = Promise.resolve();

  const living = () => {
    const all = [walk, ...retired].map(({ settings }) => settings.edges);
    return new Set((coming === undefined ? all : [...all, coming]).flatMap((edges) => [...edges.all.values()]));
  };
  const disposeUnused = ({ all }: OwnedEdges) => {
    const used = living();
    for (const edge of all.values()) if (!isClosed && !used.has(edge)) void edge[Symbol.asyncDispose]();
  };
  const end = (ended: Walk) => {
    if (!retired.includes(ended)) return;
    retired = retired.filter((each) => each !== ended);
    disposeUnused(ended.settings.edges);
  };
  const retire = (old: Walk) => {
    old.retire();
    retired = [...retired, old];
    old.onIdle(() => end(old));
    const inUse = new Set(walk.settings.edges.all.values());
    const keeping = retired.filter(({ settings }) => [...settings.edges.all.values()].some((edge) => !inUse.has(edge)));
    const [oldest] = keeping;
    if (keeping.length <= maxRetiredWalks || oldest === undefined) return;
    say(`exchanges of ${maxRetiredWalks + 1} configurations go on: those of the oldest are ended`);
    end(oldest);
  };
  const reload = async (wanted: Config, from: string): Promise<Reloaded> => {
    const text = JSON.stringify([wanted, from]);
    if (text === wantedLast) return { kind: 'unchanged' };
    const { config: before, edges: edgesBefore } = walk.settings;
    const { taken, later } = withoutRestart(before, wanted);
    listenHosts(taken); // who listens on the network must not lose what keeps strangers out
    const settings = make(taken, from, edgesBefore);
    coming = settings.edges;
    const { inUse } = settings.edges;
    try {
      const ready = inUse === edgesBefore.inUse ? undefined : await inUse?.ready();
      if (ready?.kind === 'unavailable') return { kind: 'refused', because: ready.error.message };
      const old = walk;
      const next = begin(settings, old);
      await foundation.lists.reload(taken.lists, from);
      if (isClosed) {
        next.retire();
        return { kind: 'refused', because: 'The agent is stopping.' };
      }
      walk = next;
      wantedLast = text;
      retire(old);
      return { kind: 'applied', later };
    } finally {
      coming = undefined;
      disposeUnused(settings.edges);
    }
  };
  return {
    get walk() {
      return walk;
    },
    isEdgePort: (port) =>
      hasPort(walk.settings.edges, port) ||
      (coming !== undefined && hasPort(coming, port)) ||
      retired.some(({ settings }) => hasPort(settings.edges, port)),
    reload: (wanted, from) => {
      const reloaded = turn.then(() => reload(wanted, from)).catch(refusal);
      turn = reloaded;
      return reloaded;
    },
    close: async () => {
      isClosed = true;
      walk.retire();
      await Promise.all([...living()].map((edge) => edge[Symbol.asyncDispose]()));
    },
  };
}

function hasPort({ all }: OwnedEdges, port: number): boolean {
  for (const edge of all.values()) if (edge.ports().includes(port)) return true;
  return false;
}

/** What was connected for a walk that cannot be is given up again. */
function orDisposed(settings: Settings, begin: (settings: Settings) => Walk): Walk {
  try {
    return begin(settings);
  } catch (cause) {
    for (const edge of settings.edges.all.values()) void edge[Symbol.asyncDispose]();
    throw cause;
  }
}

function refusal(cause: unknown): Reloaded {
  if (!(cause instanceof ProxyError))
    return { kind: 'refused', because: `edgehop failed on it, which is a bug: ${cause}` };
  const { message, advice } = cause;
  return { kind: 'refused', because: advice === undefined ? message : `${message} ${advice}` };
}

/** Sections that are heeded at the start only. */
const atStart = ['listen', 'cache', 'limits', 'parents', 'trust'] as const;

function withoutRestart(before: Config, wanted: Config): { readonly taken: Config; readonly later: string[] } {
  const later = atStart.flatMap((section) => changedKeys(section, before[section], wanted[section]));
  const { listen, cache, limits, parents, trust } = before;
  return { taken: { ...wanted, listen, cache, limits, parents, trust }, later };
}

function changedKeys(key: string, before: unknown, wanted: unknown): string[] {
  if (!isSection(before) || !isSection(wanted)) return JSON.stringify(before) === JSON.stringify(wanted) ? [] : [key];
  const names = new Set([...Object.keys(before), ...Object.keys(wanted)]);
  return [...names].flatMap((name) => changedKeys(`${key}.${name}`, before[name], wanted[name]));
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What destinations a configuration allows. Throws a ProxyError where it names one that is none. */
export function policyOf({ admit }: Config): DestinationPolicy {
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
