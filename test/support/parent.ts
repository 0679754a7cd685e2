// Parent proxies on loopback, of HTTP and of SOCKS5: they note what they are asked and do what the test wants.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificate.ts';

export interface Parent extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
  /** What was asked for, in turn: the heads of requests without their last empty line, or `host:port` by SOCKS. */
  readonly asked: readonly string[];
}

/** Answers one head. `octets` that came behind it are still to be read from the socket. */
export type AnswerHead = (head: string, socket: Socket) => void | Promise<void>;

/** Starts an HTTP parent that gives the head of each connection's first request to `answer`. */
export function startHttpParent(answer: AnswerHead, tls?: Certificate): Promise<Parent> {
  return startParent(async (socket, asked) => {
    const head = await taken(socket, (octets) => {
      const end = octets.indexOf('\r\n\r\n');
      return end < 0 ? undefined : end + 4;
    });
    asked.push(head.toString('latin1').slice(0, -4));
    await answer(asked.at(-1) as string, socket);
  }, tls);
}

/** An answer that opens a tunnel to a port of this machine, wherever it was to lead. `greeting` is the parent's reply. */
export function tunnelTo(port: number, greeting = 'HTTP/1.1 200 Connection established\r\n\r\n'): AnswerHead {
  return (_head, socket) => join(socket, port, Buffer.from(greeting, 'latin1'));
}

export interface SocksOptions {
  /** `user:password`; without it nothing is asked. */
  readonly credentials?: string;
  /** The port of this machine that stands for a destination, or the reply that refuses it. */
  readonly destination: (asked: string) => { readonly port: number } | { readonly reply: number };
}

/** Starts a SOCKS5 parent. */
export function startSocksParent({ credentials, destination }: SocksOptions): Promise<Parent> {
  return startParent(async (socket, asked) => {
    const [, , ...methods] = await taken(socket, (octets) => whole(octets, 2 + (octets[1] ?? Number.NaN)));
    const method = credentials === undefined ? 0 : 2;
    if (!methods.includes(method)) return void socket.end(Buffer.of(5, 0xff));
    socket.write(Buffer.of(5, method));
    if (credentials !== undefined) {
      const octets = await taken(socket, (all) => {
        const passwordAt = 2 + (all[1] ?? Number.NaN);
        return whole(all, passwordAt + 1 + (all[passwordAt] ?? Number.NaN));
      });
      const user = octets.subarray(2, 2 + (octets[1] as number)).toString();
      const password = octets.subarray(3 + user.length).toString();
      if (`${user}:${password}` !== credentials) return void socket.end(Buffer.of(1, 1));
      socket.write(Buffer.of(1, 0));
    }
    const request = await taken(socket, (all) => {
      const length = all[3] === 1 ? 10 : all[3] === 4 ? 22 : 7 + (all[4] ?? Number.NaN);
      return whole(all, length);
    });
    asked.push(`${hostIn(request)}:${request.readUInt16BE(request.length - 2)}`);
    const where = destination(asked.at(-1) as string);
    if ('reply' in where) return void socket.end(Buffer.of(5, where.reply, 0, 1, 0, 0, 0, 0, 0, 0));
    await join(socket, where.port, Buffer.of(5, 0, 0, 3, 2, 0x61, 0x62, 0, 0)); // bound to a name, as few are
  });
}

function hostIn(request: Buffer): string {
  const octets = request.subarray(4, -2);
  if (request[3] === 1) return octets.join('.');
  if (request[3] === 3) return octets.subarray(1).toString();
  return `[${octets.toString('hex').replace(/(....)(?=.)/g, '$1:')}]`;
}

function whole(octets: Buffer, length: number): number | undefined {
  return octets.length >= length ? length : undefined;
}

async function startParent(
  serve: (socket: Socket, asked: string[]) => Promise<void>,
  tls?: Certificate,
): Promise<Parent> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  let connections = 0;
  const accept = (socket: Socket) => void serve(socket, asked).catch(() => socket.destroy());
  const options = { allowHalfOpen: true, noDelay: true };
  const server = tls === undefined ? createServer(options, accept) : createTlsServer({ ...options, ...tls }, accept);
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    asked,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Takes as many octets as `measure` says, once it says a number; the rest stays in the socket. */
function taken(socket: Socket, measure: (octets: Buffer) => number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let octets = Buffer.alloc(0);
    const left = () => reject(new Error('the client left'));
    const read = () => {
      for (let piece = socket.read(); piece !== null; piece = socket.read()) octets = Buffer.concat([octets, piece]);
      const length = measure(octets);
      if (length === undefined) return;
      socket.off('readable', read).off('close', left).off('end', left);
      if (octets.length > length) socket.unshift(octets.subarray(length));
      resolve(octets.subarray(0, length));
    };
    socket.on('readable', read).once('close', left).once('end', left);
  });
}

/** Joins a client to a port of this machine, both ways with ends and resets, after a greeting in one segment with what comes. */
async function join(client: Socket, port: number, greeting: Buffer): Promise<void> {
  const destination = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(destination, 'connect');
  client.write(greeting);
  for (const [one, other] of [
    [client, destination],
    [destination, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
    one.pipe(other);
  }
}
