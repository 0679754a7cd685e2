// The agent's HTTP client as tests use it: connections to loopback, a plain request, and what came of it.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Content, UpstreamAnswer, UpstreamClient, UpstreamRequest } from '../../agent/proxy/ports.ts';
import { type ClientOptions, createUpstreamClient } from '../../agent/upstream/client.ts';
import { type Connect, createConnect } from '../../agent/upstream/connect.ts';
import { createDial } from '../../agent/upstream/dial.ts';
import { noParents } from '../../agent/upstream/parents.ts';
import type { Fields } from '../../http/fields.ts';
import { type Answer, type Origin, type OriginOptions, startOrigin } from './origin.ts';

export const clientLimits = {
  maxConnections: 8,
  maxIdleOriginConnections: 1_000,
  maxHeadBytes: 8 * 1024,
  maxFields: 100,
  maxInterimResponses: 10,
  keepAliveTimeoutMs: 60_000,
} satisfies Partial<ClientOptions>;

/** A client that ends with the test. */
export function clientFor(parts: Partial<ClientOptions> = {}): UpstreamClient {
  const client = createUpstreamClient({ ...clientLimits, connect: connectTo(['127.0.0.1']), ...parts });
  onTestFinished(() => client.close());
  return client;
}

/** Connects to these addresses whatever the name is. `tlsTimeoutMs`: for TLS to be agreed on. */
export function connectTo(addresses: readonly string[], allowHttp2 = false, tlsTimeoutMs = 5_000): Connect {
  return createConnect({
    dial: createDial({ connectTimeoutMs: 5_000, maxSocketBufferBytes: 65_536 }, noParents),
    addresses: async () => ({ kind: 'resolved', addresses }),
    connectTimeoutMs: tlsTimeoutMs,
    allowHttp2,
  });
}

/** Connects to a server of HTTP/2 that has no TLS. */
export const connectHttp2: Connect = async ({ port }) => {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const cut = () => void socket.resetAndDestroy();
  return {
    kind: 'connected',
    connected: { socket, protocol: 'h2', address: '127.0.0.1', absoluteForm: undefined, cut },
  };
};

/** `GET /` that nobody leaves. */
export function requestTo(origin: string, parts: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'GET',
    path: '/',
    fields: [],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: 10_000,
    idleTimeoutMs: 10_000,
    maxOctetsHeld: 65_536,
    onLeave: () => undefined,
    ...parts,
  };
}

/** A client that leaves when it is told to. */
export function leaver(): Pick<UpstreamRequest, 'onLeave'> & { readonly leave: () => void; readonly heard: number } {
  const listeners: (() => void)[] = [];
  return {
    onLeave: (cancel) => void listeners.push(cancel),
    leave: () => {
      for (const cancel of listeners) cancel();
    },
    get heard() {
      return listeners.length;
    },
  };
}

/** An origin that ends with the test. */
export async function originFor(answer: Answer, options?: OriginOptions): Promise<Origin> {
  const origin = await startOrigin(answer, options);
  onTestFinished(() => origin[Symbol.asyncDispose]());
  return origin;
}

export type Response = Extract<UpstreamAnswer, { kind: 'response' }>;

export function responseOf(answer: UpstreamAnswer): Response {
  if (answer.kind === 'failed') throw answer.error;
  return answer;
}

export interface Received {
  /** Each character is one octet. */
  readonly octets: string;
  /** `end`, or the type of the error. */
  readonly ending: string;
  readonly trailers: Fields;
}

/** The content of a response, when it has come to its end or has failed. */
export function contentOf(answer: UpstreamAnswer): Promise<Received> {
  return drained(responseOf(answer).content);
}

/** Content, when it has come to its end or has failed. Calls at each octet taken. */
export function drained(content: Content, onOctets: (octets: Buffer) => void = () => undefined): Promise<Received> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const done = (ending: string, trailers: Fields = []) =>
      resolve({ octets: Buffer.concat(pieces).toString('latin1'), ending, trailers });
    content.flow({
      write: (piece) => {
        pieces.push(piece);
        onOctets(piece);
        return true;
      },
      end: (trailers) => done('end', trailers),
      fail: ({ type }) => done(type),
    });
  });
}

/** Sends a request, and gives the status and the content of its answer, or the error's type. */
export async function fetched(client: UpstreamClient, request: UpstreamRequest): Promise<string> {
  const answer = await client.send(request);
  if (answer.kind === 'failed') return `${answer.progress} ${answer.error.type}`;
  const { octets, ending } = await contentOf(answer);
  return `${answer.status} ${octets}${ending === 'end' ? '' : ` ${ending}`}`;
}

/** Resolves when it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}
