// One connection of HTTP/2: many exchanges at once, its end noticed at once, and nothing of it left behind.
import { once } from 'node:events';
import { constants, createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Connect } from '../../../agent/upstream/connect.ts';
import { Pool, sweepIntervalMs } from '../../../agent/upstream/pool.ts';
import { selfSigned } from '../../support/certificate.ts';
import { goawayFrame, headersFrame, rstFrame, startFrames } from '../../support/http2-frames.ts';
import { startOrigin } from '../../support/origin.ts';
import {
  clientFor,
  clientLimits,
  connectHttp2,
  connectTo,
  contentOf,
  drained,
  fetched,
  leaver,
  requestTo,
  responseOf,
  until,
} from '../../support/upstream.ts';

const certificate = selfSigned('127.0.0.1');
const others = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...others, certificate.cert]));
afterAll(() => setDefaultCACertificates(others));

const http2 = connectTo(['127.0.0.1'], true);

test('many exchanges go over one connection at once, each with its own answer (I13)', async () => {
  const warnings: Error[] = [];
  const warn = (warning: Error) => void warnings.push(warning);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const server = await start((stream, path) => {
    stream.respond({ ':status': 200 });
    stream.write(`${path} `);
    stream.pipe(stream);
  });
  const client = clientFor({ connect: http2 });
  await fetched(client, requestTo(server.url));
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => {
      const content = new PassThrough();
      content.end(`content ${i}`);
      return fetched(client, requestTo(server.url, { path: `/${i}`, framing: { kind: 'chunked' }, content }));
    }),
  );
  expect(answers).toEqual(answers.map((_, i) => `200 /${i} content ${i}`));
  expect(server.connections()).toBe(1);
  await turn();
  expect(warnings).toEqual([]);
});

test('no push is asked for, and the windows are those that are promised', async () => {
  await using server = await startFrames((stream, socket) => {
    socket.write(headersFrame(stream, [[':status', '204']], true));
  });
  const client = clientFor({ connect: connectHttp2, maxHeadBytes: 10_000 });
  expect(await fetched(client, requestTo(`http://127.0.0.1:${server.port}`))).toBe('204 ');
  const [first] = server.received.filter(({ type }) => type === 'settings');
  const settings = new Map<number, number>();
  for (let at = 0; at < (first?.payload.length ?? 0); at += 6) {
    settings.set(first?.payload.readUInt16BE(at) ?? 0, first?.payload.readUInt32BE(at + 2) ?? 0);
  }
  expect([settings.get(2), settings.get(4), settings.get(6)]).toEqual([0, 1024 * 1024, 10_000]); // RFC 9113 6.5.2
  const update = await server.frame(({ type, stream }) => type === 'windowUpdate' && stream === 0);
  expect(update.payload.readUInt32BE()).toBe(8 * 1024 * 1024 - 65_535);
});

describe('an origin that', () => {
  test('goes away lets what is going on come to its end, and the next request has another connection', async () => {
    const held: ServerHttp2Stream[] = [];
    const server = await start((stream, path) => {
      if (path === '/held') held.push(stream);
      else stream.respond({ ':status': 204 }, { endStream: true });
    });
    const client = clientFor({ connect: http2 });
    const long = client.send(requestTo(server.url, { path: '/held' }));
    await until(() => held.length === 1);
    server.sessions()[0]?.goaway();
    // Whether it has been heard of by then or not.
    expect(await fetched(client, requestTo(server.url))).toBe('204 ');
    await until(() => server.connections() === 2);
    held[0]?.respond({ ':status': 200 });
    held[0]?.end('whole');
    expect(await contentOf(await long)).toMatchObject({ octets: 'whole', ending: 'end' });
  });

  test.each<[string, (socket: TLSSocket, session: ServerHttp2Session) => void]>([
    ['ends', (socket) => void socket.end()],
    ['closes', (_, session) => void session.close()],
    ['breaks off', (socket) => void socket.destroy()],
    ['fails', (_, session) => void session.destroy(new Error('x'))],
  ])('%s without an exchange is not asked again on that connection', async (_, act) => {
    const server = await start((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const made: Socket[] = [];
    const client = clientFor({
      connect: async (address) => {
        const connecting = await http2(address);
        if (connecting.kind === 'connected') made.push(connecting.connected.socket);
        return connecting;
      },
    });
    expect(await fetched(client, requestTo(server.url))).toBe('204 ');
    act(server.sockets()[0] as TLSSocket, server.sessions()[0] as ServerHttp2Session);
    await until(() => made[0]?.destroyed === true); // nothing stays half-open
    expect(await fetched(client, requestTo(server.url))).toBe('204 ');
    expect(server.connections()).toBe(2);
  });

  test('goes away twice, and says something that is no frame, disturbs nobody', async () => {
    await using server = await startFrames((stream, socket) => {
      socket.write(headersFrame(stream, [[':status', '204']], true));
      socket.write(goawayFrame(stream));
      socket.write(goawayFrame(stream));
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const client = clientFor({ connect: connectHttp2 });
    const url = `http://127.0.0.1:${server.port}`;
    for (let i = 0; i < 3; i++) expect(await fetched(client, requestTo(url))).toBe('204 ');
  });
});

describe('a request that is refused unseen (RFC 9113 8.7)', () => {
  const refuse = (stream: number) => rstFrame(stream, 7);

  test('is sent once more, whatever its method', async () => {
    let count = 0;
    await using server = await startFrames((stream, socket) => {
      socket.write(++count === 1 ? refuse(stream) : headersFrame(stream, [[':status', '204']], true));
    });
    const client = clientFor({ connect: connectHttp2 });
    const request = requestTo(`http://127.0.0.1:${server.port}`, { method: 'POST' });
    expect(await fetched(client, request)).toBe('204 ');
    expect(count).toBe(2);
  });

  test('twice is told', async () => {
    let count = 0;
    await using server = await startFrames((stream, socket) => {
      count++;
      socket.write(refuse(stream));
    });
    const client = clientFor({ connect: connectHttp2 });
    expect(await fetched(client, requestTo(`http://127.0.0.1:${server.port}`))).toBe('unsent http_protocol_error');
    expect(count).toBe(2);
  });

  test('is sent once more with its content, of which none had come', async () => {
    const content = new PassThrough();
    await using server = await startFrames((stream, socket) => {
      if (stream === 1) return void socket.write(refuse(stream));
      content.end('hello');
      socket.write(headersFrame(stream, [[':status', '204']], true));
    });
    const client = clientFor({ connect: connectHttp2 });
    const parts = { method: 'POST', framing: { kind: 'length', octets: 5 }, content } as const;
    expect(await fetched(client, requestTo(`http://127.0.0.1:${server.port}`, parts))).toBe('204 ');
    const sent = await server.frame(({ type, payload }) => type === 'data' && payload.length > 0);
    expect([sent.stream, sent.payload.toString()]).toEqual([3, 'hello']);
    expect(content.listenerCount('data')).toBeLessThan(4); // no listeners of the first time
  });

  test('is told at once when some of its content has gone out', async () => {
    let count = 0;
    await using server = await startFrames((stream, socket) => {
      count++;
      socket.write(refuse(stream));
    });
    const client = clientFor({ connect: connectHttp2 });
    const content = new PassThrough();
    content.write('hel');
    const request = requestTo(`http://127.0.0.1:${server.port}`, { framing: { kind: 'chunked' }, content });
    expect(await fetched(client, request)).toBe('unsent http_protocol_error');
    expect(count).toBe(1);
    content.end(Buffer.alloc(1_000_000)); // more than a stream holds: somebody reads it
    await once(content, 'end');
  });

  test('and twice, with its content, is told, and what the client still sends is nobody’s', async () => {
    await using server = await startFrames((stream, socket) => void socket.write(refuse(stream)));
    const client = clientFor({ connect: connectHttp2 });
    const content = new PassThrough();
    const request = requestTo(`http://127.0.0.1:${server.port}`, { framing: { kind: 'chunked' }, content });
    expect(await fetched(client, request)).toBe('unsent http_protocol_error');
    content.end(Buffer.alloc(1_000_000));
    await once(content, 'end');
  });
});

describe('an origin that wants HTTP/1.1 instead (RFC 9113 7)', () => {
  const host = [['Host', 'o.example']] as const;

  test('of an exchange gets it, and is not asked in HTTP/2 again', async () => {
    const server = await start((stream) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED));
    const client = clientFor({ connect: http2 });
    expect(await fetched(client, requestTo(server.url, { path: '/a', fields: host }))).toBe('200 1.1 GET /a ');
    const content = Readable.from([Buffer.from('hello')]);
    const parts = {
      method: 'POST',
      fields: host,
      path: '/b',
      framing: { kind: 'length', octets: 5 },
      content,
    } as const;
    expect(await fetched(client, requestTo(server.url, parts))).toBe('200 1.1 POST /b hello');
    expect([server.streams(), server.connections()]).toEqual([1, 2]);
  });

  test('on the whole connection gets it, and is not asked in HTTP/2 again', async () => {
    await using frames = await startFrames((_, socket) => void socket.write(goawayFrame(0, 13)));
    await using plain = await startOrigin((_, socket) => void socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const connect: Connect = (address, isHttp1Required = false) =>
      isHttp1Required
        ? connectTo(['127.0.0.1'])({ ...address, port: plain.port })
        : connectHttp2({ ...address, port: frames.port });
    const client = clientFor({ connect });
    for (let i = 0; i < 3; i++) expect(await fetched(client, requestTo('http://o.example'))).toBe('204 ');
    expect([frames.connections, plain.connections, plain.requests.length]).toEqual([1, 1, 3]);
  });

  test('gets what many ask at once', async () => {
    const server = await start((stream) => stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED));
    const client = clientFor({ connect: http2 });
    const asked = Array.from({ length: 20 }, (_, i) =>
      fetched(client, requestTo(server.url, { path: `/${i}`, fields: host })),
    );
    expect(await Promise.all(asked)).toEqual(asked.map((_, i) => `200 1.1 GET /${i} `));
  });

  test('gets content that comes only then, also where one connection is all that there may be', async () => {
    const content = new PassThrough();
    const server = await start((stream) => {
      stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
      setImmediate(() => content.end('hello'));
    });
    const client = clientFor({ connect: http2, maxConnections: 1 });
    const parts = { method: 'POST', fields: host, path: '/', framing: { kind: 'chunked' }, content } as const;
    expect(await fetched(client, requestTo(server.url, parts))).toBe('200 1.1 POST / hello');
  });
});

test.each([
  ['its head', 0],
  ['its content', 1],
])('I09: an origin that falls silent in %s is asked on another connection the next time', async (_, frames) => {
  await using server = await startFrames((stream, socket) => {
    if (stream === 1) socket.write(headersFrame(stream, [[':status', '204']], true));
    else if (frames > 0) socket.write(headersFrame(stream, [[':status', '200']]));
  });
  const client = clientFor({ connect: connectHttp2 });
  const url = `http://127.0.0.1:${server.port}`;
  expect(await fetched(client, requestTo(url))).toBe('204 ');
  expect(await fetched(client, requestTo(url, { headDeadlineMs: 100, idleTimeoutMs: 20 }))).toMatch(/timeout$/);
  expect(await fetched(client, requestTo(url))).toBe('204 ');
  expect(server.connections).toBe(2);
});

test('without an exchange it is closed in its time, and in one it is not', async () => {
  const held: ServerHttp2Stream[] = [];
  const server = await start((stream) => void held.push(stream));
  const options = { ...clientLimits, keepAliveTimeoutMs: 2 * sweepIntervalMs, connect: http2 };
  const pool = new Pool(server.url, options);
  onTestFinished(() => pool.close());
  const answer = new Promise<Parameters<Parameters<Pool['send']>[1]>[0]>((resolve) =>
    pool.send(requestTo(server.url), resolve),
  );
  await until(() => held.length === 1);
  for (let i = 0; i < 10; i++) pool.sweep();
  held[0]?.respond({ ':status': 204 }, { endStream: true });
  expect((await contentOf(await answer)).ending).toBe('end');
  await until(() => {
    pool.sweep();
    return pool.isEmpty && server.sessions().length === 0;
  });
});

test('closing it ends what goes on, before its head and in its content', async () => {
  const server = await start((stream, path) => {
    if (path === '/content') stream.respond({ ':status': 200 });
    if (path === '/content') stream.write('hello');
  });
  const client = clientFor({ connect: http2 });
  const answer = client.send(requestTo(server.url, { path: '/content' }));
  const received = drained(responseOf(await answer).content);
  const silent = client.send(requestTo(server.url));
  await until(() => server.streams() === 2);
  await client.close();
  expect(await silent).toMatchObject({ error: { type: 'proxy_internal_response', status: 503 } });
  expect(await received).toMatchObject({ octets: 'hello', ending: 'proxy_internal_response' });
  await until(() => server.sessions().length === 0);
});

test('I03: exchanges that end at any moment, from any side, leave it usable, and no sockets', async () => {
  await until(() => openSockets() === 0); // of the test before
  const server = await start((stream, path) => {
    const [, act] = path.split('/');
    if (act === 'silent') return;
    if (act === 'reset') stream.close(2);
    else if (act === 'early') stream.respond({ ':status': 413 }, { endStream: true });
    else {
      stream.respond({ ':status': 200 });
      stream.write(Buffer.alloc(20_000));
      if (act === 'half') setImmediate(() => stream.close(8));
      else stream.pipe(stream);
    }
  });
  const client = clientFor({ connect: http2, maxConnections: 1 });
  const acts = ['silent', 'reset', 'early', 'half', 'echo'];
  const all = Array.from({ length: 300 }, async (_, i) => {
    const leaving = leaver();
    const content = i % 2 === 0 ? new PassThrough() : undefined;
    content?.on('error', () => undefined).write(Buffer.alloc(i * 100));
    const path = `/${acts[i % acts.length]}/${i}`;
    const framing = { kind: content === undefined ? 'none' : 'chunked' } as const;
    const sent = client.send(requestTo(server.url, { path, framing, content, onLeave: leaving.onLeave }));
    for (let turns = i % 7; turns > 0; turns--) await turn();
    if (i % 3 === 0) content?.destroy(new Error('x'));
    else if (i % 3 === 1) content?.end();
    for (let turns = i % 11; turns > 0; turns--) await turn();
    if (i % 4 === 0 || path.startsWith('/silent')) leaving.leave();
    const answer = await sent;
    if (answer.kind === 'failed') return;
    if (i % 4 < 2)
      answer.content.cancel(); // who has left hears nothing more
    else {
      const received = drained(answer.content);
      content?.end();
      await received;
    }
  });
  await Promise.all(all);
  expect(await fetched(client, requestTo(server.url, { path: '/early' }))).toBe('413 ');
  expect(server.connections()).toBe(1);
  await client.close();
  await until(() => openSockets() === 0);
});

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

async function start(answer: (stream: ServerHttp2Stream, path: string) => void) {
  const sockets: TLSSocket[] = [];
  const sessions: ServerHttp2Session[] = [];
  let streams = 0;
  const server = createSecureServer({ ...certificate, allowHTTP1: true, settings: { maxConcurrentStreams: 1_000 } });
  server.on('request', (request, response) => {
    if (request.httpVersion === '2.0') return;
    response.write(`${request.httpVersion} ${request.method} ${request.url} `);
    request.pipe(response);
  });
  server.on('secureConnection', (socket) => void sockets.push(socket.on('error', () => undefined)));
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined).once('close', () => void sessions.splice(sessions.indexOf(session), 1));
  });
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, fields) => {
    streams++;
    stream.on('error', () => undefined);
    answer(stream as ServerHttp2Stream, fields[':path'] ?? '');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return {
    url: `https://127.0.0.1:${(server.address() as { port: number }).port}`,
    connections: () => sockets.length,
    sockets: () => sockets,
    sessions: () => sessions,
    streams: () => streams,
  };
}
