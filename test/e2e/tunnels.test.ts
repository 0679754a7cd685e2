// CONNECT: octets both ways, ends and resets as they are, and no 200 before the destination has accepted.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { selfSigned } from '../support/certificate.ts';
import { type Client, connectClient, exchangeOnce } from '../support/client.ts';
import { octetsOf } from '../support/messages.ts';
import { message, startOrigin } from '../support/origin.ts';
import { startSilentPort } from '../support/silent-port.ts';
import { startTcp } from '../support/tcp.ts';

let proxy: TestAgent;

beforeAll(async () => {
  const answers = { 'nowhere.example': [], 'mapped.example': ['127.0.0.1'] };
  proxy = await startTestAgent({ edge: 'none', answers, limits: { connectTimeoutMs: 400 } });
});

afterAll(() => proxy[Symbol.asyncDispose]());

/** A tunnel that is open: what the client sends from here on reaches the port. */
async function openTunnel(port: number, early: string | Buffer = ''): Promise<Client> {
  const client = await connectClient(proxy.port);
  client.send(message([`CONNECT 127.0.0.1:${port} HTTP/1.1`, `Host: 127.0.0.1:${port}`], early));
  const head = await client.octets.until('\r\n\r\n');
  expect(head?.toString()).toMatch(/^HTTP\/1\.1 200 /);
  expect(head?.toString()).not.toMatch(/content-length|transfer-encoding/i); // RFC 9110 9.3.6
  return client;
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe('a tunnel', () => {
  test('carries TLS that nobody in between can read', async () => {
    const tls = selfSigned('localhost', '127.0.0.1');
    await using origin = await startOrigin(
      (request, socket) => void socket.end(message(['HTTP/1.1 200 OK', 'Connection: close'], request.target)),
      { tls },
    );
    using client = await openTunnel(origin.port);
    client.socket.removeAllListeners('data');
    const secure = connectTls({ socket: client.socket, ca: tls.cert, servername: 'localhost' });
    await once(secure, 'secureConnect');
    expect(secure.authorized).toBe(true);
    secure.write('GET /over-tls HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const octets = octetsOf(secure);
    expect((await octets.rest()).toString()).toMatch(/\r\n\r\n\/over-tls$/);
  });

  test('carries what the server says first', async () => {
    await using server = await startTcp((socket) => void socket.write('220 ready\r\n'));
    using client = await openTunnel(server.port);
    expect((await client.octets.until('\r\n'))?.toString()).toBe('220 ready\r\n');
  });

  test('delivers octets that came in one segment with CONNECT, once', async () => {
    await using server = await startTcp(echo);
    using client = await openTunnel(server.port, 'early');
    client.send(' and late');
    client.socket.end();
    expect((await client.octets.rest()).toString()).toBe('early and late');
    expect((await proxy.recordOf(`127.0.0.1:${server.port}`)).octets).toEqual({ fromClient: 14, toClient: 14 });
  });

  test('carries the end of the client on, and what the server sends after it', async () => {
    await using server = await startTcp((socket) => {
      const octets = octetsOf(socket);
      void octets.rest().then((got) => socket.end(`you said ${got}`));
    });
    using client = await openTunnel(server.port);
    client.send('all of this');
    client.socket.end();
    expect((await client.octets.rest()).toString()).toBe('you said all of this');
    expect(await client.ended).toBe('end');
  });

  test('carries the end of the server on, and what the client sends after it', async () => {
    const received = Promise.withResolvers<string>();
    await using server = await startTcp((socket) => {
      socket.end('bye');
      void octetsOf(socket)
        .rest()
        .then((got) => received.resolve(got.toString()));
    });
    using client = await openTunnel(server.port);
    expect((await client.octets.rest()).toString()).toBe('bye');
    expect(await client.ended).toBe('end');
    client.send('one word more');
    client.socket.end();
    expect(await received.promise).toBe('one word more');
  });

  test('passes a reset of the server on as a reset', async () => {
    await using server = await startTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    using client = await openTunnel(server.port);
    client.send('x');
    expect(await client.ended).toBe('reset');
  });

  test('passes a reset of the client on as a reset', async () => {
    const ended = Promise.withResolvers<string>();
    await using server = await startTcp((socket) => void octetsOf(socket).ended.then(ended.resolve));
    const client = await openTunnel(server.port);
    client.socket.resetAndDestroy();
    expect(await ended.promise).toBe('reset');
  });

  test('carries 20 MB both ways at once, octet for octet', async () => {
    const [up, down] = [randomBytes(20 * 1024 * 1024), randomBytes(20 * 1024 * 1024)];
    const received = Promise.withResolvers<string>();
    await using server = await startTcp((socket) => {
      const hash = createHash('sha256');
      socket.on('data', (octets) => hash.update(octets)).once('end', () => received.resolve(hash.digest('hex')));
      socket.end(down);
    });
    using client = await openTunnel(server.port);
    client.socket.end(up);
    expect(sha256(await client.octets.rest())).toBe(sha256(down));
    expect(await received.promise).toBe(sha256(up));
  });

  test('holds a server back when the client does not read', async () => {
    const piece = Buffer.alloc(64 * 1024);
    const enough = 256 * 1024 * 1024;
    const stopped = Promise.withResolvers<number>();
    await using server = await startTcp((socket) => {
      let written = 0;
      const pour = () => {
        if (written >= enough) return stopped.resolve(written);
        written += piece.length;
        socket.write(piece, pour);
        clearTimeout(timer);
        timer = setTimeout(() => stopped.resolve(written), 1_000); // nothing was taken for so long: held back
      };
      let timer: ReturnType<typeof setTimeout> | undefined;
      pour();
    });
    const client = await connectClient(proxy.port);
    client.socket.pause();
    client.sendHead(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`, 'Host: x');
    expect(await stopped.promise).toBeLessThan(32 * 1024 * 1024); // what the kernel holds on two connections, and little more
    client.socket.destroy();
  });
});

describe('CONNECT is refused', () => {
  async function expectRefused(authority: string, status: number, error: string, fields: string[] = []): Promise<void> {
    const octets = message([`CONNECT ${authority} HTTP/1.1`, 'Host: x:1', ...fields], 'early octets are nobody’s');
    const response = await exchangeOnce(proxy.port, octets);
    expect([response.status, response.field('proxy-status')?.match(/error=(\w+)/)?.[1]]).toEqual([status, error]);
    expect([response.isComplete, response.field('connection')]).toEqual([true, 'close']);
    expect(JSON.parse(response.content.toString())).toMatchObject({ status });
  }

  test.each([
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:0443',
    ':443',
    'http://127.0.0.1:80',
    '/',
    '*',
    'u@127.0.0.1:443',
    '0x7f.1:443',
    '127.1:443',
    'ex%61mple.com:443',
    'exa mple.com:443',
    '[::1:443',
    '::1:443',
    `${'x'.repeat(300)}:443`,
  ])('with 400 for the authority %s', async (authority) => {
    await expectRefused(authority, 400, 'http_request_error');
  });

  test.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('with 400 for %s', async (field) => {
    await using server = await startTcp(echo);
    await expectRefused(`127.0.0.1:${server.port}`, 400, 'http_request_error', [field]);
    expect(server.connections).toBe(0);
  });

  test('when the port is for sending mail', async () => {
    await expectRefused('127.0.0.1:25', 403, 'http_request_denied');
  });

  test('when the destination refuses', async () => {
    const gone = await startTcp(echo);
    await gone[Symbol.asyncDispose]();
    await expectRefused(`127.0.0.1:${gone.port}`, 502, 'connection_refused');
  });

  test('when the destination does not accept in time', async () => {
    await using silent = await startSilentPort();
    await expectRefused(`127.0.0.1:${silent.port}`, 504, 'connection_timeout');
  });

  test('when the name does not exist', async () => {
    await expectRefused('nowhere.example:443', 502, 'dns_error');
  });

  test.each(routes)(
    'by edge %s when the destination is private, by name or address, and nothing is dialled',
    async (edge) => {
      await using server = await startTcp(echo);
      const answers = { 'mapped.example': ['93.184.216.34', '127.0.0.1'] };
      await using strict = await startTestAgent({ edge, allowPrivate: false, answers });
      for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0', 'mapped.example']) {
        const authority = `${host}:${server.port}`;
        const response = await exchangeOnce(
          strict.port,
          message([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`]),
        );
        expect([response.status, response.field('proxy-status')]).toEqual([
          403,
          expect.stringMatching(/destination_ip_prohibited/),
        ]);
      }
      expect(server.connections).toBe(0);
    },
  );
});

test('a client that leaves while its destination is dialled leaves no connection behind', async () => {
  await using silent = await startSilentPort();
  const client = await connectClient(proxy.port);
  client.sendHead(`CONNECT 127.0.0.1:${silent.port} HTTP/1.1`, 'Host: x');
  client.socket.destroy();
  const record = await proxy.recordOf(`127.0.0.1:${silent.port}`);
  expect(record.error?.type).toMatch(/^(http_request_error|connection_timeout)$/);
  await proxy.active(0);
});

test('an exception for one private port opens a tunnel to that port only', async () => {
  await using allowed = await startTcp(echo);
  await using other = await startTcp(echo);
  await using strict = await startTestAgent({
    edge: 'none',
    allowPrivate: false,
    allow: [`127.0.0.1:${allowed.port}`],
  });
  using client = await connectClient(strict.port);
  client.sendHead(`CONNECT 127.0.0.1:${allowed.port} HTTP/1.1`, 'Host: x');
  expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 200/);
  const refused = await exchangeOnce(strict.port, message([`CONNECT 127.0.0.1:${other.port} HTTP/1.1`, 'Host: x']));
  expect([refused.status, other.connections]).toEqual([403, 0]);
});

function sha256(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('hex');
}
