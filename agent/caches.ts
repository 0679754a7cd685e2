// Puts the caches together: the agent's store with the phase that uses it, and the generations of the edge's.
import { join } from 'node:path';
import type { Config } from '../schemas/config.ts';
import { boundary } from './boundary.ts';
import { type Generations, openGenerations } from './cache/generations.ts';
import { openStore, type Store } from './cache/store.ts';
import type { Clock } from './clock.ts';
import { type CachePorts, cacheBounds } from './proxy/cache/bounds.ts';
import { createCached, createShared } from './proxy/cache/cached.ts';
import type { Observer, Ports, Trace } from './proxy/ports.ts';
import { beginTrace } from './proxy/trace.ts';

export interface CachesPorts {
  readonly config: Config['cache'];
  readonly clock: Clock;
  readonly folders: Folders;
  readonly say: (sentence: string) => void;
}

/** Where things are kept that outlive the agent. */
export interface Folders {
  readonly state: string;
  readonly cache: string;
}

export interface Caches {
  /** Undefined where the agent's cache is off. */
  readonly store: Store | undefined;
  readonly generations: Generations;
  /** The generations that an edge is told; undefined where its cache is off. */
  readonly generation: (isEdgeEmbedded: boolean) => Generations['of'] | undefined;
  /** The phase of the walk. `nextId`: of the records of what no client waits for. */
  phase(
    ports: { readonly observer: Observer; readonly nextId: () => string } & Pick<CachePorts, 'canTransform'>,
  ): Ports['cached'];
  close(): Promise<void>;
}

export async function openCaches({ config, clock, folders, say }: CachesPorts): Promise<Caches> {
  const generations = openGenerations({
    file: join(folders.state, 'generations.json'),
    wallTime: () => clock.wallTime(clock.now()),
  });
  const store = config.agent === false ? undefined : await openStore({ ...config.agent, folder: folders.cache, say });
  const shared = createShared({ clock, bounds: cacheBounds });
  return {
    store,
    generations,
    generation: (isEdgeEmbedded) => (edgeCaches(config, isEdgeEmbedded) ? generations.of : undefined),
    phase: ({ observer, nextId, canTransform }) => {
      if (store === undefined) return (forward) => forward;
      const begin = (trace: Trace) => beginFor(trace, nextId(), clock);
      return createCached({ clock, observer, store, begin, boundary, bounds: cacheBounds, shared, canTransform });
    },
    close: async () => store?.close(),
  };
}

/** Behind the agent's own cache, on the same machine, an edge would only hold the same again. */
function edgeCaches({ agent, edge }: Config['cache'], isEdgeEmbedded: boolean): boolean {
  return edge === 'auto' ? !isEdgeEmbedded || agent === false : edge === 'on';
}

/** The record of what is done for the sake of an exchange, but not for its client. */
function beginFor(trace: Trace, id: string, clock: Clock): Trace {
  const { connection, method, url, httpVersion, host, port, address, addressKnownBy, rules, rewrittenUrl, log } = trace;
  const now = clock.now();
  const quiet = beginTrace('exchange', id, connection, now);
  quiet.stamps['request-received'] = now;
  const asked = { method, url, httpVersion, host, port, address, addressKnownBy };
  return Object.assign(quiet, asked, { rules, rewrittenUrl, log });
}
