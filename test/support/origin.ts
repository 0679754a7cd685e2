// An origin server on loopback that records requests octet for octet and answers whatever octets the test writes.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface Origin extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** In the order in which their heads came, over all connections. */
  readonly requests: readonly OriginRequest[];
  /** How many connections have been accepted, also those on which nothing was asked. */
  readonly connections: number;
  /** The request of this number, counted from 1, as soon as its head has come. */
  received(number: number): Promise<OriginRequest>;
}

/** All texts are Latin-1: each character is one octet. */
export interface OriginRequest {
  /** Request line and field lines, without the empty line that ends them. */
  readonly head: string;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The values of a field, line by line. */
  values(name: string): string[];
  /** The content without its framing. Rejects when the connection ends before it. */
  readonly content: Promise<Buffer>;
  /** Every octet of the request until now, framing and all. */
  readonly octets: string;
}

/** Called when a head has come, before the content. What it throws is thrown again when the origin is disposed. */
export type Answer = (request: OriginRequest, socket: Socket) => void | Promise<void>;

export interface OriginOptions {
  /** Key and certificate as PEM: the origin then speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Starts an origin on a free port. Connections are kept unless the answer ends them. */
export async function startOrigin(answer: Answer, { tls }: OriginOptions = {}): Promise<Origin> {
  const sockets = new Set<Socket>();
  const requests: OriginRequest[] = [];
  const waiting = new Map<number, PromiseWithResolvers<OriginRequest>>();
  const failures: unknown[] = [];
  let connections = 0;
  const onRequest = (request: OriginRequest, socket: Socket) => {
    waiting.get(requests.push(request))?.resolve(request);
    void (async () => answer(request, socket))().catch((failure) => {
      failures.push(failure);
      socket.destroy();
    });
  };
  const server = tls === undefined ? createServer(read) : createTlsServer(tls, read);
  function read(socket: Socket): void {
    void readRequests(socket, onRequest);
  }
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get connections() {
      return connections;
    },
    received: async (number) => {
      const request = requests[number - 1];
      if (request !== undefined) return request;
      const expected = waiting.get(number) ?? Promise.withResolvers<OriginRequest>();
      waiting.set(number, expected);
      return expected.promise;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((closed) => server.close(closed));
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** A message: its head's lines, the empty line, and the content. Texts are Latin-1. */
export function message(lines: readonly string[], content: string | Uint8Array = ''): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), octetsOf(content)]);
}

/** One chunk of chunked content; without argument the last one. RFC 9112 7.1. */
export function chunk(content: string | Uint8Array = ''): Buffer {
  const octets = octetsOf(content);
  return Buffer.concat([Buffer.from(`${octets.length.toString(16)}\r\n`), octets, Buffer.from('\r\n')]);
}

function octetsOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
}

/** Reads one request after the other from a connection, until it ends. */
async function readRequests(socket: Socket, onRequest: Answer): Promise<void> {
  socket.on('error', () => undefined);
  const input = new Input(socket);
  for (;;) {
    const start = input.taken;
    const head = await input.line('\r\n\r\n').catch(() => undefined);
    if (head === undefined) return;
    const [requestLine = '', ...fieldLines] = head.split('\r\n');
    const [method = '', target = ''] = requestLine.split(' ');
    const fields = fieldLines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
    const values = (name: string) => fields.flatMap(([n, value]) => (n.toLowerCase() === name ? [value] : []));
    const content = readContent(input, values);
    content.catch(() => undefined); // an answer need not look at the content
    let end: number | undefined;
    void onRequest(
      {
        head,
        method,
        target,
        fields,
        values,
        content,
        get octets() {
          return input.octets.subarray(start, end).toString('latin1');
        },
      },
      socket,
    );
    const isWhole = await content.then(
      () => true,
      () => false,
    );
    if (!isWhole) return;
    end = input.taken;
  }
}

async function readContent(input: Input, values: (name: string) => string[]): Promise<Buffer> {
  if (values('transfer-encoding').length === 0) return input.take(Number(values('content-length')[0] ?? 0));
  const parts: Buffer[] = [];
  for (;;) {
    const octets = Number.parseInt(await input.line('\r\n'), 16);
    if (octets === 0) break;
    parts.push(await input.take(octets));
    await input.line('\r\n');
  }
  while ((await input.line('\r\n')) !== ''); // trailers
  return Buffer.concat(parts);
}

/** All that has come on a connection, and how much of it has been read. All is kept: for requests of a few MiB. */
class Input {
  octets = Buffer.alloc(0);
  taken = 0;
  #isEnded = false;
  #wake = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    socket.on('data', (octets) => {
      this.octets = Buffer.concat([this.octets, octets as Buffer]);
      this.#stir();
    });
    const end = () => {
      this.#isEnded = true;
      this.#stir();
    };
    socket.on('end', end).on('close', end);
  }

  /** The text before `ending`, which is read as well. */
  async line(ending: string): Promise<string> {
    let end = this.octets.indexOf(ending, this.taken);
    while (end < 0) {
      await this.#more();
      end = this.octets.indexOf(ending, this.taken);
    }
    const text = this.octets.subarray(this.taken, end).toString('latin1');
    this.taken = end + ending.length;
    return text;
  }

  async take(octets: number): Promise<Buffer> {
    while (this.octets.length - this.taken < octets) await this.#more();
    this.taken += octets;
    return this.octets.subarray(this.taken - octets, this.taken);
  }

  #more(): Promise<void> {
    return this.#isEnded ? Promise.reject(new Error('the connection ended')) : this.#wake.promise;
  }

  #stir(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
