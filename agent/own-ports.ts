// Which addresses and ports are edgehop's own, so that it never dials itself.
import { subscribe } from 'node:diagnostics_channel';
import type { AddressInfo, Server } from 'node:net';
import { networkInterfaces } from 'node:os';

const portsOfServers = new Map<Server, number>();

let isFollowing = false;

/** Follows every listening socket of this process from now on, those of libraries too. Called before any listens. */
export function followOwnServers(): void {
  if (isFollowing) return;
  isFollowing = true;
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { server: Server };
    const address = server.address() as AddressInfo | string | null;
    if (typeof address !== 'object' || address === null) return;
    portsOfServers.set(server, address.port);
    server.once('close', () => portsOfServers.delete(server));
  });
}

/** Whether something of this process, or one of the further ports, answers at this address and port. */
export function isOwnAddress(address: string, port: number, isFurtherPort: (port: number) => boolean): boolean {
  return (isPortOfServer(port) || isFurtherPort(port)) && isOfThisMachine(address);
}

/** Asked for each request: no list is made of them. */
function isPortOfServer(port: number): boolean {
  for (const own of portsOfServers.values()) if (own === port) return true;
  return false;
}

function isOfThisMachine(address: string): boolean {
  if (/^(127\.|0\.)/.test(address) || address === '::1' || address === '::') return true;
  return Object.values(networkInterfaces()).some((each) => each?.some((own) => own.address === address));
}
