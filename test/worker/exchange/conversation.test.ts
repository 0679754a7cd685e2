// What ends a conversation on a connection of the edge's own: deadlines, and a client that leaves; and that neither side is outrun.
import type { Socket } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestEnvelope } from '../../../schemas/relay.ts';
import { connectClient } from '../../support/client.ts';
import {
  type Call,
  envelopeFor,
  exchange,
  exchangeFields,
  failureOf,
  type Reply,
  responseOf,
  startEmbeddedEdge,
  type TestEdge,
  unmarked,
} from '../../support/edge.ts';
import { chunk, message, type Origin, startOrigin } from '../../support/origin.ts';
import { startTcp } from '../../support/tcp.ts';

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEmbeddedEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

const ok = 'HTTP/1.1 200 OK';
const { limits } = envelopeFor('http://o.example/');
const bySocket = (url: string, parts: Partial<RequestEnvelope> = {}, content?: Call['content']): Promise<Reply> =>
  exchange(edge.direct, envelopeFor(url, { upstream: 'socket', ...parts }), content);

describe('the head deadline', () => {
  const headDeadlineMs = 500;

  /** Resolves when as long a deadline, started now, has passed: another exchange has been cut by it. */
  async function deadlinePassed(silent: Origin): Promise<void> {
    const reply = await bySocket(silent.url, { headDeadlineMs });
    expect(failureOf(reply).error.type).toBe('http_response_timeout');
  }

  test.each([
    ['is silent', ''],
    ['stops within its head', `${ok}\r\nContent-Length: 5\r\n`],
    ['sends interim responses only', message(['HTTP/1.1 103 Early Hints']).toString()],
  ])('B15: ends an exchange whose origin %s, and the connection with it', async (_, octets) => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => {
      socket.once('close', () => closed.resolve()).write(octets);
    });
    const { error, stages } = failureOf(await bySocket(origin.url, { headDeadlineMs }));
    expect(error).toMatchObject({ type: 'http_response_timeout', status: 504 });
    expect(error.message).toContain('500 ms');
    expect(stages).toHaveProperty('upstream-requested');
    expect(stages).not.toHaveProperty('upstream-responded');
    await closed.promise;
  });

  test('counts from the end of the content that the client sends', async () => {
    await using silent = await startOrigin(() => undefined);
    await using origin = await startOrigin(async (request, socket) => {
      const content = await request.content;
      socket.write(message([ok, `Content-Length: ${content.length}`], content));
    });
    const slowly = async function* () {
      yield Buffer.from('hello');
      await deadlinePassed(silent);
      yield Buffer.from('world');
    };
    const reply = await bySocket(origin.url, { method: 'POST', content: true, headDeadlineMs }, slowly());
    expect(responseOf(reply).status).toBe(200);
    expect(reply.content.toString()).toBe('helloworld');
  });

  test.each(['Content-Length: 10', 'Transfer-Encoding: chunked'])(
    'is no deadline for content with %s after the head',
    async (framing) => {
      const isChunked = framing.startsWith('Transfer');
      await using silent = await startOrigin(() => undefined);
      await using origin = await startOrigin(async (_, socket) => {
        socket.write(message([ok, framing], isChunked ? chunk('hello') : 'hello'));
        await deadlinePassed(silent);
        socket.write(isChunked ? Buffer.concat([chunk('world'), chunk()]) : 'world');
      });
      const reply = await bySocket(origin.url, { headDeadlineMs });
      expect(reply.isComplete).toBe(true);
      expect(reply.content.toString()).toMatch(isChunked ? /^helloworld.*complete/s : /^helloworld$/);
    },
  );
});

describe('B06: the idle deadline', () => {
  const parts = { limits: { ...limits, idleTimeoutMs: 400 } };

  test('ends content that stops coming, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => {
      socket.once('close', () => closed.resolve());
      socket.write(message([ok, 'Transfer-Encoding: chunked'], chunk('hello')));
    });
    const { content, endRecord } = unmarked(await bySocket(origin.url, parts));
    expect(content.toString()).toBe('hello');
    expect(endRecord).toMatchObject({ outcome: 'failed', error: { type: 'connection_read_timeout', status: 504 } });
    await closed.promise;
  });

  test('ends content of a known length that stops coming', async () => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message([ok, 'Content-Length: 10'], 'hello'));
    });
    expect((await bySocket(origin.url, parts)).isComplete).toBe(false);
  });

  test('ends an exchange whose origin takes no more of the content, and does not answer', async () => {
    await using origin = await startTcp((socket) => void socket.pause());
    const content = Buffer.alloc(32 * 1024 * 1024);
    const url = `http://127.0.0.1:${origin.port}/`;
    const reply = await bySocket(url, { ...parts, method: 'PUT', content: true }, content).catch(String);
    // The agent, which is this test, may find its sending cut before it has read the answer.
    if (typeof reply !== 'string') expect(failureOf(reply).error.type).toBe('connection_write_timeout');
  });
});

describe('a client that leaves', () => {
  const ways: readonly (readonly [string, Buffer])[] = [
    ['before the head has come', Buffer.alloc(0)],
    ['content of a known length', message([ok, 'Content-Length: 1000000'], 'hello')],
    ['content in chunks', message([ok, 'Transfer-Encoding: chunked'], chunk('hello'))],
    ['content that ends with the connection', message([ok], 'hello')],
  ];

  test.each(ways)('frees the connection to an origin that is silent: %s', async (_, octets) => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => {
      socket.once('close', () => closed.resolve()).write(octets);
    });
    using client = await asked(envelopeFor(origin.url, { upstream: 'socket' }));
    await origin.received(1);
    if (octets.length > 0) await client.octets.until('hello');
    client.socket.resetAndDestroy(); // as the agent does
    await closed.promise;
  });

  test.each(ways.slice(1))('ends what flows: %s', async (name, octets) => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_, socket) => {
      socket.write(octets);
      for (; !socket.destroyed; await immediate()) socket.write(name.includes('chunks') ? chunk('more') : 'more');
      closed.resolve();
    });
    using client = await asked(envelopeFor(origin.url, { upstream: 'socket' }));
    await client.octets.until('more');
    client.socket.resetAndDestroy();
    await closed.promise;
  });

  test('while it sends content frees the connection to the origin', async () => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => void socket.once('close', () => closed.resolve()));
    const envelope = envelopeFor(origin.url, { upstream: 'socket', method: 'POST', content: true });
    using client = await asked(envelope, 'Content-Length: 1000');
    client.send('hello');
    await origin.received(1);
    client.socket.resetAndDestroy();
    await closed.promise;
  });

  /** A client that has sent the head of an exchange. */
  async function asked(envelope: RequestEnvelope, framing = 'Content-Length: 0') {
    const client = await connectClient(Number(new URL(edge.direct).port));
    const fields = Object.entries(exchangeFields(envelope)).map(([name, value]) => `${name}: ${value}`);
    client.sendHead('POST /v1/exchange HTTP/1.1', 'Host: edge', framing, ...fields);
    return client;
  }
});

describe('nobody is outrun', () => {
  const enough = 256 * 1024 * 1024;
  /** What kernels and the runtime hold on two connections, and little more. */
  const most = 32 * 1024 * 1024;

  /** Writes without end; resolves with how much was taken before nothing more was for a second. */
  function taken(socket: Socket): Promise<number> {
    const stopped = Promise.withResolvers<number>();
    const piece = Buffer.alloc(64 * 1024);
    let written = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pour = () => {
      clearTimeout(timer);
      if (written >= enough) return stopped.resolve(written);
      written += piece.length;
      timer = setTimeout(() => stopped.resolve(written), 1_000);
      socket.write(piece, pour);
    };
    pour();
    return stopped.promise;
  }

  test('an origin is held back when the client does not read', async () => {
    const stopped = Promise.withResolvers<number>();
    await using origin = await startOrigin(async (_, socket) => {
      socket.write(message([ok, `Content-Length: ${enough * 2}`]));
      stopped.resolve(await taken(socket));
    });
    using client = await connectClient(Number(new URL(edge.direct).port));
    client.socket.pause();
    const fields = exchangeFields(envelopeFor(origin.url, { upstream: 'socket' }));
    client.sendHead(
      'POST /v1/exchange HTTP/1.1',
      'Host: edge',
      'Content-Length: 0',
      ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    );
    expect(await stopped.promise).toBeLessThan(most);
  });

  test('a client is held back when the origin does not read', async () => {
    await using origin = await startTcp((socket) => void socket.pause());
    using client = await connectClient(Number(new URL(edge.direct).port));
    const url = `http://127.0.0.1:${origin.port}/`;
    const fields = exchangeFields(envelopeFor(url, { upstream: 'socket', method: 'PUT', content: true }));
    client.sendHead(
      'POST /v1/exchange HTTP/1.1',
      'Host: edge',
      `Content-Length: ${enough * 2}`,
      ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    );
    expect(await taken(client.socket)).toBeLessThan(most);
  });
});

test('the connection is closed after each response, though the origin would keep it', async () => {
  const closings: Promise<unknown>[] = [];
  await using origin = await startOrigin((request, socket) => {
    closings.push(new Promise((resolve) => socket.once('close', resolve))); // a reset, where it left content unread
    const isChunked = request.target === '/chunked';
    socket.write(message([ok, isChunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 5']));
    socket.write(isChunked ? Buffer.concat([chunk('hello'), chunk()]) : 'hello');
  });
  for (const path of ['/', '/chunked']) expect((await bySocket(origin.url + path)).content.toString()).toMatch('hello');
  expect((await bySocket(origin.url, { method: 'HEAD' })).isComplete).toBe(true);
  await Promise.all(closings);
  expect(closings).toHaveLength(3);
});
