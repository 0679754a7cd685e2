// The way to origins as the platform gives it: the network under the embedded edge's policy, or Cloudflare's.
import type { Env } from '../env.ts';

/** Begins a connection. Throws a TypeError for a host of characters that the platform does not take. */
export type Connect = (address: SocketAddress, options: SocketOptions) => Socket;

export interface Network {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly connect: () => Promise<Connect>;
  /**
   * Whether this is the embedded edge: its fetch takes hosts that are addresses, of which a deployed worker's says error
   * 1003, and it is told which addresses have been checked.
   */
  readonly isEmbedded: boolean;
}

/** The network of this worker. The embedded edge's holds its policy in `connect` as in `fetch`. */
export function networkOf({ UPSTREAM }: Env): Network {
  if (UPSTREAM === undefined) {
    return {
      fetch: (url, init) => fetch(url, init),
      connect: async () => (await import('cloudflare:sockets')).connect, // unknown outside of workerd
      isEmbedded: false,
    };
  }
  return {
    fetch: (url, init) => UPSTREAM.fetch(url, init),
    connect: async () => (address, options) => UPSTREAM.connect(address, options),
    isEmbedded: true,
  };
}
