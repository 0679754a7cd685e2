// One connection: exchanges one after the other, nothing outside of them, and an end that the other side notices.
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { UpstreamAnswer, UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { Http1Connection } from '../../../agent/upstream/http1-connection.ts';
import { headOctets } from '../../../agent/upstream/http1-request.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import { connectedBy, FakeSocket } from '../../support/fake-socket.ts';
import { chunk, message } from '../../support/origin.ts';
import {
  clientFor,
  clientLimits,
  contentOf,
  drained,
  fetched,
  leaver,
  originFor,
  requestTo,
  responseOf,
} from '../../support/upstream.ts';

const ok = 'HTTP/1.1 200 OK';
const empty = `${ok}\r\nContent-Length: 0\r\n\r\n`;
const get = requestTo('http://o.example');
const left = new ProxyError('http_request_error', 'The client left.');

describe('after a response', () => {
  test.each<[string, string, Buffer[], number]>([
    ['of a length', 'GET', [message([ok, 'Content-Length: 2'], 'ok')], 1],
    ['of no octets', 'GET', [message([ok, 'Content-Length: 0'])], 1],
    ['in chunks', 'GET', [message([ok, 'Transfer-Encoding: chunked']), chunk('ok'), chunk()], 1],
    ['with trailers', 'GET', [message([ok, 'Transfer-Encoding: chunked'], '0\r\nA: 1\r\n\r\n')], 1],
    ['to HEAD that tells a length', 'HEAD', [message([ok, 'Content-Length: 9'])], 1],
    ['to HEAD that tells of chunks', 'HEAD', [message([ok, 'Transfer-Encoding: chunked'])], 1],
    ['of 204', 'GET', [message(['HTTP/1.1 204 No Content'])], 1],
    ['of 304 that tells a length', 'GET', [message(['HTTP/1.1 304 Not Modified', 'Content-Length: 9'])], 1],
    ['of 103 and 200', 'GET', [message(['HTTP/1.1 103 Hm']), message([ok, 'Content-Length: 0'])], 1],
    ['that closes', 'GET', [message([ok, 'Content-Length: 2', 'Connection: close'], 'ok')], 2],
    ['of HTTP/1.0', 'GET', [message(['HTTP/1.0 200 OK', 'Content-Length: 2', 'Connection: keep-alive'], 'ok')], 2],
    ['B02: with another behind it', 'GET', [message([ok, 'Content-Length: 2'], 'ok'), message([ok, 'X: evil'])], 2],
    ['B08: of 204 with content', 'GET', [message(['HTTP/1.1 204 Hm', 'Content-Length: 2'], 'ok')], 2],
    ['B08: of 304 with content', 'GET', [message(['HTTP/1.1 304 Hm'], 'ok')], 2],
    ['B08: to HEAD with content', 'HEAD', [message([ok, 'Content-Length: 2'], 'ok')], 2],
    ['with an octet behind it', 'GET', [message([ok, 'Content-Length: 2'], 'ok\n')], 2],
  ])('%s (to %s) it is kept, or there is another: %#', async (_, method, octets, connections) => {
    const origin = await originFor((request, socket) => {
      socket.write(request.target === '/first' ? Buffer.concat(octets) : empty);
    });
    const client = clientFor();
    expect(await fetched(client, requestTo(origin.url, { method, path: '/first' }))).toMatch(/^\d+ (ok)?$/);
    expect(await fetched(client, requestTo(origin.url))).toBe('200 ');
    expect(origin.connections).toBe(connections);
  });

  test('B02: octets that come by themselves end the connection, and answer nobody', async () => {
    const { socket, ask, owner } = await connection();
    const first = ask();
    socket.comes(empty);
    expect((await contentOf(await first)).ending).toBe('end');
    expect(owner.idle).toHaveBeenCalledOnce();
    socket.comes(`${ok}\r\nContent-Length: 4\r\n\r\nevil`);
    await once(socket, 'close');
    expect(owner.closed).toHaveBeenCalledOnce();
  });

  test('an end of the other side ends the connection: nothing stays half-open', async () => {
    const { socket, ask, owner } = await connection();
    const first = ask();
    socket.comes(empty);
    await first;
    socket.push(null);
    await once(socket, 'close');
    expect(owner.closed).toHaveBeenCalledOnce();
  });

  test('it waits for nothing any more, and fifty exchanges leave as many listeners as one', async () => {
    const { socket, ask } = await connection();
    const counts: unknown[] = [];
    for (let i = 0; i < 50; i++) {
      const content = Readable.from([Buffer.from('hello')]);
      const answer = ask({ method: 'POST', framing: { kind: 'length', octets: 5 }, content });
      await once(content, 'end');
      await turn();
      socket.comes(`${ok}\r\nContent-Length: 2\r\n\r\no`);
      const received = contentOf(await answer);
      expect(socket.timeout).toBe(get.idleTimeoutMs);
      socket.comes('k');
      expect((await received).octets).toBe('ok');
      expect(socket.timeout).toBe(0);
      counts.push(socket.listening);
    }
    expect(counts.at(-1)).toEqual(counts[0]);
  });
});

describe('the time for', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('a head begins when the request is out, and interim responses do not lengthen it', async () => {
    const { socket, ask } = await connection();
    const content = new PassThrough();
    const answer = ask({ framing: { kind: 'chunked' }, content, headDeadlineMs: 1_000 });
    vi.advanceTimersByTime(3_600_000); // an upload may take long
    content.end();
    await once(content, 'end');
    await turn();
    vi.advanceTimersByTime(600);
    socket.comes('HTTP/1.1 102 Processing\r\n\r\n');
    vi.advanceTimersByTime(399);
    expect(socket.cuts).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await answer).toMatchObject({ error: { type: 'http_response_timeout' }, progress: 'unanswered' });
    expect(socket.cuts).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each<[string, (socket: FakeSocket, leave: () => void) => void]>([
    ['a head', (socket) => socket.comes(`${ok}\r\n`.concat('\r\n'))],
    ['a failure', (socket) => socket.comes('SSH-2.0-x\r\n')],
    ['an end', (socket) => void socket.push(null)],
    ['a reset', (socket) => void socket.destroy(Object.assign(new Error('x'), { code: 'ECONNRESET' }))],
    ['a client that leaves', (_, leave) => leave()],
  ])('a head ends with %s', async (_, act) => {
    const { socket, ask } = await connection();
    const { onLeave, leave } = leaver();
    const answer = ask({ onLeave });
    vi.advanceTimersByTime(59_999);
    act(socket, leave);
    await answer;
    const { cuts } = socket;
    vi.advanceTimersByTime(3_600_000);
    expect(socket.cuts).toBe(cuts);
  });

  test('a head does not begin with an upload that ends behind the head', async () => {
    const { socket, ask } = await connection();
    const content = new PassThrough();
    const answer = ask({ framing: { kind: 'chunked' }, content });
    socket.comes(`${ok}\r\n\r\n`);
    await answer;
    content.end();
    await once(content.resume(), 'end');
    await turn();
    expect([socket.written.endsWith('0\r\n\r\n'), vi.getTimerCount()]).toEqual([true, 0]);
  });
});

describe('content that stops', () => {
  test('is told when the time is over', async () => {
    const { socket, ask } = await connection();
    const answer = ask({ idleTimeoutMs: 5 });
    socket.comes(`${ok}\r\nContent-Length: 9\r\n\r\nhello`);
    const received = contentOf(await answer);
    expect(socket.timeout).toBe(5);
    socket.emit('timeout');
    expect(await received).toMatchObject({ octets: 'hello', ending: 'connection_read_timeout' });
    expect(socket.cuts).toBe(1);
  });

  test('because the client is slow does not fail, and its time begins again with the client', async () => {
    const { socket, ask } = await connection();
    const answer = ask({ idleTimeoutMs: 5 });
    socket.comes(`${ok}\r\nContent-Length: 9\r\n\r\nhello`);
    const { content } = responseOf(await answer);
    let wantsMore = false;
    const told: string[] = [];
    content.flow({
      write: (octets) => {
        told.push(octets.toString());
        return wantsMore;
      },
      end: () => void told.push('end'),
      fail: ({ type }) => void told.push(type),
    });
    expect(socket.isPaused()).toBe(true);
    socket.emit('timeout');
    expect(told).toEqual(['hello']);
    const before = socket.timeouts.length;
    wantsMore = true;
    content.resume();
    expect([socket.isPaused(), socket.timeouts.length]).toEqual([false, before + 1]);
    socket.emit('timeout');
    expect(told).toEqual(['hello', 'connection_read_timeout']);
  });

  test('a response that completes while the client is slow leaves the connection reading', async () => {
    const { socket, ask, owner } = await connection();
    const answer = ask();
    socket.comes(`${ok}\r\nContent-Length: 5\r\n\r\nhel`);
    responseOf(await answer).content.flow({ write: () => false, end: () => undefined, fail: () => undefined });
    expect(socket.isPaused()).toBe(true);
    socket.read(0);
    socket.resume(); // the rest had been read already
    socket.comes('lo');
    expect(owner.idle).toHaveBeenCalledOnce();
    expect(socket.isPaused()).toBe(false);
    const next = ask();
    socket.comes(empty);
    expect((await next).kind).toBe('response');
  });

  test('is held until somebody reads it, up to maxOctetsHeld and one piece', async () => {
    const { socket, ask } = await connection();
    const answer = ask({ maxOctetsHeld: 10 });
    socket.comes(`${ok}\r\nContent-Length: 20\r\n\r\n`);
    const { content } = responseOf(await answer);
    socket.comes('123456789');
    expect(socket.isPaused()).toBe(false);
    socket.comes('0');
    expect(socket.isPaused()).toBe(true);
    const received = drained(content);
    expect(socket.isPaused()).toBe(false);
    socket.comes('1234567890');
    expect((await received).octets).toBe('12345678901234567890');
  });
});

describe('a connection that ends instead of answering', () => {
  const end = (socket: FakeSocket) => void socket.push(null);
  const reset = (socket: FakeSocket) => void socket.destroy(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
  const gone = (socket: FakeSocket) => void socket.destroy();

  test.each([
    ['an end', end],
    ['a reset', reset],
    ['a close', gone],
  ])('is stale when it was kept, and only then (%s)', async (_, act) => {
    const { socket, ask } = await connection();
    const first = ask();
    socket.comes(empty);
    await first;
    const second = ask();
    act(socket);
    expect(await second).toMatchObject({ error: { type: 'connection_terminated' }, progress: 'stale' });
    const fresh = await connection();
    const only = fresh.ask();
    act(fresh.socket);
    expect(await only).toMatchObject({ error: { type: 'connection_terminated' }, progress: 'unanswered' });
  });

  test.each<[string, string, (socket: FakeSocket, leave: () => void) => void]>([
    ['half a head', 'connection_terminated', (socket) => [socket.comes('HTTP/1.1'), end(socket)]],
    ['an interim response', 'connection_terminated', (socket) => [socket.comes('HTTP/1.1 103 \r\n\r\n'), end(socket)]],
    ['octets that are no HTTP', 'http_protocol_error', (socket) => socket.comes('x')],
    ['a client that leaves', 'http_request_error', (_, leave) => leave()],
  ])('is not stale after %s, though it was kept: the request is not sent again', async (_, type, act) => {
    const { socket, ask } = await connection();
    const first = ask();
    socket.comes(empty);
    await first;
    const { onLeave, leave } = leaver();
    const second = ask({ onLeave });
    act(socket, leave);
    expect(await second).toMatchObject({ kind: 'failed', error: { type }, progress: 'unanswered' });
  });

  test('is not stale when it was the time that was over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { socket, ask } = await connection();
    const first = ask();
    socket.comes(empty);
    await first;
    const second = ask({ headDeadlineMs: 5 });
    vi.advanceTimersByTime(5);
    expect(await second).toMatchObject({ error: { type: 'http_response_timeout' }, progress: 'unanswered' });
  });

  test('B05: tells content without its end as incomplete', async () => {
    for (const act of [end, reset, gone]) {
      const { socket, ask } = await connection();
      const answer = ask();
      socket.comes(`${ok}\r\nContent-Length: 9\r\n\r\nhello`);
      const received = contentOf(await answer);
      act(socket);
      expect(await received).toMatchObject({ octets: 'hello', ending: 'http_response_incomplete' });
    }
  });
});

describe('a request', () => {
  test('goes out in one write when it has no content', async () => {
    const { socket, ask } = await connection();
    const write = vi.spyOn(socket, '_write');
    void ask({ fields: [['Host', 'o.example']] });
    expect(socket.written).toBe('GET / HTTP/1.1\r\nHost: o.example\r\n\r\n');
    expect(write).toHaveBeenCalledOnce();
  });

  test.each([
    ['/a?b', undefined, '/a?b'],
    ['*', undefined, '*'],
    ['/a?b', { authorization: undefined }, 'http://o.example/a?b'],
    ['*', { authorization: undefined }, 'http://o.example'],
  ])('for %s, to a proxy or not (%j), asks for %s: RFC 9112 3.2', (path, absoluteForm, target) => {
    const head = headOctets(requestTo('http://o.example', { method: 'OPTIONS', path }), absoluteForm);
    expect(head).toBe(`OPTIONS ${target} HTTP/1.1\r\n\r\n`);
  });

  test.each<[string, Partial<UpstreamRequest>, string]>([
    [
      'of a length',
      { framing: { kind: 'length', octets: 5 }, content: Readable.from([Buffer.from('hel'), Buffer.from('lo')]) },
      'Content-Length: 5\r\n\r\nhello',
    ],
    ['of no octets', { framing: { kind: 'length', octets: 0 } }, 'Content-Length: 0\r\n\r\n'],
    [
      'in chunks',
      { framing: { kind: 'chunked' }, content: Readable.from([Buffer.from('hel'), Buffer.alloc(17, 'x')]) },
      `Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n11\r\n${'x'.repeat(17)}\r\n0\r\n\r\n`,
    ],
    [
      'in chunks with trailers',
      {
        framing: { kind: 'chunked' },
        content: Readable.from([]),
        trailers: () => [
          ['A', '1'],
          ['a', '\xe9'],
        ],
      },
      'Transfer-Encoding: chunked\r\n\r\n0\r\nA: 1\r\na: \xe9\r\n\r\n',
    ],
  ])('has its content %s', async (_, parts, octets) => {
    const { socket, ask } = await connection();
    const answer = ask({ method: 'POST', ...parts });
    await turn();
    expect(socket.written).toBe(`POST / HTTP/1.1\r\n${octets}`);
    socket.comes(empty);
    expect((await answer).kind).toBe('response');
  });

  test.each([
    ['longer', ['hello', '!'], 'hello'],
    ['longer in one piece', ['hello!'], ''],
    ['shorter', ['hel'], 'hel'],
  ])('whose content is %s than announced breaks off, and no octet beyond goes out', async (_, pieces, octets) => {
    const { socket, ask } = await connection();
    const content = Readable.from(pieces.map((piece) => Buffer.from(piece)));
    const answer = await ask({ method: 'POST', framing: { kind: 'length', octets: 5 }, content });
    expect(answer).toMatchObject({ kind: 'failed', error: { type: 'http_request_error', status: 400 } });
    expect(socket.written).toBe(`POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n${octets}`);
    expect(socket.cuts).toBe(1);
  });

  test.each<[string, UpstreamRequest['framing']]>([
    ['of a length', { kind: 'length', octets: 10 }],
    ['in chunks', { kind: 'chunked' }],
  ])('I08: whose content %s fails breaks the connection off: the origin never sees all of it', async (_, framing) => {
    const content = new PassThrough();
    const gone = Promise.withResolvers<void>();
    const origin = await originFor((_, socket) => {
      socket.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? gone.resolve() : undefined,
      );
    });
    const answer = clientFor().send(requestTo(origin.url, { method: 'POST', framing, content }));
    content.write('hello');
    const request = await origin.received(1);
    content.destroy(left);
    expect(await answer).toMatchObject({ kind: 'failed', error: left, progress: 'unanswered' });
    await gone.promise;
    await expect(request.content).rejects.toThrow();
  });

  test('waits for an origin that does not read, and a client that is ahead waits with it', async () => {
    const { socket, ask } = await connection();
    socket.isStuck = true;
    const content = new PassThrough();
    const answer = ask({ framing: { kind: 'chunked' }, content });
    content.write(Buffer.alloc(100_000, 'x'));
    await turn();
    expect(content.isPaused()).toBe(true);
    content.end();
    socket.unstick();
    await turn();
    expect(socket.written).toContain('0\r\n\r\n');
    socket.comes(empty);
    expect((await answer).kind).toBe('response');
  });
});

describe('content that is not taken', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());
  const big = Buffer.alloc(100_000, 'x');
  const chunked = { framing: { kind: 'chunked' }, idleTimeoutMs: 1_000 } as const;

  test('is told when the time is over', async () => {
    const { socket, ask } = await connection();
    socket.isStuck = true;
    const content = new PassThrough();
    const answer = ask({ ...chunked, content });
    vi.advanceTimersByTime(3_600_000); // it is the client who is slow
    content.write(big);
    await turn();
    vi.advanceTimersByTime(999);
    expect(socket.cuts).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await answer).toMatchObject({ error: { type: 'connection_write_timeout', status: 504 } });
    await once(socket, 'close');
    expect([socket.cuts, vi.getTimerCount()]).toEqual([1, 0]);
  });

  test('has no time any more when it was taken: then it is the client that is awaited', async () => {
    const { socket, ask } = await connection();
    socket.isStuck = true;
    const content = new PassThrough();
    const answer = ask({ ...chunked, content });
    content.write(big);
    await turn();
    vi.advanceTimersByTime(999);
    socket.unstick();
    await turn();
    vi.advanceTimersByTime(3_600_000);
    content.end();
    await turn();
    socket.comes(empty);
    expect((await answer).kind).toBe('response');
  });

  test('is told in the content of a response that came before', async () => {
    const { socket, ask } = await connection();
    socket.isStuck = true;
    const content = new PassThrough();
    const answer = ask({ ...chunked, content });
    socket.comes(`${ok}\r\nContent-Length: 9\r\n\r\nhello`);
    const received = contentOf(await answer);
    content.write(big);
    await turn();
    vi.advanceTimersByTime(1_000);
    expect((await received).ending).toBe('connection_write_timeout');
  });

  test('while the client holds the response back is not told before the client wants more', async () => {
    const { socket, ask } = await connection();
    socket.isStuck = true;
    const content = new PassThrough();
    const answer = ask({ ...chunked, content });
    socket.comes(`${ok}\r\nContent-Length: 9\r\n\r\nhello`);
    const response = responseOf(await answer);
    const told: string[] = [];
    response.content.flow({ write: () => false, end: () => undefined, fail: ({ type }) => void told.push(type) });
    content.write(big);
    await turn();
    vi.advanceTimersByTime(10_000);
    expect(told).toEqual([]);
    response.content.resume();
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(['connection_write_timeout']);
  });
});

describe('a response that comes before the request is out', () => {
  const early = 'HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\n';

  test('reaches the client whole, and what the client still sends is nobody’s', async () => {
    const { socket, ask, owner } = await connection();
    const content = new PassThrough();
    const answer = ask({ framing: { kind: 'chunked' }, content });
    content.write('hello');
    await turn();
    expect(socket.written).toContain('hello');
    socket.comes(`${early}no`);
    const received = contentOf(await answer);
    socket.comes('!');
    expect(await received).toMatchObject({ octets: 'no!', ending: 'end' });
    await once(socket, 'close');
    content.write(Buffer.alloc(1_000_000)); // more than a stream holds: somebody reads it
    content.end();
    await once(content, 'end');
    expect(socket.written).not.toContain('0\r\n\r\n');
    expect(owner.idle).not.toHaveBeenCalled();
  });

  test('and closes reaches the client', async () => {
    const content = new PassThrough();
    const origin = await originFor((_, socket) => void socket.end(`${early}no!`));
    const answer = clientFor().send(requestTo(origin.url, { framing: { kind: 'chunked' }, content }));
    content.write('hello');
    expect(await contentOf(await answer)).toMatchObject({ octets: 'no!', ending: 'end' });
  });

  test('goes on while the request does, and keeps the connection when both are whole', async () => {
    const { socket, ask, owner } = await connection();
    const content = new PassThrough();
    const answer = ask({ framing: { kind: 'length', octets: 10 }, content });
    content.write('hello');
    await turn();
    expect(socket.written).toContain('hello');
    socket.comes(`${early}n`);
    const received = contentOf(await answer);
    content.end('again');
    await once(content, 'end');
    await turn();
    socket.comes('o!');
    expect(await received).toMatchObject({ octets: 'no!', ending: 'end' });
    expect(owner.idle).toHaveBeenCalledOnce();
  });
});

describe('interim responses', () => {
  test('are passed on as they come, 100 as well', async () => {
    const { socket, ask } = await connection();
    const told: unknown[] = [];
    const answer = ask({ onInterim: (status, fields) => void told.push([status, fields]) });
    socket.comes('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    expect(told).toEqual([
      [100, []],
      [103, [['Link', '</a>']]],
    ]);
    socket.comes(empty);
    expect(responseOf(await answer).status).toBe(200);
  });

  test('that nobody wants to hear of are no fault', async () => {
    const { socket, ask } = await connection();
    const answer = ask();
    socket.comes(`HTTP/1.1 100 Continue\r\n\r\n${empty}`);
    expect(responseOf(await answer).status).toBe(200);
  });
});

describe('an exchange that is not wanted any more', () => {
  test('in its content ends with a reset, and nothing more is told', async () => {
    const gone = Promise.withResolvers<string | undefined>();
    const origin = await originFor((_, socket) => {
      socket.once('error', (error: NodeJS.ErrnoException) => gone.resolve(error.code));
      socket.once('end', () => gone.resolve('end'));
      socket.write(message([ok, 'Content-Length: 9'], 'hello'));
    });
    const { content } = responseOf(await clientFor().send(requestTo(origin.url)));
    const told: string[] = [];
    content.flow({ write: () => true, end: () => void told.push('end'), fail: () => void told.push('fail') });
    content.cancel();
    expect(await gone.promise).toBe('ECONNRESET');
    expect(told).toEqual([]);
  });

  test('before its head ends with a reset', async () => {
    const gone = Promise.withResolvers<string | undefined>();
    const { onLeave, leave } = leaver();
    const origin = await originFor((_, socket) => {
      socket.once('error', (error: NodeJS.ErrnoException) => gone.resolve(error.code));
      socket.once('end', () => gone.resolve('end'));
      leave();
    });
    const answer = await clientFor().send(requestTo(origin.url, { onLeave }));
    expect(answer).toMatchObject({ kind: 'failed', error: { type: 'http_request_error' } });
    expect(await gone.promise).toBe('ECONNRESET');
  });

  test('is over for whoever leaves later: the next exchange is another’s', async () => {
    const { socket, ask } = await connection();
    const { onLeave, leave } = leaver();
    const first = ask({ onLeave });
    socket.comes(empty);
    await first;
    const second = ask();
    leave();
    socket.comes(empty);
    expect((await second).kind).toBe('response');
    expect(socket.cuts).toBe(0);
  });

  test('in the middle of a piece leaves nothing of it to the pool', async () => {
    const { socket, ask, owner } = await connection();
    const first = ask();
    socket.comes(empty);
    await first;
    const second = ask();
    socket.comes(`${ok}\r\nContent-Length: 5\r\n\r\n`);
    const { content } = responseOf(await second);
    content.flow({
      write: () => {
        content.cancel();
        return true;
      },
      end: () => undefined,
      fail: () => undefined,
    });
    owner.idle.mockClear();
    socket.comes('hello');
    expect(owner.idle).not.toHaveBeenCalled();
    expect(socket.cuts).toBe(1);
  });
});

/** A connection whose other side is the test, with what its owner hears. */
async function connection() {
  const socket = new FakeSocket();
  const owner = { idle: vi.fn(), closed: vi.fn() };
  const http1 = new Http1Connection(connectedBy(socket), clientLimits, owner);
  await turn(); // from here on, what comes is read at once
  return {
    socket,
    owner,
    ask: (parts: Partial<UpstreamRequest> = {}): Promise<UpstreamAnswer> =>
      new Promise((resolve) => http1.exchange({ ...get, ...parts }, resolve)),
  };
}
