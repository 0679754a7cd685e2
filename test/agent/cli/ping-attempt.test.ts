// One attempt of a ping: the phases that were asked for and no other, by a proxy and directly, and why there are none.
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Attempt, attempt, type PingRouteChoice, type PingTarget } from '../../../agent/cli/ping-attempt.ts';
import { machineClock } from '../../../agent/clock.ts';
import { selfSigned } from '../../support/certificate.ts';
import { octetsOf, readRequest } from '../../support/messages.ts';
import { message, type Origin, startOrigin } from '../../support/origin.ts';
import { startSilentPort } from '../../support/silent-port.ts';
import { startTcp, type TcpServer } from '../../support/tcp.ts';

let proxy: TcpServer;
let origin: Origin;

beforeAll(async () => {
  proxy = await startTcp(tunnel);
  origin = await startOrigin((_request, socket) => void socket.write(message(['HTTP/1.1 204 Nothing'])));
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** A proxy that connects to the port of this machine that CONNECT names, whatever the host. */
async function tunnel(client: Socket): Promise<void> {
  client.once('data', (octets: Buffer) => {
    const [, port] = /^CONNECT [^ ]*:(\d+) /.exec(octets.toString('latin1')) ?? [];
    const onward = connect({ host: '127.0.0.1', port: Number(port) });
    onward.on('error', () => client.end(message(['HTTP/1.1 502 Bad Gateway', 'Content-Length: 0'])));
    onward.once('connect', () => {
      client.write(message(['HTTP/1.1 200 OK']));
      client.pipe(onward).pipe(client);
    });
  });
}

const through = (): PingRouteChoice => ({
  kind: 'proxy',
  proxy: { host: '127.0.0.1', port: proxy.port, name: 'the proxy' },
});
const directly: PingRouteChoice = { kind: 'direct', addresses: ['127.0.0.1'] };

function tried(
  port: number,
  route: PingRouteChoice,
  parts: Partial<PingTarget> = {},
  { timeoutMs = 20_000, signal = new AbortController().signal } = {},
): Promise<Attempt> {
  const target = { host: 'localhost', port, authority: `localhost:${port}`, tls: false, http: undefined, ...parts };
  return attempt(target, route, { clock: machineClock(), timeoutMs, signal });
}

/** The phases of an attempt that came through, each of which takes some time, and all of them their sum. */
function phasesOf(made: Attempt): string[] {
  if (made.kind !== 'measured') throw new Error(made.because);
  const { total, ...phases } = made.times;
  for (const ms of Object.values(phases)) expect(ms).toBeGreaterThanOrEqual(0);
  expect(total).toBeCloseTo(Object.values(phases).reduce((sum, ms) => sum + ms, 0));
  return Object.keys(phases);
}

const http = { method: 'HEAD', path: '/path?query' } as const;

describe('an attempt that comes through', () => {
  test('directly has the time of connecting, and the address', async () => {
    const made = await tried(origin.port, directly);
    expect(phasesOf(made)).toEqual(['connect']);
    expect(made).toMatchObject({ address: '127.0.0.1', status: undefined });
  });

  test('by a proxy has the time of reaching it apart, and no address, for it tells none', async () => {
    const made = await tried(origin.port, through());
    expect(phasesOf(made)).toEqual(['proxy', 'connect']);
    expect(made).toMatchObject({ address: undefined });
  });

  test('with a request has the time to its first octet, and the status', async () => {
    const asked = origin.requests.length;
    const made = await tried(origin.port, through(), { http });
    expect(phasesOf(made)).toEqual(['proxy', 'connect', 'http']);
    expect(made).toMatchObject({ status: 204 });
    const request = origin.requests[asked];
    expect(request?.head).toMatch(/^HEAD \/path\?query HTTP\/1\.1\r\n/);
    expect(request?.values('host')).toEqual([`localhost:${origin.port}`]);
    expect(request?.values('connection')).toEqual(['close']);
  });

  test('reads a status line that comes in pieces', async () => {
    await using slow = await startTcp(async (socket) => {
      const octets = octetsOf(socket);
      await readRequest(octets);
      for (const piece of ['H', 'TTP/1.', '1 30', '7 Temporary Redirect\r\n\r\n']) {
        await new Promise<void>((written) => void socket.write(piece, () => written()));
      }
    });
    expect(await tried(slow.port, directly, { http })).toMatchObject({ kind: 'measured', status: 307 });
  });

  test('leaves no connection behind', async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startTcp((socket) => {
      socket.resume().once('end', () => socket.end());
      socket.once('close', () => closed.resolve());
    });
    await tried(server.port, directly);
    await closed.promise;
  });
});

describe('an attempt that fails', () => {
  test.each([
    ['directly', () => directly, 'connect', 'The destination refuses the connection. (ECONNREFUSED)'],
    ['by a proxy', through, 'connect', 'the proxy answered 502.'],
  ] as const)('because nothing listens, %s', async (_, route, phase, because) => {
    const gone = await startTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    expect(await tried(gone.port, route())).toEqual({ kind: 'failed', phase, because });
  });

  test('because the proxy has gone', async () => {
    const gone = await startTcp(() => undefined);
    await gone[Symbol.asyncDispose]();
    const route = { kind: 'proxy', proxy: { host: '127.0.0.1', port: gone.port, name: 'the proxy' } } as const;
    expect(await tried(origin.port, route)).toMatchObject({ phase: 'proxy', because: /is not there/ });
  });

  test('because the proxy does not allow it, which no other attempt changes', async () => {
    await using strict = await startTcp((socket) =>
      socket.once('data', () => socket.end(message(['HTTP/1.1 403 Forbidden', 'Content-Length: 0']))),
    );
    const route = { kind: 'proxy', proxy: { host: '127.0.0.1', port: strict.port, name: 'the proxy' } } as const;
    expect(await tried(origin.port, route)).toEqual({ kind: 'refused', because: 'the proxy answered 403.' });
  });

  test('because nobody accepts in time', async () => {
    await using silent = await startSilentPort();
    const made = await tried(silent.port, directly, {}, { timeoutMs: 50 });
    expect(made).toEqual({ kind: 'failed', phase: 'connect', because: 'It took more than 50 ms.' });
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['ends', (socket) => void socket.end(), /closed the connection without an answer/],
    ['resets', (socket) => void socket.resetAndDestroy(), /ECONNRESET/],
    ['speaks something else', (socket) => void socket.write('SSH-2.0-OpenSSH_9\r\n'), /not an HTTP\/1\.1 response/],
    ['stops within the status line', (socket) => void socket.end('HTTP/1.1'), /closed the connection/],
  ])('because the destination %s instead of answering', async (_, answer, because) => {
    await using server = await startTcp((socket) => socket.once('data', () => answer(socket)));
    const made = await tried(server.port, directly, { http });
    expect(made).toMatchObject({ kind: 'failed', phase: 'http', because: expect.stringMatching(because) });
  });

  test('because it is interrupted', async () => {
    const given = new AbortController();
    await using server = await startTcp((socket) => socket.once('data', () => given.abort()));
    const made = await tried(server.port, directly, { http }, { signal: given.signal });
    expect(made).toMatchObject({ kind: 'failed', phase: 'http' });
  });
});

describe('with TLS', () => {
  test.each([['a certificate that nobody trusts', ['localhost'], /not trusted.*DEPTH_ZERO_SELF_SIGNED_CERT/]] as const)(
    '%s is a failure of that phase',
    async (_, names, because) => {
      await using secure = await startOrigin(() => undefined, { tls: selfSigned(...names) });
      for (const route of [directly, through()]) {
        const made = await tried(secure.port, route, { tls: true });
        expect(made).toMatchObject({ kind: 'failed', phase: 'tls', because: expect.stringMatching(because) });
      }
    },
  );

  test('NODE_TLS_REJECT_UNAUTHORIZED changes nothing, as elsewhere', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    await using secure = await startOrigin(() => undefined, { tls: selfSigned('localhost') });
    const made = await tried(secure.port, directly, { tls: true });
    expect(made).toMatchObject({ kind: 'failed', phase: 'tls', because: expect.stringMatching(/not trusted/) });
  });

  test('a server that speaks none is a failure of that phase', async () => {
    await using plain = await startTcp((socket) => socket.once('data', () => socket.end('220 mail ready\r\n')));
    expect(await tried(plain.port, directly, { tls: true })).toMatchObject({ kind: 'failed', phase: 'tls' });
  });
});
