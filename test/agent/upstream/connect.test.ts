// Connections as clients get them: the socket, TLS that is verified whatever happens, and the protocol that was chosen.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Connected, type Connecting, createConnect } from '../../../agent/upstream/connect.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { selfSigned } from '../../support/certificate.ts';
import { startTcp, type TcpServer } from '../../support/tcp.ts';
import { connectTo, until } from '../../support/upstream.ts';

const trusted = selfSigned('o.example', '127.0.0.1');
const others = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...others, trusted.cert]));
afterAll(() => setDefaultCACertificates(others));

describe('plain http', () => {
  test('is a socket that leads to the address', async () => {
    const server = await tcp((socket) => void socket.end('hello'));
    const { socket, ...rest } = connected(await to('http', 'o.example', server.port));
    expect(rest).toMatchObject({ protocol: 'http/1.1', address: '127.0.0.1', absoluteForm: undefined });
    expect((await once(socket, 'data')).toString()).toBe('hello');
    socket.destroy();
  });

  test('is cut by a reset', async () => {
    const { closed, accept } = closing();
    const server = await tcp(accept);
    const connection = connected(await to('http', '127.0.0.1', server.port));
    connection.cut();
    expect(await closed).toBe('ECONNRESET');
    connection.cut(); // once more is no fault
  });
});

describe('addresses', () => {
  test('are asked for with name, port and scheme, and their failure is passed on', async () => {
    const error = new ProxyError('dns_error', 'x');
    const addresses = vi.fn(async () => ({ kind: 'failed', error }) as const);
    const connect = createConnect({ dial: never, addresses, connectTimeoutMs: 1_000, allowHttp2: true });
    const failed = await connect({ scheme: 'https', host: 'o.example', port: 8443 });
    expect(failed).toEqual({ kind: 'failed', error });
    expect(addresses).toHaveBeenCalledExactlyOnceWith('o.example', 8443, 'https');
  });

  test('are what is dialled', async () => {
    const error = new ProxyError('connection_refused', 'x');
    const dial = vi.fn(async () => ({ kind: 'failed', error }) as const);
    const resolved = { kind: 'resolved', addresses: ['192.0.2.1', '192.0.2.2'] } as const;
    const connect = createConnect({ dial, addresses: async () => resolved, connectTimeoutMs: 1_000, allowHttp2: true });
    expect(await connect({ scheme: 'https', host: 'o.example', port: 443 })).toEqual({ kind: 'failed', error });
    expect(dial).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ host: 'o.example', port: 443, scheme: 'https', addresses: resolved.addresses }),
    );
  });
});

describe('TLS', () => {
  test.each([
    ['o.example', 'o.example'],
    ['127.0.0.1', false],
  ])('to %s is for that host, whose name is told: %s', async (host, servername) => {
    const server = await tls({ ...trusted });
    const { socket, protocol, address } = connected(await to('https', host, server.port));
    expect([protocol, address]).toEqual(['http/1.1', '127.0.0.1']);
    expect((socket as TLSSocket).authorized).toBe(true);
    await until(() => server.sockets.length === 1);
    expect(server.sockets[0]?.servername).toBe(servername);
    socket.destroy();
  });

  test.each([
    ['nobody trusts', 'o.example', selfSigned('o.example')],
    ['is for another name', 'other.example', trusted],
    ['is for a name above', 'www.o.example', trusted],
    ['is for another address', '127.0.0.2', trusted],
  ])('H21: a certificate that %s is refused, whatever the environment says', async (_, host, certificate) => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await tls({ ...certificate });
    expect(failure(await to('https', host, server.port))).toMatchObject({ type: 'tls_certificate_error', status: 502 });
    await until(() => server.open() === 0);
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['speaks another protocol', (socket) => void socket.write('220 mail.example\r\n'), 'tls_protocol_error'],
    ['answers in HTTP', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'tls_protocol_error'],
    ['ends', (socket) => void socket.end(), 'connection_terminated'],
    ['resets', (socket) => void socket.resetAndDestroy(), 'connection_terminated'],
  ])('with who %s is none', async (_, act, type) => {
    const server = await tcp((socket) => void socket.once('data', () => act(socket)));
    expect(failure(await to('https', 'o.example', server.port)).type).toBe(type);
  });

  test('of a version that nobody should speak is none', async () => {
    const server = await tls({ ...trusted, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
    expect(failure(await to('https', 'o.example', server.port)).type).toBe('tls_protocol_error');
  });

  test('that is not agreed on within connectTimeoutMs is given up, and nothing is left', async () => {
    const { closed, accept } = closing();
    const server = await tcp(accept);
    const connect = connectTo(['127.0.0.1'], true, 20);
    const error = failure(await connect({ scheme: 'https', host: 'o.example', port: server.port }));
    expect(error).toMatchObject({ type: 'connection_timeout', status: 504 });
    expect(await closed).toBe('ECONNRESET');
  });

  test('is cut by a reset of the connection below', async () => {
    const server = await tls({ ...trusted });
    const connection = connected(await to('https', 'o.example', server.port));
    await until(() => server.sockets.length === 1);
    const failed = once(server.sockets[0] as TLSSocket, 'error');
    const closed = once(connection.socket, 'close');
    connection.cut();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    await closed;
  });

  test('may be cut as soon as it is there, of which Node died', async () => {
    const server = await tls({ ...trusted });
    for (let i = 0; i < 5; i++) {
      const connection = connected(await to('https', 'o.example', server.port));
      const closed = once(connection.socket, 'close');
      connection.cut();
      await closed;
    }
  });

  test('I03: that fails while nobody uses it disturbs nobody', async () => {
    const server = await tls({ ...trusted });
    const { socket } = connected(await to('https', 'o.example', server.port));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await until(() => server.sockets.length === 1);
    server.raw[0]?.resetAndDestroy();
    socket.resume();
    await closed;
  });
});

describe('the protocol', () => {
  test.each([
    ['h2, where it is allowed and known', true, ['h2', 'http/1.1'], 'h2', ['h2', 'http/1.1']],
    ['HTTP/1.1, where HTTP/2 is not known', true, ['http/1.1'], 'http/1.1', ['h2', 'http/1.1']],
    ['HTTP/1.1, where nothing is chosen', true, undefined, 'http/1.1', undefined],
    ['HTTP/1.1, where HTTP/2 is not allowed', false, ['h2', 'http/1.1'], 'http/1.1', ['http/1.1']],
  ])('is %s', async (_, allowHttp2, known, protocol, offered) => {
    let heard: readonly string[] | undefined;
    const server = await tls({
      ...trusted,
      ...(known !== undefined && {
        ALPNCallback: ({ protocols }) => {
          heard = protocols;
          return protocols.find((each) => known.includes(each));
        },
      }),
    });
    const connection = connected(await to('https', 'o.example', server.port, allowHttp2));
    expect([connection.protocol, heard]).toEqual([protocol, offered]);
    connection.socket.destroy();
  });

  test('with who knows none that we speak is an error', async () => {
    const server = await tls({ ...trusted, ALPNProtocols: ['acme-tls/1'] });
    expect(failure(await to('https', 'o.example', server.port)).type).toBe('tls_protocol_error');
  });
});

const never = () => Promise.reject(new Error('dialled'));

function to(scheme: 'http' | 'https', host: string, port: number, allowHttp2 = true): Promise<Connecting> {
  return connectTo(['127.0.0.1'], allowHttp2)({ scheme, host, port });
}

function connected(connecting: Connecting): Connected {
  if (connecting.kind === 'failed') throw connecting.error;
  const { socket } = connecting.connected;
  onTestFinished(() => void socket.destroy());
  return connecting.connected;
}

function failure(connecting: Connecting): ProxyError {
  if (connecting.kind === 'failed') return connecting.error;
  connecting.connected.cut();
  throw new Error('it was connected');
}

async function tcp(accept: (socket: Socket) => void): Promise<TcpServer> {
  const server = await startTcp(accept);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** How a connection that says nothing is ended by the other side. */
function closing() {
  const { promise, resolve } = Promise.withResolvers<string>();
  return {
    closed: promise,
    accept: (socket: Socket) => {
      socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
      socket.on('end', () => resolve('end')).resume();
    },
  };
}

async function tls(options: TlsOptions) {
  const sockets: TLSSocket[] = [];
  const raw: Socket[] = [];
  const open = new Set<Socket>();
  const server = createServer(options, (socket) => void sockets.push(socket.on('error', () => undefined)));
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    raw.push(socket.on('error', () => undefined));
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of raw) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets, raw, open: () => open.size };
}
