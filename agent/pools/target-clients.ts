// What reaches the targets of pools: their own addresses, which the owner of this machine has named, and never ourselves.
import { ProxyError } from '../../http/proxy-error.ts';
import type { Config } from '../../schemas/config.ts';
import type { Resolution, Resolve, UpstreamClient } from '../proxy/ports.ts';
import { addressesOf } from '../upstream/checked-lookup.ts';
import { createUpstreamClient } from '../upstream/client.ts';
import { type Connecting, createConnect, type OriginAddress } from '../upstream/connect.ts';
import { createDial } from '../upstream/dial.ts';
import { noParents } from '../upstream/parents.ts';

export interface TargetClientPorts {
  readonly resolve: Resolve;
  /** Whether this is an address and port that edgehop itself listens on. */
  readonly isOwn: (address: string, port: number) => boolean;
  readonly limits: Config['limits'];
}

export interface TargetClients {
  readonly exchanges: UpstreamClient;
  /** Its connections are its own: a target whose connections are all in use is asked all the same. */
  readonly checks: UpstreamClient;
  /** Connects for one use, such as a WebSocket. The signal gives it up. */
  readonly connect: (origin: OriginAddress, signal: AbortSignal) => Promise<Connecting>;
  close(): Promise<void>;
}

/** Checks follow each other: this many go on at one target only while a configuration is reloaded. */
const maxCheckConnections = 4;

/** Without a parent proxy, whatever the environment says: a target is named by where it is. */
export function createTargetClients({ resolve, isOwn, limits }: TargetClientPorts): TargetClients {
  const dial = createDial(limits, noParents);
  const { connectTimeoutMs } = limits;
  const addresses = targetAddresses(resolve, isOwn);
  const client = (maxConnections: number) =>
    createUpstreamClient({
      ...limits,
      maxConnections,
      keepAliveTimeoutMs: limits.originKeepAliveTimeoutMs,
      connect: createConnect({ dial, addresses, connectTimeoutMs, allowHttp2: true }),
    });
  const exchanges = client(limits.maxOriginConnections);
  const checks = client(maxCheckConnections);
  return {
    exchanges,
    checks,
    connect: (origin, signal) =>
      createConnect({
        dial: (target) => dial({ ...target, signal }),
        addresses,
        connectTimeoutMs,
        allowHttp2: false,
      })(origin),
    close: async () => {
      await Promise.all([exchanges.close(), checks.close()]);
    },
  };
}

/** Every address of a target, judged at the moment of dialling. */
function targetAddresses(
  resolve: Resolve,
  isOwn: TargetClientPorts['isOwn'],
): (host: string, port: number) => Promise<Resolution> {
  return async (host, port) => {
    const resolution = await addressesOf(resolve, host);
    if (resolution.kind === 'failed') return resolution;
    if (!resolution.addresses.some((address) => isOwn(address, port))) return resolution;
    const error = new ProxyError('destination_ip_prohibited', 'The target of the pool is edgehop itself.', {
      status: 502,
      advice: 'Name another address or port in pools in edgehop.jsonc.',
    });
    return { kind: 'failed', error };
  };
}
