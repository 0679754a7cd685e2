// Records of tunnels, as the log and the control port show them: while they are open, and how they were closed.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenExchanges, openExchanges } from '../../schemas/api.ts';
import { exchangeRecord, type TunnelClose } from '../../schemas/exchange.ts';
import { startTestAgent, type TestAgent } from '../support/agent.ts';
import { selfSigned } from '../support/certificate.ts';
import { type Client, connectClient } from '../support/client.ts';
import { octetsOf } from '../support/messages.ts';
import { message, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

let proxy: TestAgent;

beforeAll(async () => {
  proxy = await startTestAgent({ edge: 'none' });
});

afterAll(() => proxy[Symbol.asyncDispose]());

describe('while a tunnel is open', () => {
  test('its octets, its duration and its TLS server name are on the control port, and afterwards it is closed there', async () => {
    await using origin = await startOrigin(
      (request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 5'], request.target)),
      { tls: selfSigned('o.example') },
    );
    const authority = `127.0.0.1:${origin.port}`;
    using client = await openTunnel(proxy, origin.port);
    client.socket.removeAllListeners('data');
    const secure = connectTls({
      socket: client.socket,
      servername: 'o.example',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: false,
    });
    await once(secure, 'secureConnect');
    secure.write(`GET /five HTTP/1.1\r\nHost: o.example\r\n\r\n`);
    await octetsOf(secure).until('/five');

    const open = (await openOn(proxy)).exchanges.find(({ request }) => request.url === authority);
    expect(open).toMatchObject({
      kind: 'tunnel',
      request: { method: 'CONNECT' },
      response: { status: 200 },
      destination: { address: '127.0.0.1', knownBy: 'socket' },
      tunnel: { tls: { serverName: 'o.example', alpn: ['http/1.1'] } },
    });
    expect(open?.octets.fromClient).toBeGreaterThan(200);
    expect(open?.octets.toClient).toBeGreaterThan(200);
    expect(open?.tunnel?.close).toBeUndefined();
    const again = exchangeRecord.parse(await asked(proxy, `/v1/exchanges/${open?.id}`));
    expect(again.tunnel?.durationMs).toBeGreaterThanOrEqual(open?.tunnel?.durationMs ?? Number.NaN);

    secure.destroy();
    const closed = await proxy.recordOf(authority);
    expect(closed.id).toBe(open?.id);
    expect(closed.tunnel).toMatchObject({ tls: { serverName: 'o.example' }, close: { by: 'client' } });
    expect(exchangeRecord.parse(await asked(proxy, `/v1/exchanges/${open?.id}`))).toEqual(closed);
    expect((await openOn(proxy)).exchanges.map(({ id }) => id)).not.toContain(closed.id);
  });

  test('the newest come first, and all are counted', async () => {
    await using server = await startTcp((socket) => void socket.resume());
    using _first = await openTunnel(proxy, server.port);
    using _second = await openTunnel(proxy, server.port);
    const all = await openOn(proxy);
    expect(all.count).toBe(2);
    const newest = await openOn(proxy, '?limit=1');
    expect([newest.count, newest.exchanges]).toEqual([2, [expect.objectContaining({ id: all.exchanges[0]?.id })]]);
    expect(idNumber(all.exchanges[0]?.id)).toBeGreaterThan(idNumber(all.exchanges[1]?.id));
  });
});

test('an exchange that waits for its response is listed too', async () => {
  const asking = Promise.withResolvers<() => void>();
  await using origin = await startOrigin((_request, socket) =>
    asking.resolve(() => socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0']))),
  );
  using client = await connectClient(proxy.port);
  const url = `http://127.0.0.1:${origin.port}/slow`;
  client.sendHead(`GET ${url} HTTP/1.1`, 'Host: x');
  const answer = await asking.promise;
  const open = (await openOn(proxy)).exchanges.find(({ request }) => request.url === url);
  expect(open).toMatchObject({ kind: 'exchange', request: { method: 'GET' } });
  expect(open?.response).toBeUndefined();
  answer();
  expect((await client.response()).status).toBe(200);
  await proxy.recordOf('/slow');
  expect((await openOn(proxy)).exchanges.map(({ id }) => id)).not.toContain(open?.id);
});

describe('a tunnel is closed', () => {
  const server = (socket: Socket) => void socket.on('end', () => socket.end()).resume();

  test.each<[string, (client: Client) => unknown, (socket: Socket) => void, TunnelClose]>([
    ['by a client that ends', ({ socket }) => socket.end(), server, { by: 'client', how: 'end' }],
    ['by a client that leaves', ({ socket }) => socket.destroy(), server, { by: 'client', how: 'end' }],
    ['by a client that resets', ({ socket }) => socket.resetAndDestroy(), server, { by: 'client', how: 'reset' }],
    [
      'by a destination that ends',
      ({ socket }) => socket.once('end', () => socket.end()),
      (socket) => void socket.end('bye').resume(),
      { by: 'destination', how: 'end' },
    ],
    [
      'by a destination that resets',
      ({ send }) => send('x'),
      (socket) => void socket.once('data', () => socket.resetAndDestroy()),
      { by: 'destination', how: 'reset' },
    ],
  ])('%s', async (_, act, accept, close) => {
    await using tcp = await startTcp(accept);
    using client = await openTunnel(proxy, tcp.port);
    act(client);
    const { tunnel, stages } = await proxy.recordOf(`127.0.0.1:${tcp.port}`);
    expect(tunnel?.close).toEqual(close);
    expect(tunnel?.durationMs).toBeGreaterThanOrEqual(0);
    expect(tunnel?.closedAt?.localeCompare(stages['response-sent'] ?? '')).toBeGreaterThanOrEqual(0);
  });

  test('by a client that left in the middle of a download', async () => {
    await using tcp = await startTcp((socket) => {
      const pour = () => void (socket.writable && socket.write(Buffer.alloc(65_536), pour));
      pour();
    });
    using client = await openTunnel(proxy, tcp.port);
    client.socket.destroy();
    const { tunnel, octets } = await proxy.recordOf(`127.0.0.1:${tcp.port}`);
    expect(tunnel?.close).toEqual({ by: 'client', how: 'reset' });
    expect(octets.toClient).toBeGreaterThan(0);
  });

  test('by the agent, when nothing comes for too long', async () => {
    await using strict = await startTestAgent({ edge: 'none', limits: { tunnelIdleTimeoutMs: 100 } });
    await using tcp = await startTcp(server);
    using client = await openTunnel(strict, tcp.port);
    const { tunnel } = await strict.recordOf(`127.0.0.1:${tcp.port}`);
    expect(tunnel?.close).toEqual({ by: 'agent', how: 'idle' });
    expect(await client.ended).toBe('reset');
  });

  test.each(['stop', 'drain'] as const)('by the agent, with its %s', async (how) => {
    await using stopping = await startTestAgent({ edge: 'none', limits: { drainTimeoutMs: 50 } });
    await using tcp = await startTcp(server);
    using client = await openTunnel(stopping, tcp.port);
    await stopping.agent[how]();
    const { tunnel } = await stopping.recordOf(`127.0.0.1:${tcp.port}`);
    expect(tunnel?.close).toEqual({ by: 'agent', how: 'stop' });
    expect(await client.ended).toBe('reset');
  });
});

test('a tunnel that never opened has no such record', async () => {
  const gone = await startTcp(() => undefined);
  await gone[Symbol.asyncDispose]();
  using client = await connectClient(proxy.port);
  client.sendHead(`CONNECT 127.0.0.1:${gone.port} HTTP/1.1`, 'Host: x');
  const record = await proxy.recordOf(`127.0.0.1:${gone.port}`);
  expect([record.tunnel, record.error?.type]).toEqual([undefined, 'connection_refused']);
});

async function openTunnel({ port: proxyPort }: TestAgent, port: number): Promise<Client> {
  const client = await connectClient(proxyPort);
  client.sendHead(`CONNECT 127.0.0.1:${port} HTTP/1.1`, `Host: 127.0.0.1:${port}`);
  expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 200 /);
  return client;
}

async function openOn(agent: TestAgent, query = ''): Promise<OpenExchanges> {
  return openExchanges.parse(await asked(agent, `/v1/exchanges/open${query}`));
}

async function asked({ agent, controlPort }: TestAgent, path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${agent.state().controlToken}` };
  const answer = await fetch(`http://127.0.0.1:${controlPort}${path}`, { headers });
  expect(answer.status).toBe(200);
  return answer.json();
}

function idNumber(id: string | undefined): number {
  return Number(id?.split('-')[1]);
}
