// Listeners that nobody may reach: they note every connection, and where it was meant to go.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export interface Canaries extends AsyncDisposable {
  /** The addresses and ports that were reached since this was last asked: `127.0.0.1:80`, `[::1]:80`. */
  taken(): Promise<string[]>;
}

/** Listens on every address of this machine on each port. Whoever comes is answered in HTTP and sent away. */
export async function startCanaries(ports: readonly number[]): Promise<Canaries> {
  const sockets = new Set<Socket>();
  let reached: string[] = [];
  const servers: Server[] = [];
  for (const port of ports) {
    const server = createServer((socket) => {
      const address = (socket.localAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
      reached.push(`${address.includes(':') ? `[${address}]` : address}:${port}`);
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
      socket.end('HTTP/1.1 200 Canary\r\nConnection: close\r\nContent-Length: 6\r\n\r\ncanary');
    });
    server.listen({ port, host: '::' });
    await once(server, 'listening');
    servers.push(server);
  }
  return {
    taken: async () => {
      await new Promise((resolve) => setImmediate(resolve)); // what has been accepted is told in this turn
      const taken = reached;
      reached = [];
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
