// By fetch: which responses are not relayed, which are asked for another way, and what the head deadline cuts and does not cut.
import { once } from 'node:events';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  envelopeFor,
  exchange,
  exchangeFields,
  failureOf,
  responseOf,
  send,
  startEmbeddedEdge,
  type TestEdge,
  unmarked,
} from '../../support/edge.ts';
import { chunk, message, type Origin, startOrigin } from '../../support/origin.ts';
import { closedPort } from '../../support/tcp.ts';

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEmbeddedEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

describe('a response is refused', () => {
  const chunked = `${chunk('hello')}${chunk()}`;
  test.each([
    ['101', ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'], 'hello'],
    ['a status of two digits', ['HTTP/1.1 20 OK', 'Content-Length: 0'], ''],
    ['600', ['HTTP/1.1 600 Odd', 'Content-Length: 0'], ''],
    ['999', ['HTTP/1.1 999 Odd', 'Content-Length: 0'], ''],
    [
      'both framings, RFC 9112 6.3 (3)',
      ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Content-Length: 5'],
      chunked,
    ],
    ['both, the length first', ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked'], chunked],
    ['two lengths that differ', ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6'], 'hello!'],
    ['two lengths that agree', ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 5'], 'hello'],
    ['a list of lengths', ['HTTP/1.1 200 OK', 'Content-Length: 5, 5'], 'hello'],
    ['a length with a sign', ['HTTP/1.1 200 OK', 'Content-Length: +5'], 'hello'],
    ['a negative length', ['HTTP/1.1 200 OK', 'Content-Length: -5'], 'hello'],
    ['a hexadecimal length', ['HTTP/1.1 200 OK', 'Content-Length: 0x5'], 'hello'],
    ['a length beyond counting', ['HTTP/1.1 200 OK', 'Content-Length: 9007199254740993'], 'hello'],
    [
      'chunked twice',
      ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
      `${chunk(chunked)}${chunk()}`,
    ],
    ['a coding that is none', ['HTTP/1.1 200 OK', 'Transfer-Encoding: identity'], 'hello'],
  ])('with %s', async (_, lines, content) => {
    await using origin = await startOrigin((_, socket) => {
      socket.end(message(lines, content));
    });
    const reply = await exchange(edge.direct, envelopeFor(origin.url));
    expect(failureOf(reply).error).toMatchObject({ type: 'http_protocol_error', status: 502 });
    expect(reply.content).toHaveLength(0);
  });

  // Of these the platform says no more than that there is no response. A connection of the edge's own says what it is.
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['content without a head', 'hello'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le', 'connection_terminated'],
    ['no colon in a line', 'HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 0\r\n\r\n'],
    ['a parenthesis in a name', 'HTTP/1.1 200 OK\r\nX(A: b\r\nContent-Length: 0\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['gzip in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    [
      'a head of 300 KiB',
      `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(300 * 1024)}\r\n\r\n`,
      'http_response_header_section_size',
    ],
  ])('that is %s', async (_, octets, type = 'http_protocol_error') => {
    await using origin = await startOrigin((_, socket) => {
      socket.end(octets, 'latin1');
    });
    const posted = await exchange(edge.direct, envelopeFor(origin.url, { method: 'POST' }));
    expect(failureOf(posted).error).toMatchObject({ type: 'destination_unavailable', status: 502 });
    const reply = await exchange(edge.direct, envelopeFor(origin.url));
    expect(failureOf(reply).error).toMatchObject({ type, status: 502 });
    expect(failureOf(reply).upstream).toMatchObject({ kind: 'socket', because: 'unfetchable' });
    expect([posted.content.length, reply.content.length]).toEqual([0, 0]);
  });
});

describe('what fetch would give otherwise than it came', () => {
  const final = message(['HTTP/1.1 200 OK', 'Content-Length: 5'], 'hello').toString();
  const interim = [{ status: 103, fields: [['Link', '</a>']] }];
  const altered: readonly (readonly [string, readonly string[], string, object])[] = [
    ['100 before the final one', ['HTTP/1.1 100 Continue'], final, {}],
    ['103 before the final one', ['HTTP/1.1 103 Early Hints', 'Link: </a>'], final, { interim }],
    ['Latin-1', ['HTTP/1.1 200 OK', 'Set-Cookie: a=\xe9', 'Content-Length: 5'], 'hello', {}],
    ['half a character', ['HTTP/1.1 200 OK', 'X-A: \xc3', 'Content-Length: 5'], 'hello', {}],
  ];

  test.each(altered)('is asked for again, by a connection of its own: %s', async (_, lines, content, expected) => {
    await using origin = await startOrigin((_, socket) => void socket.write(message(lines, content)));
    const reply = await exchange(edge.direct, envelopeFor(origin.url));
    expect(responseOf(reply)).toMatchObject({ status: 200, upstream: { because: 'unfetchable' }, ...expected });
    expect(reply.content.toString()).toBe('hello');
    expect(origin.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  test.each(altered)('is refused where asking again might do harm, RFC 9110 9.2.2: %s', async (_, lines, content) => {
    await using origin = await startOrigin((_, socket) => void socket.write(message(lines, content)));
    for (const parts of [{ method: 'POST' }, { method: 'PUT', content: true }]) {
      const asked = origin.requests.length;
      const { error } = failureOf(await exchange(edge.direct, envelopeFor(origin.url, parts), 'hello'));
      expect(error).toMatchObject({ type: 'http_protocol_error', status: 502 });
      expect(error.advice).toContain('edge.upstream');
      expect(origin.requests).toHaveLength(asked + 1);
    }
  });
});

describe('a request that fetch gets no response to', () => {
  const hello = message(['HTTP/1.1 200 OK', 'Content-Length: 5'], 'hello').toString('latin1');
  const chunked = message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], chunk('hello')).toString('latin1');

  test.each([
    ['a space behind Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 5 \r\n\r\nhello'],
    [
      'a space behind Transfer-Encoding',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ],
  ])('because of %s has it by a connection of its own', async (_, octets) => {
    await using origin = await startOrigin((_, socket) => void socket.write(octets, 'latin1'));
    const { head, content } = await told(origin);
    expect(head).toMatchObject({ status: 200, upstream: { kind: 'socket', because: 'unfetchable' } });
    expect([content, origin.requests.length]).toEqual(['hello', 2]);
    expect(head.stages['upstream-requested']).toBeGreaterThanOrEqual(head.stages['edge-received']);
    expect(head.stages['upstream-responded']).toBeDefined();
  });

  test.each([
    ['trailers', `${chunked}0\r\nX-Sum: 1\r\n\r\n`],
    ['octets that belong to nothing (B02)', `${hello}, and more`],
  ])('because of %s behind the response before has it by a connection of its own', async (_, octets) => {
    await using origin = await startOrigin(({ target }, socket) => {
      socket.write(target === '/spoils' ? octets : message(['HTTP/1.1 200 OK', 'Content-Length: 3'], 'yes'), 'latin1');
    });
    expect((await told(origin, '/spoils')).content).toMatch(/^hello/);
    const next = await told(origin, '/next');
    expect([next.content, next.head.upstream?.because]).toEqual(['yes', 'unfetchable']);
    const last = await told(origin, '/last'); // the spoiled connection is gone
    expect([last.content, last.head.upstream]).toEqual(['yes', undefined]);
  });

  test('because its kept connection was reset meanwhile has it by a connection of its own', async () => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin(({ target }, socket) => {
      socket.write(hello);
      if (target !== '/first') return;
      socket.once('close', () => closed.resolve());
      setImmediate(() => socket.resetAndDestroy());
    });
    expect((await told(origin, '/first')).content).toBe('hello');
    await closed.promise;
    expect((await told(origin, '/second')).content).toBe('hello');
  });

  test.each([['POST'], ['PATCH']])('is not sent again where that might do harm: %s', async (method) => {
    await using origin = await startOrigin((_, socket) => void socket.resetAndDestroy());
    failureOf(await exchange(edge.direct, envelopeFor(origin.url, { method })));
    expect(origin.requests).toHaveLength(1);
  });

  test('is sent again once, and what it fails by then is told with the stages of that attempt', async () => {
    await using origin = await startOrigin((_, socket) => void socket.end());
    const { error, upstream, stages } = failureOf(await exchange(edge.direct, envelopeFor(origin.url)));
    expect(error).toMatchObject({ type: 'connection_terminated', status: 502 });
    expect(upstream).toMatchObject({ kind: 'socket', because: 'unfetchable', connectMs: expect.any(Number) });
    expect(stages['upstream-responded']).toBeUndefined();
    expect(origin.requests).toHaveLength(2);
  });

  test('is not answered for by a connection that could not be made', async () => {
    const failure = failureOf(await exchange(edge.direct, envelopeFor(`http://127.0.0.1:${await closedPort()}/`)));
    expect(failure.upstream).toBeUndefined();
  });

  async function told(origin: Origin, path = '/') {
    const reply = await exchange(edge.direct, envelopeFor(origin.url + path));
    const head = responseOf(reply);
    const content = head.content.kind === 'marked' ? unmarked(reply).content : reply.content;
    return { head, content: content.toString() };
  }
});

test('an empty Content-Length never reaches the worker, and the content ends with the connection', async () => {
  await using origin = await startOrigin((_, socket) => {
    socket.end(message(['HTTP/1.1 200 OK', 'Content-Length:'], 'hello'));
  });
  const reply = await exchange(edge.direct, envelopeFor(origin.url));
  expect(responseOf(reply).fields).toEqual([]);
  expect(unmarked(reply)).toEqual({ content: Buffer.from('hello'), endRecord: { outcome: 'complete' } });
});

describe('the head deadline', () => {
  const headDeadlineMs = 500;

  /** Resolves when as long a deadline, started now, has passed: another exchange has been cut by it. */
  async function deadlinePassed(silent: Origin): Promise<void> {
    const reply = await exchange(edge.direct, envelopeFor(silent.url, { headDeadlineMs }));
    expect(failureOf(reply).error.type).toBe('http_response_timeout');
  }

  test('ends an exchange whose origin is silent, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      await once(socket, 'close');
      closed.resolve();
    });
    const { error, stages } = failureOf(await exchange(edge.direct, envelopeFor(origin.url, { headDeadlineMs })));
    expect(error).toMatchObject({ type: 'http_response_timeout', status: 504 });
    expect(error.message).toContain('500 ms');
    expect(stages).toHaveProperty('upstream-requested');
    expect(stages).not.toHaveProperty('upstream-responded');
    await closed.promise;
  });

  test('ends an exchange whose origin stops within its head', async () => {
    await using origin = await startOrigin((_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n');
    });
    const reply = await exchange(edge.direct, envelopeFor(origin.url, { headDeadlineMs }));
    expect(failureOf(reply).error.type).toBe('http_response_timeout');
  });

  test('counts from the end of the content that the client sends', async () => {
    await using silent = await startOrigin(() => undefined);
    await using origin = await startOrigin(async (request, socket) => {
      const content = await request.content;
      socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${content.length}`], content));
    });
    const slowly = async function* () {
      yield Buffer.from('hello');
      await deadlinePassed(silent);
      yield Buffer.from('world');
    };
    const envelope = envelopeFor(origin.url, { method: 'POST', content: true, headDeadlineMs });
    const reply = await exchange(edge.direct, envelope, slowly());
    expect(responseOf(reply).status).toBe(200);
    expect(reply.content.toString()).toBe('helloworld');
  });

  test('still comes after content has been sent', async () => {
    await using origin = await startOrigin(() => undefined);
    const envelope = envelopeFor(origin.url, { method: 'POST', content: true, headDeadlineMs });
    const reply = await exchange(edge.direct, envelope, 'hello');
    expect(failureOf(reply).error.type).toBe('http_response_timeout');
    expect((await origin.requests[0]?.content)?.toString()).toBe('hello');
  });

  test.each(['Content-Length: 10', 'Transfer-Encoding: chunked'])(
    'is no deadline for content with %s after the head',
    async (framing) => {
      const isChunked = framing.startsWith('Transfer');
      await using silent = await startOrigin(() => undefined);
      await using origin = await startOrigin(async (_, socket) => {
        socket.write(message(['HTTP/1.1 200 OK', framing], isChunked ? chunk('hello') : 'hello'));
        await deadlinePassed(silent);
        socket.write(isChunked ? Buffer.concat([chunk('world'), chunk()]) : 'world');
      });
      const reply = await exchange(edge.direct, envelopeFor(origin.url, { headDeadlineMs }));
      expect(reply.isComplete).toBe(true);
      expect(reply.content.toString()).toMatch(isChunked ? /^helloworld.*complete/s : /^helloworld$/);
    },
  );
});

test.each(['Content-Length: 1000000000000', 'Transfer-Encoding: chunked'])(
  'a client that leaves while content with %s flows ends the upstream',
  async (framing) => {
    const piece = framing.startsWith('Transfer') ? chunk('hello') : 'hello';
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', framing]));
      for (; !socket.destroyed; await immediate()) socket.write(piece);
      closed.resolve();
    });
    const fields = exchangeFields(envelopeFor(origin.url));
    const incoming = await send(`${edge.direct}/v1/exchange`, { method: 'POST', fields });
    await once(incoming, 'data');
    incoming.on('error', () => undefined).destroy();
    await closed.promise;
  },
);
