// What stands before a deployed worker: TLS, HTTP/2 or HTTP/1.1, and a relay to the worker's own socket.
import { once } from 'node:events';
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface Front extends AsyncDisposable {
  readonly url: string;
  /** The protocol of each request that came, as ALPN negotiated it. */
  readonly protocols: readonly string[];
  /** Every octet that came, decrypted: heads as text, content as it is. */
  readonly received: () => string;
}

/** Forwards to `target` what comes over TLS. */
export async function startFront(
  protocol: 'h2' | 'http/1.1',
  target: string,
  certificate: Certificate,
): Promise<Front> {
  const protocols: string[] = [];
  const sockets = new Set<Socket>();
  let received = '';
  const relay = (request: IncomingMessage | Http2ServerRequest, reply: ServerResponse | Http2ServerResponse) => {
    protocols.push((request.socket as { alpnProtocol?: string }).alpnProtocol || 'http/1.1');
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !/^(:|connection$)/.test(name)),
    );
    received += `${request.method} ${request.url} ${JSON.stringify(headers)}\n`;
    const cut = () =>
      void (protocol === 'h2' ? (reply as Http2ServerResponse).stream.close(2) : request.socket.destroy());
    const upstream = forward(target + request.url, {
      method: request.method ?? 'GET',
      headers,
      maxHeaderSize: 256 * 1024,
    });
    upstream.on('error', cut);
    upstream.on('response', (response) => {
      const fields = Object.fromEntries(
        Object.entries(response.headers).filter(
          ([name]) => !['connection', 'keep-alive', 'transfer-encoding'].includes(name),
        ),
      );
      (reply as ServerResponse).writeHead(response.statusCode ?? 502, fields);
      response.on('error', cut);
      response.pipe(reply as ServerResponse);
    });
    reply.on('close', () => upstream.destroy());
    request.on('data', (octets: Buffer) => {
      received += octets.toString('latin1');
    });
    request.pipe(upstream);
  };
  const limits = { ...certificate, maxHeaderSize: 256 * 1024, settings: { maxHeaderListSize: 256 * 1024 } };
  const server = protocol === 'h2' ? createSecureServer({ ...limits, allowHTTP1: false }) : createServer(limits);
  server.on('request', relay);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('sessionError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as { port: number }).port}`,
    protocols,
    received: () => received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
