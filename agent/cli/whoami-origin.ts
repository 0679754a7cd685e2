// An origin of our own on loopback that notes what it receives, and a client that asks through a proxy with given fields.
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { type Field, type Fields, fieldsFromFlat } from '../../http/fields.ts';

export interface Received {
  readonly address: string;
  readonly httpVersion: string;
  readonly requestTarget: string;
  readonly fields: readonly Field[];
}

export interface WhoamiOrigin extends AsyncDisposable {
  readonly url: URL;
  /** What has been received since this was last asked. */
  taken(): readonly Received[];
}

/** Listens on a free port of 127.0.0.1. To be started ahead of an agent of this process, which dials nothing of its own. */
export async function startOrigin(): Promise<WhoamiOrigin> {
  let received: Received[] = [];
  const server = createServer((request, reply) => {
    request.on('error', () => undefined);
    reply.on('error', () => undefined);
    received.push({
      address: request.socket.remoteAddress ?? '',
      httpVersion: request.httpVersion,
      requestTarget: request.url ?? '',
      fields: fieldsFromFlat(request.rawHeaders),
    });
    reply.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end('seen\n');
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  return {
    url: new URL(`http://127.0.0.1:${port}/whoami`),
    taken: () => {
      const taken = received;
      received = [];
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

export type Asked =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly type: string | undefined;
      /** The content; nothing where it is too large, or in a coding that is not known. */
      readonly text: string | undefined;
    }
  | { readonly kind: 'failed'; readonly because: string };

const maxContentBytes = 64 * 1024;
const timeoutMs = 60_000;

/** GETs a URL through a proxy of this machine with exactly these fields, unless it is given up. Never rejects. */
export function askThrough(proxyPort: number, url: URL, fields: Fields, signal: AbortSignal): Promise<Asked> {
  return new Promise((resolve) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port: proxyPort,
      path: url.href,
      agent: false,
      setHost: false,
      signal,
      headers: fields.flat(),
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`nothing came within ${timeoutMs} ms`)));
    request.on('error', ({ message }) => resolve({ kind: 'failed', because: message }));
    request.once('response', async (response) => {
      const { statusCode = 0, headers } = response;
      const content = await contentOf(response).catch(() => undefined);
      const type = headers['content-type'];
      resolve({ kind: 'answered', status: statusCode, type, text: content && textOf(content, headers) });
    });
    request.end();
  });
}

async function contentOf(response: IncomingMessage): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let octets = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    octets += piece.length;
    if (octets > maxContentBytes) return undefined; // ends the response, too
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const options = { maxOutputLength: maxContentBytes };

function textOf(content: Buffer, headers: IncomingMessage['headers']): string | undefined {
  try {
    switch (headers['content-encoding']) {
      case undefined:
        return content.toString('utf8');
      case 'gzip':
        return gunzipSync(content, options).toString('utf8');
      case 'deflate':
        return inflateSync(content, options).toString('utf8');
      case 'br':
        return brotliDecompressSync(content, options).toString('utf8');
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
