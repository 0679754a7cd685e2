// A TCP server on loopback that does with each connection what the test wants.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface TcpServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

/**
 * Starts a server on a loopback address, on a free port unless one is given. Connections stay half-open when the other
 * side ends.
 */
export async function startTcp(accept: (socket: Socket) => void, host = '127.0.0.1', port = 0): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    accept(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens at this moment. */
export async function closedPort(): Promise<number> {
  const server = await startTcp(() => undefined);
  await server[Symbol.asyncDispose]();
  return server.port;
}
