// What lives as long as the agent, whatever becomes of its configuration: names, addresses, connections, caches.
import { randomBytes } from 'node:crypto';
import type { DestinationPolicy } from '../http/destination.ts';
import type { PassingHop } from '../http/privacy.ts';
import { hopName } from '../http/via.ts';
import type { Config } from '../schemas/config.ts';
import { type Caches, type Folders, openCaches } from './caches.ts';
import { createClientPseudonym } from './client-pseudonym.ts';
import type { Clock } from './clock.ts';
import { createInterception, type Interception } from './interception.ts';
import { createListFetch } from './lists/list-fetch.ts';
import { type Lists, openLists } from './lists/lists.ts';
import { machineName } from './machine/machine.ts';
import { isOwnAddress } from './own-ports.ts';
import { createTargetClients, type TargetClients } from './pools/target-clients.ts';
import { admitDestination, type DestinationPorts } from './proxy/admit/destination.ts';
import { createResolver, type Lookup } from './proxy/admit/resolver.ts';
import type { OwnPages } from './proxy/apply/own-answer.ts';
import { createShaping, type Shaping } from './proxy/apply/shaping.ts';
import type { Connection, Observer, UpstreamClient } from './proxy/ports.ts';
import { beginTrace } from './proxy/trace.ts';
import { checkedAddresses } from './upstream/checked-lookup.ts';
import { createUpstreamClient } from './upstream/client.ts';
import { createConnect } from './upstream/connect.ts';
import { createDial, type Dial } from './upstream/dial.ts';
import { parentRules, unlessLeftToParent } from './upstream/parents.ts';
import { createParents } from './upstream/parents-in-use.ts';

export interface FoundationPorts {
  /** That of the start. */
  readonly config: Config;
  /** From which its paths count. */
  readonly configFolder: string;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly lookup: Lookup;
  readonly say: (sentence: string) => void;
  readonly folders: Folders;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the configuration in force. */
  readonly policy: () => DestinationPolicy;
  /** What edgehop shows of itself to who asks through it. */
  readonly ownPages: OwnPages;
  /** Whether an edge that runs listens on this local port. */
  readonly isEdgePort: (port: number) => boolean;
  /** Serves what is inside of a TLS connection that was ended here. */
  readonly serveInside: Interception['serve'];
}

type Addresses = ReturnType<typeof unlessLeftToParent>;

export interface Foundation {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: Config['limits'];
  readonly pseudonym: string;
  /** Of the records of this run. */
  readonly nextId: () => string;
  readonly destinations: Omit<DestinationPorts, 'edge' | 'policy'>;
  readonly dial: Dial;
  /** Of what the agent dials itself: judged at the moment of dialling. */
  readonly addresses: Addresses;
  /** Of edges, which nobody judges: they are configured. */
  readonly edgeAddresses: Addresses;
  readonly direct: UpstreamClient;
  readonly caches: Caches;
  readonly hop: Omit<PassingHop, 'privacy'>;
  readonly shaping: Shaping;
  readonly ownPages: OwnPages;
  /** Those of the configuration in force. */
  readonly lists: Lists;
  /** What reaches the targets of pools. */
  readonly targetClients: TargetClients;
  /** What the verbs of this machine show to the control port, and to the proxy where that asks for credentials. */
  readonly controlToken: string;
  readonly interception: Interception;
  /** Called once edgehop listens. */
  listening(): void;
  close(): Promise<void>;
}

export async function layFoundation(ports: FoundationPorts): Promise<Foundation> {
  const { config, configFolder, clock, observer, lookup, say, folders, environment } = ports;
  const { policy, ownPages, isEdgePort, serveInside } = ports;
  const { limits } = config;
  const run = randomBytes(4).toString('hex');
  const pseudonym = `${hopName}-${run}`;
  const resolve = createResolver(lookup, clock, limits);
  const isOwn = (address: string, port: number) => isOwnAddress(address, port, isEdgePort);
  const parents = createParents({ rules: parentRules(config.parents, environment), resolve, isOwn, pseudonym, say });
  const dial = createDial(limits, parents);
  const addresses = unlessLeftToParent(parents, checkedAddresses(resolve, policy));
  const direct = createUpstreamClient({
    ...limits,
    maxConnections: limits.maxOriginConnections,
    keepAliveTimeoutMs: limits.originKeepAliveTimeoutMs,
    connect: createConnect({ dial, addresses, connectTimeoutMs: limits.connectTimeoutMs, allowHttp2: true }),
  });
  const caches = await openCaches({ config: config.cache, clock, folders, say });
  const targetClients = createTargetClients({ resolve, isOwn, limits });
  const destinations = { resolve, isOwn, parentOf: parents.of };
  const lists = await openLists({
    config: config.lists,
    configFolder,
    cacheFolder: folders.cache,
    fetch: createListFetch({
      client: direct,
      limits,
      judge: async (destination) =>
        admitDestination(
          { ...destinations, policy, edge: 'none' },
          { ...destination, purpose: 'exchange' },
          beginTrace('exchange', '', nobody, clock.now()),
        ),
    }),
    clock,
    say,
  });
  let count = 0;
  return {
    clock,
    observer,
    limits,
    pseudonym,
    nextId: () => `${run}-${++count}`,
    destinations,
    dial,
    addresses,
    edgeAddresses: unlessLeftToParent(parents, resolve),
    direct,
    caches,
    hop: { pseudonym, machine: machineName(), clientPseudonym: createClientPseudonym() },
    shaping: createShaping({ clock, limits }),
    ownPages,
    targetClients,
    lists,
    interception: createInterception({
      ...ports,
      limits,
      stateFolder: folders.state,
      serve: serveInside,
      connect: createConnect({
        dial: (target) => dial({ ...target, scheme: 'tunnel' }),
        addresses: (host, port) => addresses(host, port, 'tunnel'),
        connectTimeoutMs: limits.connectTimeoutMs,
        allowHttp2: false,
      }),
    }),
    controlToken: randomBytes(32).toString('base64url'),
    listening: parents.listening,
    close: async () => {
      lists.close();
      await Promise.all([direct.close(), targetClients.close()]);
      await caches.close();
    },
  };
}

/** Lists are fetched for no client. */
const nobody: Connection = { number: 0, address: '127.0.0.1', port: 0, acceptedAt: 0 };
