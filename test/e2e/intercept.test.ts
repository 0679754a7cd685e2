// Intercepted hosts: what is inside is an exchange like any other, by HTTP/1.1 and HTTP/2, over both routes.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hashOf } from '../../agent/access/password-hash.ts';
import { routes } from '../support/agent.ts';
import { clientAuth, startAuthority, type TestAuthority } from '../support/authority.ts';
import {
  connectInside,
  connectTunnel,
  type Intercepting,
  rejectCertificate,
  secureTunnel,
  sessionInside,
  startIntercepting,
} from '../support/intercepted.ts';
import { type Answer, chunk, message, type Origin, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';
import { acceptOf, frame } from '../support/web-socket.ts';

const others = getCACertificates('default');
let issuer: TestAuthority;

beforeAll(async () => {
  issuer = await startAuthority();
  setDefaultCACertificates([...others, issuer.cert]); // the agent's and its edge's
});

afterAll(() => setDefaultCACertificates(others));

async function secureOrigin(answer: Answer): Promise<Origin> {
  const origin = await startOrigin(answer, { tls: await issuer.leaf() });
  onTestFinished(() => origin[Symbol.asyncDispose]());
  return origin;
}

const ok = (content: string, ...fields: string[]) =>
  message(['HTTP/1.1 200 OK', ...fields, `Content-Length: ${content.length}`], content);

/** A GET over HTTP/2. `undefined` content: it broke off. */
async function getByHttp2(agent: Intercepting, authority: string, path: string, fields: Record<string, string> = {}) {
  const session = await sessionInside(agent, authority);
  const stream = session.request({ ':path': path, ...fields });
  let head: Record<string, unknown> = {};
  stream.on('response', (headers) => {
    head = headers;
  });
  const content = await text(stream).catch(() => undefined);
  return { head, content: stream.rstCode === 0 ? content : undefined, stream, session };
}

describe.each(routes)('by %s', (edge) => {
  test('requests inside are exchanges with stages and records of their own, and the tunnel has one, too', async () => {
    const origin = await secureOrigin(({ target }, socket) => void socket.write(ok(`you asked for ${target}`)));
    const agent = await startIntercepting({ edge });
    const authority = `localhost:${origin.port}`;
    const client = await connectInside(agent, authority);
    for (const path of ['/one', '/two?x=%20y']) {
      client.get(path);
      const response = await client.response();
      expect(response).toMatchObject({ status: 200, isComplete: true });
      expect(response.content.toString()).toBe(`you asked for ${path}`);
      expect(response.field('server-timing')).toContain('origin;dur=');
      expect(response.field('cache-status')).toMatch(/^edgehop/);
    }
    const record = await agent.recordOf('/one');
    expect(record).toMatchObject({
      kind: 'exchange',
      request: { url: `https://${authority}/one` },
      route: { kind: edge === 'none' ? 'direct' : 'edge' },
    });
    expect(origin.requests.map(({ head }) => head)).not.toContain('proxy-');
    client.socket.end();
    const tunnel = await agent.recordWhere(({ kind }) => kind === 'tunnel');
    expect(tunnel).toMatchObject({
      request: { method: 'CONNECT', url: authority },
      tunnel: { intercepted: true, tls: { serverName: 'localhost' } },
    });
    expect(tunnel.client).toEqual(record.client);
  });

  test('H15: by HTTP/2, though the origin speaks HTTP/1.1: fields, cookies, content both ways, and several at once', async () => {
    const origin = await secureOrigin(async (request, socket) => {
      const sent = (await request.content).toString();
      const values = request.values('cookie').join('|');
      socket.write(
        ok(`${request.method} ${request.target} ${sent.length} ${values}`, 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
      );
    });
    const agent = await startIntercepting({ edge });
    const session = await sessionInside(agent, `localhost:${origin.port}`);
    const ask = async (headers: Record<string, string | string[]>, content?: string) => {
      const stream = session.request(headers);
      const head = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
      stream.end(content);
      return { head: await head, content: await text(stream) };
    };
    const got = await ask({ ':path': '/a', cookie: ['x=1', 'y=2'] });
    expect(got.content).toBe('GET /a 0 x=1; y=2');
    expect(got.head).toMatchObject({
      ':status': 200,
      'set-cookie': ['a=1', 'b=2'],
      via: expect.stringMatching(/^1\.1 edgehop/),
    });
    const large = 'x'.repeat(300_000);
    const all = await Promise.all([
      ask({ ':method': 'POST', ':path': '/p' }, large),
      ask({ ':method': 'PUT', ':path': '/q', 'content-length': '3' }, 'abc'),
      ask({ ':path': '/r' }),
    ]);
    expect(all.map(({ content }) => content.trim())).toEqual(['POST /p 300000', 'PUT /q 3', 'GET /r 0']);
    expect((await agent.recordOf('/p')).octets.fromClient).toBe(300_000);
    const head = session.request({ ':method': 'HEAD', ':path': '/h' });
    const headers = await new Promise<Record<string, unknown>>((resolve) => head.once('response', resolve));
    expect(headers[':status']).toBe(200);
    expect(await text(head)).toBe('');
  });

  test('fields come as the origin sends them, also those that should stand once, and octets beyond ASCII', async () => {
    const sent = ['Content-Type: a/b', 'Content-Type: c/d', 'ETag: "1"', 'ETag: "2"', 'X-Name: caf\xe9', 'X-Empty:'];
    const origin = await secureOrigin((_, socket) => void socket.write(ok('twice', ...sent)));
    const agent = await startIntercepting({ edge, config: { edge: { upstream: 'socket' } } });
    const session = await sessionInside(agent, `localhost:${origin.port}`);
    const stream = session.request({ ':path': '/' });
    const raw = await new Promise<string[]>((resolve) =>
      stream.once('response', (_headers, _flags, fields) => resolve(fields as unknown as string[])),
    );
    expect(await text(stream)).toBe('twice');
    const values = (name: string) => raw.filter((_, i) => i % 2 === 1 && raw[i - 1] === name);
    expect([values('content-type'), values('etag')]).toEqual([
      ['a/b', 'c/d'],
      ['"1"', '"2"'],
    ]);
    expect([values('x-name'), values('x-empty')]).toEqual([['caf\xe9'], ['']]);
  });

  test('what breaks off inside breaks off for the client, and never ends cleanly', async () => {
    const origin = await secureOrigin(({ target }, socket) => {
      if (target === '/length') socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 10'], 'abc'));
      else socket.write(Buffer.concat([message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked']), chunk('abc')]));
      setTimeout(() => socket.destroy(), 50);
    });
    const agent = await startIntercepting({ edge });
    const authority = `localhost:${origin.port}`;
    for (const path of ['/length', '/chunks']) {
      const client = await connectInside(agent, authority);
      client.get(path);
      expect((await client.response()).isComplete).toBe(false);
      expect((await getByHttp2(agent, authority, path)).content).toBeUndefined();
    }
    expect((await agent.recordOf('/chunks')).error?.type).toBe('http_response_incomplete');
  });

  test('events come one by one', async () => {
    let tell: (event: string) => void = () => undefined;
    const origin = await secureOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Type: text/event-stream', 'Transfer-Encoding: chunked']));
      tell = (event) => void socket.write(chunk(event));
      tell('data: 1\n\n');
    });
    const agent = await startIntercepting({ edge });
    const session = await sessionInside(agent, `localhost:${origin.port}`);
    const stream = session.request({ ':path': '/events' });
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      const piece = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
      expect(piece.toString()).toBe(event);
      tell(`data: ${Number(event.at(6)) + 1}\n\n`);
    }
    stream.close();
    expect((await agent.recordOf('/events')).error?.status).toBe(499);
  });

  test('a WebSocket is a tunnel inside, and ends', async () => {
    const origin = await secureOrigin(({ values }, socket) => {
      const accept = acceptOf(values('sec-websocket-key')[0] ?? '');
      socket.write(
        message(
          [
            'HTTP/1.1 101 Switching Protocols',
            'Upgrade: websocket',
            'Connection: Upgrade',
            `Sec-WebSocket-Accept: ${accept}`,
          ],
          frame(1, 'hello'),
        ),
      );
    });
    const agent = await startIntercepting({ edge });
    const client = await connectInside(agent, `localhost:${origin.port}`);
    client.get(
      '/chat',
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
    );
    expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 101 /);
    expect(await client.octets.exactly(7)).toEqual(frame(1, 'hello'));
    client.socket.end(); // and TLS ends both ways at once, whatever the origin would still say
    const record = await agent.recordOf('/chat');
    expect(record).toMatchObject({ kind: 'exchange', response: { status: 101 } });
  });

  test('a second request is answered from the cache', async () => {
    const origin = await secureOrigin((_, socket) => void socket.write(ok('stored', 'Cache-Control: max-age=60')));
    const agent = await startIntercepting({ edge });
    const authority = `localhost:${origin.port}`;
    const client = await connectInside(agent, authority);
    for (const expected of [/fwd=uri-miss/, /hit/]) {
      client.get('/stored');
      const response = await client.response();
      expect(response.content.toString()).toBe('stored');
      expect(response.field('cache-status')).toMatch(expected);
    }
    const { head, content } = await getByHttp2(agent, authority, '/stored');
    expect([content, head['cache-status']]).toEqual(['stored', expect.stringMatching(/edgehop;hit/)]);
    expect(origin.requests).toHaveLength(1);
  });
});

describe('who we stand for', () => {
  let agent: Intercepting;
  let origin: Origin;
  const start = async () => {
    origin = await secureOrigin((_, socket) => void socket.write(ok('theirs')));
    agent = await startIntercepting();
  };

  test('H07 H17 H19: a request for another host, or for http, is 421, by HTTP/1.1 and HTTP/2, in every form', async () => {
    await start();
    const authority = `localhost:${origin.port}`;
    const misdirected = async (...lines: string[]) => {
      const client = await connectInside(agent, authority);
      client.send(`${lines.join('\r\n')}\r\n\r\n`);
      return (await client.response()).status;
    };
    expect(await misdirected('GET / HTTP/1.1', 'Host: other.test')).toBe(421);
    expect(await misdirected('GET / HTTP/1.1', 'Host: localhost')).toBe(421); // port 443
    expect(await misdirected('GET https://other.test/ HTTP/1.1', `Host: ${authority}`)).toBe(421);
    expect(await misdirected(`GET http://${authority}/ HTTP/1.1`, `Host: ${authority}`)).toBe(421);
    expect(await misdirected(`GET https://${authority}/ HTTP/1.1`, `Host: ${authority}`)).toBe(200);
    expect(await misdirected('CONNECT other.test:443 HTTP/1.1', 'Host: other.test:443')).toBe(405);
    const { head } = await getByHttp2(agent, authority, '/', { ':authority': 'other.test' });
    expect(head[':status']).toBe(421);
    expect(origin.requests).toHaveLength(1);
  });

  test('H07: a ClientHello that names another host is carried on to the server itself', async () => {
    await start();
    const socket = await secureTunnel(agent, `localhost:${origin.port}`, {
      servername: 'other.test',
      ca: issuer.cert,
      checkServerIdentity: () => undefined,
    });
    expect(socket.getPeerX509Certificate()?.issuer).toMatch(/^CN=edgehop test root /);
  });

  test('H08: an address without a name in the ClientHello is stood for with that address', async () => {
    await start();
    const socket = await secureTunnel(agent, `127.0.0.1:${origin.port}`);
    expect(socket.getPeerX509Certificate()?.subjectAltName).toBe('IP Address:127.0.0.1');
  });

  test('H11: leaves are what browsers ask for', async () => {
    await start();
    const socket = await secureTunnel(agent, `localhost:${origin.port}`);
    const leaf = socket.getPeerX509Certificate();
    const days = ((leaf?.validToDate.getTime() ?? 0) - (leaf?.validFromDate.getTime() ?? 0)) / 86_400_000;
    expect(days).toBe(90);
    expect(leaf).toMatchObject({ subjectAltName: 'DNS:localhost', keyUsage: ['1.3.6.1.5.5.7.3.1'], ca: false });
    expect(leaf?.serialNumber.length).toBe(32);
    const other = (await secureTunnel(agent, `127.0.0.1:${origin.port}`)).getPeerX509Certificate();
    expect(other?.serialNumber).not.toBe(leaf?.serialNumber);
    expect(other?.publicKey.equals(leaf?.publicKey as never)).toBe(true); // one key a run
  });

  test('G09 H12: the key is nobody else’s to read, the authority signs leaves only', async () => {
    await start();
    const folder = join(agent.folder, 'state', 'authority');
    await secureTunnel(agent, `localhost:${origin.port}`);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'authority.pem')).mode & 0o777).toBe(0o600);
  });

  test('H16: a ticket of one host is nothing to another', async () => {
    await start();
    const ticketOf = async (authority: string, session?: Buffer) => {
      const socket = await secureTunnel(agent, authority, {
        maxVersion: 'TLSv1.2',
        ...(session !== undefined && { session }),
      });
      return { isReused: socket.isSessionReused(), session: socket.getSession() as Buffer };
    };
    const first = await ticketOf(`localhost:${origin.port}`);
    expect((await ticketOf(`localhost:${origin.port}`, first.session)).isReused).toBe(true);
    expect((await ticketOf(`127.0.0.1:${origin.port}`, first.session)).isReused).toBe(false);
  });
});

describe('what is not intercepted', () => {
  test('H13: a server that speaks first, after a while, and whatever is not TLS, at once', async () => {
    const agent = await startIntercepting({ limits: { clientSilenceMs: 50 } });
    await using greeting = await startTcp((socket) => void socket.write('220 hello\r\n'));
    const silent = await connectTunnel(agent.port, `localhost:${greeting.port}`);
    expect((await silent.octets.until('\r\n'))?.toString()).toBe('220 hello\r\n');
    await using echo = await startTcp((socket) => void socket.pipe(socket));
    const plain = await connectTunnel(agent.port, `localhost:${echo.port}`);
    plain.send('SSH-2.0-x\r\n');
    expect((await plain.octets.until('\r\n'))?.toString()).toBe('SSH-2.0-x\r\n');
  });

  test('hosts that nobody named, and exceptions', async () => {
    const origin = await secureOrigin((_, socket) => void socket.write(ok('theirs')));
    const agent = await startIntercepting({ config: { intercept: { hosts: ['*'], except: ['127.0.0.1'] } } });
    const authority = `127.0.0.1:${origin.port}`;
    const socket = await secureTunnel(agent, authority, { ca: issuer.cert });
    expect(socket.getPeerX509Certificate()?.issuer).toMatch(/^CN=edgehop test root /);
    expect((await secureTunnel(agent, `localhost:${origin.port}`)).getPeerX509Certificate()?.issuer).toMatch(
      /edgehop local CA/,
    );
  });

  test('H14: a host whose clients do not take our certificate, after two alerts and until it is undone', async () => {
    const origin = await secureOrigin((_, socket) => void socket.write(ok('theirs')));
    const agent = await startIntercepting();
    const authority = `localhost:${origin.port}`;
    await rejectCertificate(agent, authority);
    expect(agent.said.join()).not.toContain('passed through');
    await rejectCertificate(agent, authority);
    await agent.hasSaid(/localhost is passed through for a while/);
    const socket = await secureTunnel(agent, authority, { ca: issuer.cert });
    expect(socket.getPeerX509Certificate()?.issuer).toMatch(/^CN=edgehop test root /);
    const refused = agent.records.filter(({ error }) => error?.type === 'tls_alert_received');
    expect(refused).toHaveLength(2);
    expect(refused[1]?.error?.advice).toContain('edgehop ca retry localhost');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'H14: a server of %s that asks for a certificate of the client, once one request has found that out',
    async (maxVersion) => {
      const { key, cert } = await issuer.leaf();
      const server = createServer({
        key,
        cert,
        maxVersion,
        requestCert: true,
        rejectUnauthorized: true,
        ca: issuer.cert,
      });
      server.on('tlsClientError', () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      const agent = await startIntercepting();
      const authority = `localhost:${(server.address() as AddressInfo).port}`;
      const client = await connectInside(agent, authority);
      client.get('/');
      expect((await client.response()).status).toBe(502);
      await agent.hasSaid(/localhost is passed through for a while: it asks for a certificate of the client's own/);
      const mine = await issuer.leaf({ purposes: [clientAuth] });
      const socket = await secureTunnel(agent, authority, { ca: issuer.cert, ...mine });
      expect(socket.getPeerX509Certificate()?.issuer).toMatch(/^CN=edgehop test root /);
    },
  );

  test('a client that leaves within its handshake, or says nonsense in it, leaves nothing behind', async () => {
    const agent = await startIntercepting({ limits: { headTimeoutMs: 300 } });
    for (const octets of ['', '\x16\x03\x01', `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'\0'.repeat(508)}`]) {
      const client = await connectTunnel(agent.port, 'localhost:1');
      client.send(octets);
      client.socket.end();
      await client.ended;
    }
    const stays = await connectTunnel(agent.port, 'localhost:1');
    stays.send('\x16\x03\x01\x40');
    await stays.ended;
    await agent.active(0);
  });
});

test('a WebSocket whose client has gone ends, though its server goes on', async () => {
  const sockets: TLSSocket[] = [];
  const server = createServer({ ...(await issuer.leaf()), allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.once('data', () =>
      socket.write(message(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'])),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const agent = await startIntercepting();
  const client = await connectInside(agent, `localhost:${(server.address() as AddressInfo).port}`);
  client.get('/chat', 'Connection: Upgrade', 'Upgrade: websocket');
  expect((await client.octets.until('\r\n\r\n'))?.toString()).toMatch(/^HTTP\/1\.1 101 /);
  client.socket.end('bye');
  const record = await agent.recordOf('/chat');
  expect(record).toMatchObject({ octets: { fromClient: 3 }, tunnel: { close: { by: 'client', how: 'end' } } });
});

test('credentials are asked for the tunnel, and not inside of it', async () => {
  const origin = await secureOrigin(({ values }, socket) => {
    socket.write(ok(`sent ${values('proxy-authorization').length}`));
  });
  const credentials = [{ name: 'me', hash: await hashOf('secret') }];
  const agent = await startIntercepting({ config: { admit: { credentials } } });
  const authority = `localhost:${origin.port}`;
  await expect(connectTunnel(agent.port, authority)).rejects.toThrow(/ 407 /);
  const field = `Proxy-Authorization: Basic ${Buffer.from('me:secret').toString('base64')}`;
  const client = await connectInside(agent, authority, {}, [field]);
  client.get('/');
  expect((await client.response()).content.toString()).toBe('sent 0');
});
