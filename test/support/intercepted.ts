// An agent that intercepts, origins that it trusts, and clients that trust it: over CONNECT, by HTTP/1.1 or HTTP/2.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { onTestFinished, vi } from 'vitest';
import { startTestAgent, type TestAgent, type TestAgentOptions } from './agent.ts';
import { type Client, connectClient } from './client.ts';
import { octetsOf, readResponse } from './messages.ts';
import { startTcp } from './tcp.ts';

export interface Intercepting extends TestAgent {
  /** The certificate of its authority, as soon as there is one. */
  authority(): string;
  readonly folder: string;
}

/** An agent for this test that intercepts these hosts. It ends with the test. */
export async function startIntercepting(
  { edge = 'none', config, ...options }: Partial<TestAgentOptions> = {},
  hosts: readonly string[] = ['localhost', '127.0.0.1'],
): Promise<Intercepting> {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-intercept-'));
  const intercept = { hosts: [...hosts], ...config?.intercept };
  const agent = await startTestAgent({ edge, folder, ...options, config: { ...config, intercept } });
  onTestFinished(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const path = join(folder, 'state', 'authority', 'edgehop-ca.pem');
  await vi.waitUntil(() => existsSync(path)); // made in the background
  return Object.assign(agent, { folder, authority: () => readFileSync(path, 'utf8') });
}

/** A tunnel to the host and port, open. */
export async function connectTunnel(
  proxyPort: number,
  authority: string,
  fields: readonly string[] = [],
): Promise<Client> {
  const client = await connectClient(proxyPort);
  onTestFinished(() => void client.socket.destroy());
  client.sendHead(`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...fields);
  const head = (await client.octets.until('\r\n\r\n'))?.toString('latin1');
  if (!head?.startsWith('HTTP/1.1 200 ')) throw new Error(`no tunnel but ${head}`);
  return client;
}

/** TLS through a tunnel. Rejects with what is wrong. The octets that came before must have been read. */
export async function secureTunnel(
  agent: Intercepting,
  authority: string,
  options: ConnectionOptions = {},
  fields: readonly string[] = [],
): Promise<TLSSocket> {
  const client = await connectTunnel(agent.port, authority, fields);
  client.socket.removeAllListeners('data');
  const host = authority.replace(/:\d+$/, '');
  const name = /^[\d.]+$|^\[/.test(host) ? {} : { servername: host };
  return new Promise((resolve, reject) => {
    const socket = connect({ socket: client.socket, ca: agent.authority(), host, ...name, ...options });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed within the handshake')));
  });
}

/** A client that speaks HTTP/1.1 inside. */
export async function connectInside(
  agent: Intercepting,
  authority: string,
  options: ConnectionOptions = {},
  fields: readonly string[] = [],
) {
  const socket = await secureTunnel(agent, authority, options, fields);
  const octets = octetsOf(socket);
  return {
    socket,
    octets,
    send: (text: string | Buffer) => void socket.write(text),
    get: (path: string, ...fields: string[]) =>
      void socket.write(`${[`GET ${path} HTTP/1.1`, `Host: ${authority}`, ...fields].join('\r\n')}\r\n\r\n`),
    response: (method?: string) => readResponse(octets, method),
    ended: octets.ended,
  };
}

/** A client that speaks HTTP/2 inside. */
export async function sessionInside(agent: Intercepting, authority: string): Promise<ClientHttp2Session> {
  const socket = await secureTunnel(agent, authority, { ALPNProtocols: ['h2'] });
  if (socket.alpnProtocol !== 'h2') throw new Error(`not HTTP/2 but ${socket.alpnProtocol}`);
  const session = connectHttp2(`https://${authority}`, { createConnection: () => socket });
  onTestFinished(() => session.destroy());
  return session;
}

/** What a client says first that wants TLS 1.2 with this host. */
export async function clientHello(servername: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  await using server = await startTcp((socket) => void socket.once('data', resolve));
  const client = connect({ port: server.port, servername, maxVersion: 'TLSv1.2' }).on('error', () => undefined);
  const hello = await promise;
  client.destroy();
  return hello;
}

/** Shakes hands until the certificate has come, and says in an alert that its issuer is not known. RFC 5246 7.2.2. */
export async function rejectCertificate(agent: { readonly port: number }, authority: string): Promise<void> {
  const client = await connectTunnel(agent.port, authority);
  client.send(await clientHello(authority.replace(/:\d+$/, '')));
  await client.octets.exactly(100);
  client.send(Buffer.of(0x15, 3, 3, 0, 2, 2, 0x30));
  await client.ended;
  client.socket.destroy();
}
