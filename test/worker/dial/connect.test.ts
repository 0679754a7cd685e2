// Connections of the edge's own: to checked addresses only, under workerd's network policy, verified, and not waited for without end.
import { connect as connectTcp, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestEnvelope } from '../../../schemas/relay.ts';
import { selfSigned } from '../../support/certificate.ts';
import {
  envelopeFor,
  exchange,
  failureOf,
  responseOf,
  startDeployedEdge,
  startEmbeddedEdge,
  type TestEdge,
} from '../../support/edge.ts';
import { message, startOrigin } from '../../support/origin.ts';
import { startHttpParent, tunnelTo } from '../../support/parent.ts';
import { startSilentPort } from '../../support/silent-port.ts';
import { closedPort, startTcp } from '../../support/tcp.ts';

const certificate = selfSigned('127.0.0.1', 'localhost');
const hello = message(['HTTP/1.1 200 OK', 'Content-Length: 5'], 'hello');
const { limits } = envelopeFor('http://o.example/');

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEmbeddedEdge({ trusted: certificate.cert });
});
afterAll(() => edge[Symbol.asyncDispose]());

const bySocket = (url: string, parts: Partial<RequestEnvelope> = {}) =>
  exchange(edge.direct, envelopeFor(url, { upstream: 'socket', ...parts }));

describe('addresses', () => {
  test('C03: those that were checked are dialled, whatever the name may lead to now', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    const reply = await bySocket(`http://nothing.invalid:${origin.port}/a`, { addresses: ['127.0.0.1'] });
    expect(reply.content.toString()).toBe('hello');
    expect(responseOf(reply).upstream?.address).toBe('127.0.0.1');
    expect(origin.requests[0]?.values('host')).toEqual([`nothing.invalid:${origin.port}`]);
  });

  test('the next one is tried when one refuses', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.1'];
    const reply = await bySocket(`http://nothing.invalid:${origin.port}/`, { addresses });
    expect(responseOf(reply).upstream?.address).toBe('127.0.0.1');
    expect(origin.connections).toBe(1);
  });

  test('RFC 8305: the next one is tried when one is silent, and the first that accepts is used', async () => {
    await using silent = await startSilentPort();
    await using server = await startTcp((socket) => void socket.end(hello), '127.0.0.2', silent.port);
    const addresses = ['127.0.0.1', '127.0.0.2'];
    const reply = await bySocket(`http://nothing.invalid:${silent.port}/`, { addresses });
    expect(responseOf(reply).upstream?.address).toBe('127.0.0.2');
    expect(server.connections).toBe(1);
  });

  test('without them the platform looks the name up', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    const { upstream } = responseOf(await bySocket(`http://localhost:${origin.port}/`));
    expect(upstream).toMatchObject({ kind: 'socket' });
    expect(upstream).not.toHaveProperty('address');
  });

  test.each([
    ['private', ['8.8.8.8', '127.0.0.1'], 'destination_ip_prohibited', 403],
    ['metadata', ['169.254.169.254'], 'destination_ip_prohibited', 403],
    ['written otherwise', ['0127.0.0.1'], 'http_request_denied', 400],
    ['no address', ['localhost'], 'http_request_denied', 400],
  ])('C10: one that is %s is refused by the edge itself', async (_, addresses, type, status) => {
    await using strict = await startEmbeddedEdge({ policy: { allowPrivate: false, exceptions: [] } });
    await using origin = await startOrigin(() => undefined);
    const envelope = envelopeFor(`http://o.example:${origin.port}/`, { upstream: 'socket', addresses });
    expect(failureOf(await exchange(strict.direct, envelope)).error).toMatchObject({ type, status });
    expect(origin.connections).toBe(0);
  });

  test('C11: the edge itself is not dialled by its address', async () => {
    const { port } = new URL(edge.direct);
    const reply = await bySocket(`http://o.example:${port}/v1/hello`, { addresses: ['127.0.0.1'] });
    expect(failureOf(reply).error.type).toBe('proxy_loop_detected');
  });
});

describe("workerd's network policy holds for connections too", () => {
  const name = { kind: 'name', name: 'localhost', port: undefined } as const;

  test.each([
    ['refuses what leads to a private address', [name], false],
    ['lets pass what is excepted', [name, { kind: 'range', range: '127.0.0.1', port: undefined } as const], true],
  ])('and %s', async (_, exceptions, isReached) => {
    await using guarded = await startEmbeddedEdge({ policy: { allowPrivate: false, exceptions } });
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    // The worker lets the name pass. Where it leads is workerd's to judge.
    const reply = await exchange(
      guarded.direct,
      envelopeFor(`http://localhost:${origin.port}/`, { upstream: 'socket' }),
    );
    if (isReached) expect(responseOf(reply).status).toBe(200);
    else expect(failureOf(reply).error).toMatchObject({ type: 'destination_unavailable', status: 502 });
    expect(origin.connections).toBe(isReached ? 1 : 0);
  });
});

describe('TLS', () => {
  test.each([
    ['an address', '127.0.0.1'],
    ['a name', 'localhost'],
  ])('is verified for %s, and timed', async (_, host) => {
    const servers: unknown[] = [];
    await using origin = await startOrigin(
      (_, socket) => {
        servers.push((socket as TLSSocket).servername);
        socket.write(hello);
      },
      { tls: certificate },
    );
    // Certificates are verified for what is dialled, so with TLS that is the host, whatever addresses are named.
    const reply = await bySocket(`https://${host}:${origin.port}/`, { addresses: ['127.0.0.2'] });
    expect(reply.content.toString()).toBe('hello');
    expect(responseOf(reply).upstream).toMatchObject({ connectMs: expect.any(Number), tls: true });
    expect(servers).toEqual([host]);
  });

  test.each(['fetch', 'socket'] as const)('HTTP/2 is not offered by %s', async (upstream) => {
    const chosen: unknown[] = [];
    const server = createTlsServer({ ...certificate, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
      chosen.push(socket.alpnProtocol);
      socket.on('error', () => undefined).once('data', () => socket.end(hello));
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const reply = await exchange(edge.direct, envelopeFor(`https://127.0.0.1:${port}/`, { upstream }));
    expect(reply.content.toString()).toBe('hello');
    expect(chosen).not.toContain('h2');
    server.close();
  });

  const [ofAddress, ofName] = [selfSigned('127.0.0.1'), selfSigned('localhost')];
  test.each([
    ['nobody trusts', selfSigned('127.0.0.1', 'localhost'), '127.0.0.1', undefined],
    ['is for an address and not for the name', ofAddress, 'localhost', ofAddress.cert],
    ['is for a name and not for the address', ofName, '127.0.0.1', ofName.cert],
  ])('with a certificate that %s is refused', async (_, presented, host, trusted) => {
    await using trusting = await startEmbeddedEdge(trusted === undefined ? {} : { trusted });
    await using origin = await startOrigin(() => undefined, { tls: presented });
    const envelope = envelopeFor(`https://${host}:${origin.port}/`, { upstream: 'socket' });
    const failure = failureOf(await exchange(trusting.direct, envelope));
    // The platform says no more; the agent finds out why.
    expect(failure).toMatchObject({ error: { type: 'destination_unavailable', status: 502 } });
    expect(failure.upstream).not.toHaveProperty('connectMs');
    expect(origin.requests).toEqual([]);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['does not speak it', (socket) => void socket.end('220 hello\r\n')],
    ['resets', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
  ])('with whoever %s fails', async (_, answer) => {
    await using server = await startTcp(answer);
    expect(failureOf(await bySocket(`https://127.0.0.1:${server.port}/`)).error).toMatchObject({
      type: 'destination_unavailable',
      status: 502,
    });
  });

  test('lets nothing in that came before it, as if it had come by it', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello), { tls: certificate });
    const evil = message(['HTTP/1.1 200 OK', 'Content-Length: 4'], 'evil');
    await using middle = await startTcp((client) => {
      const server = connectTcp({ port: origin.port, host: '127.0.0.1', allowHalfOpen: true });
      client.write(evil); // in clear, by somebody on the way, who then lets TLS pass
      client.pipe(server).on('error', () => client.destroy());
      server.pipe(client);
    });
    for (let i = 0; i < 10; i++) {
      const reply = await bySocket(`https://127.0.0.1:${middle.port}/`);
      expect(failureOf(reply).error.type).toBe('destination_unavailable');
    }
    expect(origin.requests).toEqual([]);
  });

  test('that ends without saying so leaves content that ends with it cut', async () => {
    const server = createTlsServer(certificate);
    const raw: { destroy(): void }[] = [];
    server.on('connection', (socket) => void raw.push(socket));
    server.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhello', () => {
          for (const each of raw) each.destroy();
        });
      });
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const reply = await bySocket(`https://127.0.0.1:${port}/`);
    expect(reply.content.toString()).toContain('"type":"http_response_incomplete"');
    server.close();
  });
});

describe('the connect deadline', () => {
  const parts = { limits: { ...limits, connectTimeoutMs: 400 } };

  test('ends an exchange whose origin takes no connection', async () => {
    await using silent = await startSilentPort();
    const { error, upstream } = failureOf(await bySocket(`http://127.0.0.1:${silent.port}/`, parts));
    expect(error).toMatchObject({ type: 'connection_timeout', status: 504 });
    expect(error.message).toContain('400 ms');
    expect(upstream).toEqual({ kind: 'socket', because: 'configured' });
  });

  test('ends an exchange whose origin takes it and says nothing of TLS, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startTcp((socket) => {
      socket.resume().once('close', () => closed.resolve());
      socket.once('end', () => socket.end());
    });
    const { error } = failureOf(await bySocket(`https://127.0.0.1:${server.port}/`, parts));
    expect(error).toMatchObject({ type: 'connection_timeout', status: 504 });
    await closed.promise;
  });
});

test.each([
  ['nobody listens there', async () => `http://127.0.0.1:${await closedPort()}/`],
  ['the name does not exist', async () => 'http://nothing.invalid/'],
])('without words of the platform the edge says that it is unavailable: %s', async (_, url) => {
  const { error, reference } = failureOf(await bySocket(await url()));
  expect(error).toMatchObject({ type: 'destination_unavailable', status: 502 });
  expect(reference).toBeUndefined();
});

describe('as it is deployed', () => {
  test('an address is reached by a connection of its own, for fetch would get error 1003', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    await using internet = await startHttpParent(tunnelTo(origin.port));
    await using deployed = await startDeployedEdge({ internet: `127.0.0.1:${internet.port}` });
    for (const host of ['93.184.216.34', '[2606:4700::1111]']) {
      const reply = await exchange(deployed.direct, envelopeFor(`http://${host}:8080/a`));
      expect(reply.content.toString()).toBe('hello');
      const { upstream } = responseOf(reply);
      const address = host.replace(/[[\]]/g, '');
      expect(upstream).toEqual({ kind: 'socket', because: 'ip-literal', connectMs: expect.any(Number), address });
      expect(internet.asked.at(-1)).toMatch(`CONNECT ${host}:8080 HTTP/1.1`);
      expect(origin.requests.at(-1)?.values('host')).toEqual([`${host}:8080`]);
    }
  });

  test('addresses that somebody names are not heeded', async () => {
    await using origin = await startOrigin((_, socket) => void socket.write(hello));
    await using internet = await startHttpParent(tunnelTo(origin.port));
    await using deployed = await startDeployedEdge({ internet: `127.0.0.1:${internet.port}` });
    const envelope = envelopeFor('http://o.example/', { upstream: 'socket', addresses: ['93.184.216.34'] });
    responseOf(await exchange(deployed.direct, envelope));
    expect(internet.asked).toEqual([expect.stringMatching(/^CONNECT o\.example:80 /)]);
  });
});
