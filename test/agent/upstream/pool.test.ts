// The connections to one origin: bounded, served in order, kept while they are of use, and never one that is not.
import { once } from 'node:events';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Connect, Connecting } from '../../../agent/upstream/connect.ts';
import { Pool, sweepIntervalMs } from '../../../agent/upstream/pool.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { connectedBy, FakeSocket } from '../../support/fake-socket.ts';
import { message } from '../../support/origin.ts';
import {
  clientFor,
  clientLimits,
  connectHttp2,
  connectTo,
  contentOf,
  fetched,
  leaver,
  originFor,
  requestTo,
  until,
} from '../../support/upstream.ts';

const empty = message(['HTTP/1.1 200 OK', 'Content-Length: 0']);
const origin = 'http://o.example';

describe('maxConnections', () => {
  test('are opened, and what exceeds them waits and is served in its order', async () => {
    const sockets: Socket[] = [];
    const server = await originFor((_, socket) => void sockets.push(socket));
    const client = clientFor({ maxConnections: 2 });
    const answers = ['/1', '/2', '/3', '/4', '/5'].map((path) => fetched(client, requestTo(server.url, { path })));
    for (let served = 0; served < 5; served++) {
      await server.received(Math.min(served + 2, 5));
      expect(server.requests.length).toBe(Math.min(served + 2, 5));
      sockets[served]?.write(empty);
      expect(await answers[served]).toBe('200 ');
    }
    expect(server.connections).toBe(2);
    // The first two came on two connections at once.
    expect(server.requests.slice(2).map(({ target }) => target)).toEqual(['/3', '/4', '/5']);
  });

  test('that are all in use for headDeadlineMs are told', async () => {
    const server = await originFor(() => undefined);
    const client = clientFor({ maxConnections: 1 });
    const { onLeave, leave } = leaver();
    const first = client.send(requestTo(server.url, { onLeave }));
    await server.received(1);
    expect(await client.send(requestTo(server.url, { headDeadlineMs: 5 }))).toMatchObject({
      kind: 'failed',
      error: { type: 'connection_limit_reached', advice: expect.stringContaining('maxOriginConnections') },
      progress: 'unsent',
    });
    leave();
    await first;
  });

  test('that are still being made after headDeadlineMs are told as such', async () => {
    const client = clientFor({ connect: () => new Promise(() => undefined) });
    expect(await client.send(requestTo(origin, { headDeadlineMs: 5 }))).toMatchObject({
      kind: 'failed',
      error: { type: 'connection_timeout' },
      progress: 'unsent',
    });
  });

  test('are not exceeded by whoever comes in a moment when one is free: who waits goes first', async () => {
    const { sockets, connect } = fakes();
    const client = clientFor({ maxConnections: 1, connect });
    const first = client.send(requestTo(origin));
    const second = client.send(requestTo(origin, { path: '/second' }));
    await turn();
    const [socket] = sockets as [FakeSocket];
    socket.comes(empty.toString());
    const third = client.send(requestTo(origin, { path: '/third' }));
    await first;
    await turn();
    expect(targets(socket)).toEqual(['/', '/second']);
    socket.comes(empty.toString());
    await second;
    await turn();
    expect(targets(socket)).toEqual(['/', '/second', '/third']);
    socket.comes(empty.toString());
    expect((await third).kind).toBe('response');
    expect(sockets.length).toBe(1);
  });
});

test('B02: a second response is nobody’s, also when the next request waits for the connection', async () => {
  const { sockets, connect } = fakes();
  const client = clientFor({ maxConnections: 1, connect });
  const answers = ['/1', '/2'].map((path) => fetched(client, requestTo(origin, { path })));
  await turn();
  const [first] = sockets as [FakeSocket];
  first.comes(message(['HTTP/1.1 200 OK', 'Content-Length: 1'], '1').toString());
  first.comes(message(['HTTP/1.1 200 OK', 'Content-Length: 4'], 'evil').toString()); // read in the same turn
  expect(await answers[0]).toBe('200 1');
  await until(() => sockets.length === 2);
  await turn();
  expect(targets(first)).toEqual(['/1']);
  sockets[1]?.comes(message(['HTTP/1.1 200 OK', 'Content-Length: 1'], '2').toString());
  expect(await answers[1]).toBe('200 2');
});

describe('who leaves while waiting', () => {
  test('for a connection to be free is told at once, and nothing of the request goes out', async () => {
    const sockets: Socket[] = [];
    const server = await originFor((_, socket) => void sockets.push(socket));
    const client = clientFor({ maxConnections: 1 });
    const { onLeave, leave } = leaver();
    const first = fetched(client, requestTo(server.url, { path: '/1' }));
    await server.received(1);
    const second = client.send(requestTo(server.url, { path: '/2', onLeave }));
    const third = fetched(client, requestTo(server.url, { path: '/3' }));
    leave();
    expect(await second).toMatchObject({ error: { type: 'http_request_error', status: 499 }, progress: 'unsent' });
    sockets[0]?.write(empty);
    expect(await first).toBe('200 ');
    await server.received(2);
    sockets[0]?.write(empty);
    expect(await third).toBe('200 ');
    expect(server.requests.map(({ target }) => target)).toEqual(['/1', '/3']);
  });

  test('for a connection to be made leaves it to others', async () => {
    const { sockets, connect } = fakes();
    const client = clientFor({ connect });
    const { onLeave, leave } = leaver();
    const gone = client.send(requestTo(origin, { onLeave }));
    leave();
    expect((await gone).kind).toBe('failed');
    await turn();
    const answer = client.send(requestTo(origin, { path: '/next' }));
    expect([sockets.length, targets(sockets[0])]).toEqual([1, ['/next']]);
    sockets[0]?.comes(empty.toString());
    expect((await answer).kind).toBe('response');
  });

  test('and comes later changes nothing', async () => {
    const { sockets, connect } = fakes();
    const client = clientFor({ connect });
    const leaving = leaver();
    const answer = client.send(requestTo(origin, leaving));
    await turn();
    sockets[0]?.comes(empty.toString());
    expect((await answer).kind).toBe('response');
    leaving.leave();
    expect([sockets[0]?.cuts, leaving.heard]).toEqual([0, 2]);
  });
});

test('a request whose content has failed before a connection was free sends nothing', async () => {
  const { sockets, connect } = fakes();
  const client = clientFor({ connect });
  const content = new Readable({ read: () => undefined });
  content.on('error', () => undefined);
  const answer = client.send(requestTo(origin, { framing: { kind: 'chunked' }, content }));
  content.destroy(new ProxyError('http_request_error', 'left'));
  expect(await answer).toMatchObject({ error: { message: 'left' }, progress: 'unsent' });
  expect(sockets[0]?.written).toBe('');
});

describe('a connection that cannot be made', () => {
  const refused = new ProxyError('connection_refused', 'x');

  test('is told to all who wait, when there is no other', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const connecting = attempts();
    const client = clientFor({ maxConnections: 2, connect: connecting.connect });
    const answers = [1, 2, 3].map(() => client.send(requestTo(origin)));
    for (const attempt of connecting.all) attempt.resolve({ kind: 'failed', error: refused });
    const failed = { kind: 'failed', error: refused, progress: 'unsent' };
    expect(await Promise.all(answers)).toEqual([failed, failed, failed]);
    expect([connecting.all.length, vi.getTimerCount()]).toEqual([2, 0]);
  });

  test('is told to one when there are others, and the next one is tried for the rest', async () => {
    const connecting = attempts();
    const client = clientFor({ maxConnections: 2, connect: connecting.connect });
    const socket = new FakeSocket();
    const long = client.send(requestTo(origin));
    connecting.all[0]?.resolve({ kind: 'connected', connected: connectedBy(socket) });
    await turn();
    const second = client.send(requestTo(origin));
    const third = client.send(requestTo(origin));
    expect(connecting.all.length).toBe(2);
    connecting.all[1]?.resolve({ kind: 'failed', error: refused });
    expect(await second).toMatchObject({ error: refused });
    expect(connecting.all.length).toBe(3); // else the third would wait for the first to end
    const other = new FakeSocket();
    connecting.all[2]?.resolve({ kind: 'connected', connected: connectedBy(other) });
    await turn();
    other.comes(empty.toString());
    expect((await third).kind).toBe('response');
    socket.comes(empty.toString());
    expect((await long).kind).toBe('response');
  });

  test('I03: for a reason nobody has thought of is a failure like others', async () => {
    const client = clientFor({ connect: () => Promise.reject(new Error('unforeseen')) });
    expect(await client.send(requestTo(origin))).toMatchObject({
      kind: 'failed',
      error: { status: 502 },
      progress: 'unsent',
    });
  });

  test('does not stop the next request from trying', async () => {
    const connecting = attempts();
    const client = clientFor({ connect: connecting.connect });
    const first = client.send(requestTo(origin));
    connecting.all[0]?.resolve({ kind: 'failed', error: refused });
    await first;
    void client.send(requestTo(origin));
    expect(connecting.all.length).toBe(2);
  });
});

describe('a connection without an exchange', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['ended', (socket) => void socket.end()],
    ['reset', (socket) => void socket.resetAndDestroy()],
    ['used to say something unasked', (socket) => void socket.write('HTTP/1.1 408 Hm\r\nConnection: close\r\n\r\n')],
  ])('that the origin has %s is not used again', async (_, act) => {
    const received: Socket[] = [];
    const server = await originFor((_, socket) => {
      received.push(socket);
      socket.write(empty);
    });
    const made: Socket[] = [];
    const connect: Connect = async (address) => {
      const connecting = await connectTo(['127.0.0.1'])(address);
      if (connecting.kind === 'connected') made.push(connecting.connected.socket);
      return connecting;
    };
    const client = clientFor({ connect });
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    act(received[0] as Socket);
    await until(() => made[0]?.destroyed === true);
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    expect(server.connections).toBe(2);
  });

  test.each([
    ['keepAliveTimeoutMs', '', 2],
    ['a longer time that the origin names', 'Keep-Alive: timeout=9', 2],
    ['a shorter time that the origin names', 'Keep-Alive: timeout=1', 2],
    ['no time at all', 'Keep-Alive: timeout=0', 1],
  ])('is closed within %s', async (_, line, sweeps) => {
    const { sockets, connect } = fakes();
    const pool = new Pool(origin, { ...clientLimits, keepAliveTimeoutMs: 2 * sweepIntervalMs, connect });
    const answer = new Promise((resolve) => pool.send(requestTo(origin), resolve));
    await turn();
    sockets[0]?.comes(`HTTP/1.1 204 \r\n${line === '' ? '' : `${line}\r\n`}\r\n`);
    await answer;
    for (let i = 1; i < sweeps; i++) pool.sweep();
    expect([sockets[0]?.destroyed, pool.isEmpty]).toEqual([false, false]);
    pool.sweep();
    expect(sockets[0]?.destroyed).toBe(true);
    await turn();
    expect(pool.isEmpty).toBe(true);
  });

  test('begins its time anew with each exchange, and is never closed in one', async () => {
    const { sockets, connect } = fakes();
    const pool = new Pool(origin, { ...clientLimits, keepAliveTimeoutMs: 2 * sweepIntervalMs, connect });
    const ask = () => new Promise((resolve) => pool.send(requestTo(origin), resolve));
    for (let i = 0; i < 3; i++) {
      const answer = ask();
      await turn();
      for (let j = 0; j < 10; j++) pool.sweep();
      sockets[0]?.comes(empty.toString());
      await answer;
      pool.sweep();
    }
    expect([sockets.length, sockets[0]?.destroyed]).toEqual([1, false]);
  });

  test('is looked at every sweepIntervalMs while there is a client', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { sockets, connect } = fakes();
    const client = clientFor({ keepAliveTimeoutMs: 3 * sweepIntervalMs, connect });
    const answer = client.send(requestTo(origin));
    await turn();
    sockets[0]?.comes(empty.toString());
    await answer;
    vi.advanceTimersByTime(3 * sweepIntervalMs - 1);
    expect(sockets[0]?.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(sockets[0]?.destroyed).toBe(true);
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of those that are free the last used is used first', async () => {
    const { sockets, connect } = fakes();
    const client = clientFor({ connect });
    const answers = [client.send(requestTo(origin)), client.send(requestTo(origin))];
    await turn();
    sockets[1]?.comes(empty.toString());
    sockets[0]?.comes(empty.toString());
    await Promise.all(answers);
    void client.send(requestTo(origin, { path: '/next' }));
    expect(sockets.map(targets)).toEqual([['/', '/next'], ['/']]);
  });
});

describe('I10: nothing stays behind', () => {
  // Every timer of the agent is one of these, and no other is.
  beforeEach(async () => {
    await until(() => openSockets() === 0); // of the test before
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => void vi.useRealTimers());

  async function nothingLeft(): Promise<void> {
    await until(() => openSockets() === 0);
    expect(vi.getTimerCount()).toBe(0);
  }

  test('a thousand exchanges one after the other', async () => {
    const server = await originFor((_, socket) => void socket.write(empty));
    const client = clientFor();
    for (let i = 0; i < 1_000; i++) expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    expect(server.connections).toBe(1);
    await client.close();
    await nothingLeft();
  });

  test('two hundred exchanges at once', async () => {
    const server = await originFor(async (request, socket) => {
      const { length } = await request.content;
      const text = `${request.target} ${length}`;
      socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`], text));
    });
    const client = clientFor({ maxConnections: 64 });
    const contents = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        fetched(
          client,
          requestTo(server.url, {
            method: 'POST',
            path: `/${i}`,
            framing: { kind: 'length', octets: i + 1 },
            content: Readable.from([Buffer.alloc(i + 1)]),
          }),
        ),
      ),
    );
    expect(contents).toEqual(contents.map((_, i) => `200 /${i} ${i + 1}`)); // I13: each its own
    expect(server.connections).toBeLessThanOrEqual(64);
    await client.close();
    await nothingLeft();
  });

  test('a hundred exchanges that are left at any moment', async () => {
    const server = await originFor((request, socket) => {
      const number = Number(request.target.slice(1));
      if (number % 3 === 0) return;
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 9'], 'hello'));
    });
    const client = clientFor({ maxConnections: 16 });
    const all = Array.from({ length: 100 }, async (_, i) => {
      const { onLeave, leave } = leaver();
      const sent = client.send(requestTo(server.url, { path: `/${i}`, onLeave }));
      if (i % 3 === 2) leave();
      else if (i % 3 === 0) void turn().then(leave);
      const answer = await sent;
      if (answer.kind === 'response') answer.content.cancel();
    });
    await Promise.all(all);
    await client.close();
    await nothingLeft();
  });
});

describe('of HTTP/2', () => {
  test('one connection is enough for all: others that were begun are given up', async () => {
    const server = await http2Server((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const client = clientFor({ connect: connectHttp2 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetched(client, requestTo(server.url))));
    expect(answers).toEqual(Array.from({ length: 5 }, () => '204 '));
    expect(server.sessionsUsed()).toBe(1);
    await until(() => server.sessions() === 1);
  });

  test('where one takes no more there are others, within maxConnections, and all are closed when they are idle', async () => {
    const streams: ServerHttp2Stream[] = [];
    const server = await http2Server((stream) => void streams.push(stream), { maxConcurrentStreams: 1 });
    const pool = new Pool(server.url, { ...clientLimits, maxConnections: 2, connect: connectHttp2 });
    onTestFinished(() => pool.close());
    const ask = (path: string) =>
      new Promise<Parameters<Parameters<Pool['send']>[1]>[0]>((resolve) =>
        pool.send(requestTo(server.url, { path }), resolve),
      ).then(contentOf);
    const answers = [];
    for (let open = 1; open <= 2; open++) {
      answers.push(ask(`/${open}`));
      await until(() => streams.length === open && server.acknowledged() === open); // its settings are known
    }
    answers.push(ask('/3'), ask('/4'));
    for (let i = 0; i < 4; i++) {
      await until(() => streams.length > 0);
      streams.shift()?.respond({ ':status': 204 }, { endStream: true });
    }
    for (const { ending } of await Promise.all(answers)) expect(ending).toBe('end');
    expect(server.sessionsUsed()).toBe(2);
    expect(pool.isEmpty).toBe(false);
    await until(() => {
      pool.sweep();
      return server.sessions() === 0 && pool.isEmpty;
    });
  });

  test('who waits is served when there is room again, though the connection is never without exchange', async () => {
    const streams: ServerHttp2Stream[] = [];
    const server = await http2Server((stream) => void streams.push(stream), { maxConcurrentStreams: 2 });
    const client = clientFor({ maxConnections: 1, connect: connectHttp2 });
    const warm = client.send(requestTo(server.url));
    await until(() => streams.length === 1 && server.acknowledged() === 1);
    streams.shift()?.respond({ ':status': 204 }, { endStream: true });
    await contentOf(await warm);
    const { onLeave, leave } = leaver();
    const long = client.send(requestTo(server.url, { path: '/long', onLeave }));
    const others = ['/1', '/2', '/3'].map((path) => fetched(client, requestTo(server.url, { path })));
    await until(() => streams.length === 2);
    streams.shift();
    for (const other of others) {
      await until(() => streams.length === 1);
      streams.shift()?.respond({ ':status': 204 }, { endStream: true });
      expect(await other).toBe('204 ');
    }
    leave();
    expect((await long).kind).toBe('failed');
  });
});

/** Connections whose other side is the test, in the order in which they are made. */
function fakes(): { readonly sockets: FakeSocket[]; readonly connect: Connect } {
  const sockets: FakeSocket[] = [];
  return {
    sockets,
    connect: async () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return { kind: 'connected', connected: connectedBy(socket) };
    },
  };
}

/** Attempts to connect that end when the test says so. */
function attempts(): { readonly all: PromiseWithResolvers<Connecting>[]; readonly connect: Connect } {
  const all: PromiseWithResolvers<Connecting>[] = [];
  return {
    all,
    connect: () => {
      const attempt = Promise.withResolvers<Connecting>();
      all.push(attempt);
      return attempt.promise;
    },
  };
}

/** The targets of the requests that were written to a connection. */
function targets(socket: FakeSocket | undefined): string[] {
  return [...(socket?.written ?? '').matchAll(/^GET (\S+) /gm)].map(([, target = '']) => target);
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

async function http2Server(
  answer: (stream: ServerHttp2Stream) => void,
  settings: { maxConcurrentStreams?: number } = {},
) {
  const sessions = new Set<ServerHttp2Session>();
  const used = new Set<ServerHttp2Session>();
  let acknowledged = 0;
  const server = createServer({ settings });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
    session.once('localSettings', () => acknowledged++);
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    used.add(stream.session as ServerHttp2Session);
    answer(stream as ServerHttp2Stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    sessions: () => sessions.size,
    sessionsUsed: () => used.size,
    acknowledged: () => acknowledged,
  };
}
