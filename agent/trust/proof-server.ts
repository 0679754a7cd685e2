// A TLS server on loopback with a leaf of the authority, and a client that trusts what it is told: by them, trust is proved.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import type { Issuer } from './certificate.ts';
import { createLeaves } from './leaves.ts';
import type { Handshake } from './stores/told.ts';

export interface ProofServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server for `localhost` that answers every client with a word. `wallTime`: milliseconds since 1970. */
export async function startProofServer(authority: Issuer, wallTime: () => number): Promise<ProofServer> {
  const leaves = createLeaves({ authority: async () => authority, wallTime, maxLeaves: 1 });
  const context = await leaves.contextFor('localhost');
  // The leaf is chosen before the handshake: not every client names the server in it.
  const server = createServer((connection) => {
    const socket = new TLSSocket(connection, { isServer: true, secureContext: context });
    socket.on('error', () => undefined); // it is the client that says what is wrong
    socket.on('secure', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** The client. */
export const shakeHands: Handshake = (port, trusted) =>
  new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: trusted,
      rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
      timeout: handshakeTimeoutMs,
    });
    socket.once('secureConnect', () => {
      socket.destroy();
      resolve({ result: 'trusted' });
    });
    socket.once('timeout', () => socket.destroy(new Error('it took too long')));
    socket.once('error', (cause: NodeJS.ErrnoException) =>
      resolve({ result: 'not-trusted', because: cause.code ?? cause.message }),
    );
  });

const handshakeTimeoutMs = 10_000;
