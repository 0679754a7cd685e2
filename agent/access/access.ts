// Who may use the proxy, and how much: addresses, credentials, connections and requests of each client.
import type { Config } from '../../schemas/config.ts';
import type { AccessCounts } from '../../schemas/rules-admin.ts';
import type { Clock } from '../clock.ts';
import { type Buckets, createBuckets } from './buckets.ts';
import { clientKey, createClientList, isLoopback } from './client-list.ts';
import { createVerify, type Verdict } from './credentials.ts';

export interface AccessPorts {
  readonly admit: Pick<Config['admit'], 'clients' | 'credentials'>;
  readonly limits: Pick<Config['limits'], 'maxConnectionsPerClient' | 'maxRequestsPerSecondPerClient'>;
  readonly clock: Clock;
  /** What this machine's own verbs show in place of credentials. */
  readonly ownSecret?: string | undefined;
}

/** Addresses are as sockets tell them. */
export interface Access {
  /** Takes one more connection of a client; false where it is to be closed unread. */
  enters(address: string): boolean;
  /** A connection that has entered is closed. */
  leaves(address: string): void;
  /** Whether the lists let this client in; also asked for each request, since lists change while connections last. */
  isAllowed(address: string): boolean;
  /** Whether this client is served where nobody asks for credentials: it runs on this machine, or `allow` names it. */
  isTrusted(address: string): boolean;
  /** Takes one more request of a client; false where it has asked too often. */
  mayAsk(address: string): boolean;
  /** Judges credentials; undefined where none are asked for. */
  readonly verify: ((address: string, name: string, password: string) => Verdict | Promise<Verdict>) | undefined;
  /** What was refused since the start. */
  counts(): AccessCounts;
  /** What outlives a change of the configuration. */
  readonly memory: AccessMemory;
}

export interface AccessMemory {
  /** Open connections of each client that has one or more: no more than there are connections. */
  readonly connections: Map<string, number>;
  readonly requests: Buckets | undefined;
  readonly guesses: Buckets;
  readonly counts: { -readonly [K in keyof AccessCounts]: number };
}

/** Clients whose rates are followed at once. */
export const maxFollowedClients = 65_536;
/** Wrong passwords of one client at once, and how many more each second. */
export const guessesInReserve = 10;
const guessesPerSecond = 1;

/** `previous`: what was counted goes on. Throws a ProxyError of type `proxy_configuration_error`. */
export function createAccess({ admit, limits, clock, ownSecret }: AccessPorts, previous?: Access): Access {
  const list = createClientList(admit.clients);
  const memory = previous?.memory ?? emptyMemory(limits, clock);
  const { connections, requests, guesses, counts } = memory;
  const verify =
    admit.credentials.length === 0 ? undefined : createVerify({ config: admit.credentials, guesses, ownSecret });
  const isAllowed = (address: string) => {
    const allowed = list.isAllowed(address);
    if (!allowed) counts.denied++;
    return allowed;
  };
  return {
    enters: (address) => {
      if (!isAllowed(address)) return false;
      const client = clientKey(address);
      const open = connections.get(client) ?? 0;
      if (open >= limits.maxConnectionsPerClient) {
        counts.tooManyConnections++;
        return false;
      }
      connections.set(client, open + 1);
      return true;
    },
    leaves: (address) => {
      const client = clientKey(address);
      const open = connections.get(client) ?? 0;
      if (open > 1) connections.set(client, open - 1);
      else connections.delete(client);
    },
    isAllowed,
    isTrusted: (address) => isLoopback(address) || list.isNamed(address),
    mayAsk: (address) => {
      const may = requests?.take(clientKey(address)) !== false;
      if (!may) counts.tooManyRequests++;
      return may;
    },
    verify:
      verify &&
      ((address, name, password) => {
        const counted = (verdict: Verdict) => {
          if (verdict !== 'right') counts.wrongCredentials++;
          return verdict;
        };
        const verdict = verify(clientKey(address), name, password);
        return verdict instanceof Promise ? verdict.then(counted) : counted(verdict);
      }),
    counts: () => ({ ...counts }),
    memory,
  };
}

function emptyMemory({ maxRequestsPerSecondPerClient: perSecond }: AccessPorts['limits'], clock: Clock): AccessMemory {
  const maxClients = maxFollowedClients;
  return {
    connections: new Map(),
    requests: perSecond === 0 ? undefined : createBuckets({ perSecond, reserve: perSecond, maxClients }, clock),
    guesses: createBuckets({ perSecond: guessesPerSecond, reserve: guessesInReserve, maxClients }, clock),
    counts: { denied: 0, tooManyConnections: 0, tooManyRequests: 0, wrongCredentials: 0 },
  };
}
