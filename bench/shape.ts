// `npm run bench:shape`: whether simulated networks are as they were asked for: rates within 5 %, latencies within 5 ms.
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import type { ShapeSettings } from '../schemas/shape.ts';
import { startEdgehop } from './edgehop.ts';
import { startOrigin } from './own-servers.ts';
import { endingSignal, temporaryFolder } from './place.ts';

const rates = [50_000, 5_000_000];
const latencies = [40, 400];
const maxRateError = 0.05;
const maxLatencyErrorMs = 5;
const pieceBytes = 64 * 1024;

type Way = 'exchange' | 'tunnel';
type Direction = 'down' | 'up';

interface Measured {
  readonly what: string;
  readonly asked: string;
  readonly measured: string;
  readonly error: string;
  readonly isWithin: boolean;
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
process.exitCode = await main(Number(values.seconds), endingSignal());

/** Each measurement lasts so many seconds. Answers with the exit code. */
async function main(seconds: number, signal: AbortSignal): Promise<number> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const origin = cleanUp.use(await startOrigin(folder, signal));
  const shapes: readonly ShapeSettings[] = [
    {},
    ...rates.map((rate) => ({ downBytesPerSecond: rate, upBytesPerSecond: rate })),
    ...latencies.map((latencyMs) => ({ latencyMs })),
  ];
  // A rule knows of a tunnel its port alone: each network has one.
  const ports = await Promise.all(shapes.map(() => measuredOrigin(cleanUp)));
  const rules = shapes.flatMap((shape, at) =>
    Object.keys(shape).length === 0 ? [] : [{ when: { port: ports[at] }, then: { shape } }],
  );
  const edgehop = await startEdgehop('edgehop-quiet', { folder, originPort: origin.port, signal }, { rules });
  cleanUp.use(edgehop);
  const proxy = edgehop.request.port;
  const portOf = (shape: Partial<ShapeSettings>) =>
    ports[
      shapes.findIndex((each) => Object.entries(shape).every(([key, value]) => each[key as 'latencyMs'] === value))
    ] as number;
  const plain = ports[0] as number;
  const all: Measured[] = [];
  const note = (measured: Measured) => {
    all.push(measured);
    const { what, asked, error, isWithin } = measured;
    console.log(
      `${what.padEnd(16)} asked ${asked.padStart(14)}   measured ${measured.measured.padStart(14)}   off by ${error.padStart(9)}   ${isWithin ? 'within' : 'BEYOND'}`,
    );
  };
  console.log(
    `Simulated networks, ${seconds} s each: rates within ${maxRateError * 100} %, latencies within ${maxLatencyErrorMs} ms`,
  );
  for (const way of ['exchange', 'tunnel'] as const) {
    for (const direction of ['down', 'up'] as const) {
      for (const rate of rates) {
        signal.throwIfAborted();
        const target = { proxy, port: portOf({ downBytesPerSecond: rate }), way };
        note(ofRate(`${way} ${direction}`, rate, await measuredRate(target, direction, rate * seconds)));
      }
    }
    for (const latencyMs of latencies) {
      signal.throwIfAborted();
      const without = await medianRoundTrip({ proxy, port: plain, way }, Math.min(1, seconds));
      const withIt = await medianRoundTrip({ proxy, port: portOf({ latencyMs }), way }, seconds);
      note(ofLatency(`${way} latency`, latencyMs, withIt - without));
    }
  }
  return all.every(({ isWithin }) => isWithin) ? 0 : 1;
}

function ofRate(what: string, asked: number, measured: number): Measured {
  const error = measured / asked - 1;
  return {
    what,
    asked: `${asked} B/s`,
    measured: `${measured.toFixed(0)} B/s`,
    error: `${(error * 100).toFixed(2)} %`,
    isWithin: Math.abs(error) <= maxRateError,
  };
}

function ofLatency(what: string, asked: number, measured: number): Measured {
  const error = measured - asked;
  return {
    what,
    asked: `${asked} ms`,
    measured: `${measured.toFixed(2)} ms`,
    error: `${error.toFixed(2)} ms`,
    isWithin: Math.abs(error) <= maxLatencyErrorMs,
  };
}

/** Gives `/octets` that are asked for by their number, and says how many milliseconds a request's content took. */
async function measuredOrigin(cleanUp: AsyncDisposableStack): Promise<number> {
  const server = createServer((message, reply) => {
    if (message.method === 'POST') {
      const startedAt = performance.now();
      message.resume().once('end', () => reply.end(String(performance.now() - startedAt)));
      return;
    }
    let left = Number(message.url?.slice(1));
    reply.writeHead(200, { 'content-length': left });
    const piece = Buffer.alloc(pieceBytes);
    const write = () => {
      while (left > 0) {
        const octets = Math.min(left, pieceBytes);
        left -= octets;
        if (!reply.write(piece.subarray(0, octets))) return reply.once('drain', write);
      }
      return reply.end();
    };
    write();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanUp.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

interface Target {
  readonly proxy: number;
  readonly port: number;
  readonly way: Way;
}

/** Octets a second, from the head of the message on, as they arrive. */
async function measuredRate(target: Target, direction: Direction, octets: number): Promise<number> {
  const connection = await connected(target);
  try {
    if (direction === 'down') {
      const response = await responseTo(target, connection, 'GET', `/${octets}`);
      const startedAt = performance.now();
      await once(response.resume(), 'end');
      return octets / ((performance.now() - startedAt) / 1_000);
    }
    const response = await responseTo(target, connection, 'POST', '/', octets);
    return octets / (Number(await textOf(response)) / 1_000);
  } finally {
    connection.destroy();
  }
}

/** Milliseconds from a request to the head of its response, one after the other over one connection. */
async function medianRoundTrip(target: Target, seconds: number): Promise<number> {
  const connection = await connected(target);
  const took: number[] = [];
  try {
    for (const until = performance.now() + seconds * 1_000; performance.now() < until; ) {
      const startedAt = performance.now();
      const response = await responseTo(target, connection, 'GET', '/0');
      took.push(performance.now() - startedAt);
      await textOf(response);
    }
  } finally {
    connection.destroy();
  }
  return took.sort((one, other) => one - other)[Math.floor(took.length / 2)] ?? Number.NaN;
}

/** A connection to the proxy, or through a tunnel of it. */
async function connected({ proxy, port, way }: Target): Promise<Socket> {
  const socket = connect({ port: proxy, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (way === 'exchange') return socket;
  socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!/^HTTP\/1\.1 200 .*\r\n\r\n$/s.test(head.toString('latin1'))) throw new Error(`no tunnel: ${head}`);
  return socket;
}

async function responseTo(
  { port, way }: Target,
  connection: Socket,
  method: 'GET' | 'POST',
  path: string,
  octets = 0,
): Promise<IncomingMessage> {
  const options: RequestOptions = {
    method,
    path: way === 'exchange' ? `http://127.0.0.1:${port}${path}` : path,
    headers: { host: `127.0.0.1:${port}`, connection: 'keep-alive', ...(octets > 0 && { 'content-length': octets }) },
    createConnection: () => connection,
  };
  const request = httpRequest(options);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  const piece = Buffer.alloc(pieceBytes);
  for (let left = octets; left > 0; left -= pieceBytes) {
    if (!request.write(piece.subarray(0, Math.min(left, pieceBytes)))) await once(request, 'drain');
  }
  request.end();
  const [response] = await answered;
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of response) text += piece;
  return text;
}
