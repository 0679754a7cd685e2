// An agent in this process, on ports of its own, with everything that it records.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as z from 'zod';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { type Clock, machineClock } from '../../agent/clock.ts';
import { type Lookup, systemLookup } from '../../agent/proxy/admit/resolver.ts';
import type { Observer } from '../../agent/proxy/ports.ts';
import { recordOf } from '../../agent/proxy/trace.ts';
import { type Config, config } from '../../schemas/config.ts';
import { type ExchangeRecord, exchangeRecord } from '../../schemas/exchange.ts';
import { testToken } from './edge.ts';

export type EdgeKind = 'embedded' | 'embedded-socket' | 'none';

/** Both ways by which an agent on one machine reaches an origin. */
export const routes = ['embedded', 'none'] as const satisfies readonly EdgeKind[];

/** The same, and the embedded edge with a connection of its own for each exchange. */
export const upstreams = ['embedded', 'embedded-socket', 'none'] as const satisfies readonly EdgeKind[];

export interface TestAgentOptions {
  /** A deployed one is given by its URL; its token is `testToken`. */
  readonly edge: EdgeKind | `http://${string}`;
  readonly fallback?: Config['edge']['fallback'];
  readonly limits?: Partial<Config['limits']>;
  /** Ports are chosen by the system when they are not given. */
  readonly listen?: Partial<Config['listen']>;
  /** True when it is not given: origins of tests are on loopback. */
  readonly allowPrivate?: boolean;
  readonly allow?: readonly string[];
  /** What DNS answers for these names; all others are looked up by the system. */
  readonly answers?: Readonly<Record<string, readonly string[]>>;
  /** What DNS answers, instead of `answers` and the system. */
  readonly lookup?: Lookup;
  /** The environment, for parent proxies. Empty when it is not given. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly parents?: Partial<Config['parents']>;
  /** The agent's cache is in memory only when it is not given. */
  readonly cache?: CacheOptions;
  /** What else the configuration says: rules, pools, further edges and so on. The keys above come before it. */
  readonly config?: z.input<typeof config>;
  /** The file of the configuration: paths count from its folder. */
  readonly configPath?: string;
  /** That of this machine when it is not given. */
  readonly clock?: Clock;
  /** Where the agent keeps what outlives it. A folder of its own, which goes with it, when it is not given. */
  readonly folder?: string;
}

/** As in a configuration: what is not given is the default. */
export type CacheOptions = z.input<typeof config>['cache'];

export interface TestAgent extends AsyncDisposable {
  readonly agent: Agent;
  readonly port: number;
  readonly controlPort: number;
  /** Finished records, oldest first, each as its schema has it. */
  readonly records: readonly ExchangeRecord[];
  /** What the agent said to the person at the terminal. */
  readonly said: readonly string[];
  /** The first record that matches, as soon as it is finished. */
  recordWhere(matches: (record: ExchangeRecord) => boolean): Promise<ExchangeRecord>;
  /** The record of the exchange or tunnel whose URL ends so. */
  recordOf(urlEnd: string): Promise<ExchangeRecord>;
  /** Resolves when this many client connections are open. */
  active(count: number): Promise<void>;
  /** Resolves when the agent has said a sentence that matches. */
  hasSaid(sentence: RegExp): Promise<void>;
}

/** Starts an agent, and waits for its edge. */
export async function startTestAgent(options: TestAgentOptions): Promise<TestAgent> {
  const { clock = machineClock() } = options;
  const records: ExchangeRecord[] = [];
  const said: string[] = [];
  let active = 0;
  const conditions = new Set<() => void>();
  const changed = () => {
    for (const check of conditions) check();
  };
  const when = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const check = () => {
        const found = find();
        if (found === undefined) return;
        conditions.delete(check);
        resolve(found);
      };
      conditions.add(check);
      check();
    });
  const observer: Observer = {
    connectionAccepted: (_connection, count) => {
      active = count;
      changed();
    },
    connectionClosed: (_connection, _closedAt, count) => {
      active = count;
      changed();
    },
    requestReceived: () => undefined,
    requestRelayed: () => undefined,
    responseReceived: () => undefined,
    serverNamed: () => undefined,
    finished: (trace) => {
      records.push(exchangeRecord.parse(JSON.parse(JSON.stringify(recordOf(trace, clock)))));
      changed();
    },
  };
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'edgehop-test-'));
  const agent = await asAgent(() =>
    startAgent({
      config: configOf(options),
      ...(options.configPath !== undefined && { configPath: options.configPath }),
      clock,
      observer,
      environment: options.environment ?? {},
      folders: { state: join(folder, 'state'), cache: join(folder, 'cache') },
      lookup: options.lookup ?? (async (host) => options.answers?.[host] ?? systemLookup(host)),
      say: (sentence) => {
        said.push(sentence);
        changed();
      },
    }),
  );
  disownOtherServers();
  await agent.edgeChecked;
  const recordWhere = (matches: (record: ExchangeRecord) => boolean) => when(() => records.find(matches));
  return {
    agent,
    port: agent.port,
    controlPort: agent.controlPort,
    records,
    said,
    recordWhere,
    recordOf: (urlEnd) => recordWhere(({ request }) => request.url.endsWith(urlEnd)),
    active: (count) => when(() => active === count || undefined).then(() => undefined),
    hasSaid: (sentence) => when(() => said.find((each) => sentence.test(each))).then(() => undefined),
    [Symbol.asyncDispose]: async () => {
      await agent.stop();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The configuration of such an agent, for a reload. */
export function configOf(options: TestAgentOptions): Config {
  const {
    edge,
    fallback = 'direct',
    parents = {},
    limits = {},
    listen = {},
    allowPrivate = true,
    allow = [],
    cache = { agent: { diskBytes: 0 } },
  } = options;
  const isSocket = edge === 'embedded-socket';
  const others = options.config?.edge?.edges ?? [];
  const edges = edge.startsWith('http') ? [{ name: 'home', url: edge, token: testToken }, ...others] : others;
  return config.parse({
    ...options.config,
    listen: { port: 0, controlPort: 0, ...listen },
    edge: { use: isSocket ? 'embedded' : edge, edges, fallback, upstream: isSocket ? 'socket' : 'fetch' },
    parents,
    cache,
    admit: { ...options.config?.admit, destinations: { allowPrivate, allow } },
    limits,
  });
}

const starting = new AsyncLocalStorage<boolean>();
let isDisowning = false;

function asAgent<T>(start: () => T): T {
  return starting.run(true, start);
}

/**
 * The agent takes every server of its process for its own and does not dial it. Origins of tests are in this process
 * too: for the agent's book they are closed as soon as they listen.
 */
function disownOtherServers(): void {
  if (isDisowning) return;
  isDisowning = true;
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { server: Server };
    if (starting.getStore() !== true) process.nextTick(() => server.emit('close'));
  });
}
