// Lets a server listen.
import type { AddressInfo, Server } from 'node:net';

/** Resolves with the port, which 0 lets the system choose; rejects with what the system says. */
export function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
