// One exchange over HTTP/2: what goes out, what comes back, and every way in which it can end before its time.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { UpstreamRequest } from '../../../agent/proxy/ports.ts';
import type { Connect } from '../../../agent/upstream/connect.ts';
import type { PoolOptions } from '../../../agent/upstream/pool.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import {
  dataFrame,
  type FrameServer,
  goawayFrame,
  headersFrame,
  rstFrame,
  startFrames,
} from '../../support/http2-frames.ts';
import {
  clientFor,
  connectHttp2,
  contentOf,
  drained,
  fetched,
  leaver,
  requestTo,
  responseOf,
  until,
} from '../../support/upstream.ts';

const status = [':status', '200'] as const;
const code = { none: 0, protocol: 1, internal: 2, refused: 7, cancel: 8, http11: 13 } as const;
const limits = { maxHeadBytes: 1_000, maxFields: 5, maxInterimResponses: 2 };

type Frames = (stream: number) => readonly Buffer[];
const head = (stream: number, ...fields: (readonly [string, string])[]) => headersFrame(stream, [status, ...fields]);

describe('a response', () => {
  test('comes with its fields in order and with duplicates, each value without the spaces around it', async () => {
    const fields = [
      ['b', '2'],
      ['set-cookie', 'a=1, b'],
      ['set-cookie', 'c'],
      ['a', ' \tcaf\xe9 \t'],
      ['e', ''],
    ] as const;
    const { answer } = await asked((stream) => [headersFrame(stream, [[':status', '404'], ...fields], true)]);
    expect(responseOf(await answer)).toMatchObject({
      status: 404,
      reason: '',
      octets: undefined,
      address: '127.0.0.1',
      fields: fields.map(([name, value]) => [name, value.trim()]),
    });
  });

  test.each<[string, string, Frames, unknown, string]>([
    ['of a length', 'GET', (s) => [head(s, ['content-length', '5']), dataFrame(s, 'hello', true)], 5, 'hello'],
    ['without length', 'GET', (s) => [head(s), dataFrame(s, 'hel'), dataFrame(s, 'lo', true)], undefined, 'hello'],
    ['of no octets', 'GET', (s) => [head(s), dataFrame(s, '', true)], undefined, ''],
    [
      'that a reset without error follows',
      'GET',
      (s) => [head(s), dataFrame(s, 'hi', true), rstFrame(s, 0)],
      undefined,
      'hi',
    ],
    ['of 204', 'GET', (s) => [headersFrame(s, [[':status', '204']], true)], 'none', ''],
    [
      'of 304',
      'GET',
      (s) => [
        headersFrame(
          s,
          [
            [':status', '304'],
            ['content-length', '5'],
          ],
          true,
        ),
      ],
      'none',
      '',
    ],
    ['to HEAD', 'HEAD', (s) => [headersFrame(s, [status, ['content-length', '5']], true)], 'none', ''],
    [
      'that is held back by none',
      'GET',
      (s) => [Buffer.concat([head(s), dataFrame(s, 'hello', true), goawayFrame(s)])],
      undefined,
      'hello',
    ],
  ])('has content %s', async (_, method, frames, octets, content) => {
    const { answer } = await asked(frames, { method });
    expect(responseOf(await answer).octets).toBe(octets);
    expect(await contentOf(await answer)).toMatchObject({ octets: content, ending: 'end' });
  });

  test('has trailers', async () => {
    const { answer } = await asked((s) => [
      head(s),
      dataFrame(s, 'hi'),
      headersFrame(
        s,
        [
          ['x', ' 1'],
          ['x', '2'],
        ],
        true,
      ),
    ]);
    expect(await contentOf(await answer)).toEqual({
      octets: 'hi',
      ending: 'end',
      trailers: [
        ['x', '1'],
        ['x', '2'],
      ],
    });
  });

  test('whose connection has ended right behind it is whole, though its reader is slow', async () => {
    const made: Socket[] = [];
    const connect: Connect = async (address) => {
      const connecting = await connectHttp2(address);
      if (connecting.kind === 'connected') made.push(connecting.connected.socket);
      return connecting;
    };
    const { answer } = await asked(
      (s, socket) => {
        socket.end(Buffer.concat([head(s), dataFrame(s, 'x'.repeat(10_000)), dataFrame(s, 'y', true)]));
        return [];
      },
      { maxOctetsHeld: 1 },
      { connect },
    );
    const { content } = responseOf(await answer);
    await until(() => made[0]?.readableEnded === true);
    await turn();
    expect(await drained(content)).toMatchObject({ octets: `${'x'.repeat(10_000)}y`, ending: 'end' });
  });
});

describe('interim responses', () => {
  test('are passed on, 100 as well', async () => {
    const told: unknown[] = [];
    const { answered } = await asked(
      (s) => [
        headersFrame(s, [[':status', '100']]),
        headersFrame(s, [
          [':status', '103'],
          ['link', '</a>'],
        ]),
        headersFrame(s, [status], true),
      ],
      { onInterim: (number, fields) => void told.push([number, fields]) },
    );
    expect(await answered()).toBe('200 ');
    expect(told).toEqual([
      [100, []],
      [103, [['link', '</a>']]],
    ]);
  });

  test.each([
    ['as many as maxInterimResponses', 2, '200 '],
    ['one more is an error (B03)', 3, 'unanswered http_protocol_error'],
  ])('%s', async (_, count, expected) => {
    const { answered } = await asked((s) => [
      ...Array.from({ length: count }, () => headersFrame(s, [[':status', '103']])),
      headersFrame(s, [status], true),
    ]);
    expect(await answered()).toBe(expected);
  });

  test('B03, RFC 9113 8.6: 101 does not exist', async () => {
    const { answered } = await asked((s) => [headersFrame(s, [[':status', '101']]), headersFrame(s, [status], true)]);
    expect(await answered()).toBe('unanswered http_protocol_error');
  });
});

describe('limits', () => {
  const fieldOf = (octets: number) => ['a', 'x'.repeat(octets - 1 - 32)] as const; // RFC 9113 6.5.2

  test.each<[string, Frames, string]>([
    ['maxHeadBytes may be filled', (s) => [headersFrame(s, [status, fieldOf(1_000)], true)], '200 '],
    ['and one octet more is too large', (s) => [headersFrame(s, [status, fieldOf(1_001)], true)], 'unanswered '],
    ['maxFields may be filled', (s) => [headersFrame(s, [status, ...many(5)], true)], '200 '],
    ['and one more is too large', (s) => [headersFrame(s, [status, ...many(6)], true)], 'unanswered '],
    ['of an interim one, too', (s) => [headersFrame(s, [[':status', '103'], ...many(6)]), head(s)], 'unanswered '],
    ['of trailers, too', (s) => [head(s), dataFrame(s, 'x'), headersFrame(s, many(6), true)], '200 x '],
    ['of long trailers, too', (s) => [head(s), dataFrame(s, 'x'), headersFrame(s, [fieldOf(1_001)], true)], '200 x '],
  ])('B04: %s', async (_, frames, expected) => {
    const { answered } = await asked(frames);
    const isSound = expected === '200 ';
    expect(await answered()).toBe(isSound ? expected : `${expected}http_response_header_section_size`);
  });

  test('a head of more fields than could be kept is none', async () => {
    const { answered } = await asked((s) => [headersFrame(s, [status, ...many(200)], true)]);
    expect(await answered()).toMatch(/^unanswered http_/);
  });
});

describe('what is no response', () => {
  test.each<[string, Frames]>([
    ['B01: two lengths', (s) => [headersFrame(s, [status, ['content-length', '5'], ['content-length', '5']])]],
    ['B01: a length that is none', (s) => [headersFrame(s, [status, ['content-length', '-1']])]],
    ['RFC 9113 8.2.2: Transfer-Encoding', (s) => [headersFrame(s, [status, ['transfer-encoding', 'chunked']])]],
    ['RFC 9113 8.2.2: Connection', (s) => [headersFrame(s, [status, ['connection', 'close']])]],
    ['RFC 9113 8.2: a name in upper case', (s) => [headersFrame(s, [status, ['A', '1']])]],
    ['RFC 9113 8.3.2: no status', (s) => [headersFrame(s, [['a', '1']])]],
    ['RFC 9113 8.3.2: two statuses', (s) => [headersFrame(s, [status, status])]],
    ['RFC 9113 8.3.2: a status of letters', (s) => [headersFrame(s, [[':status', '2x0']])]],
    ['RFC 9113 8.3: a status behind a field', (s) => [headersFrame(s, [['a', '1'], status])]],
    ['RFC 9113 8.1: content ahead of the head', (s) => [dataFrame(s, 'x')]],
    ['no frame at all', () => [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
  ])('%s', async (_, frames) => {
    const { answered } = await asked((stream) => [...frames(stream)]);
    expect(await answered()).toBe('unanswered http_protocol_error');
  });
});

describe('B05: content', () => {
  const begun = (s: number) => [head(s), dataFrame(s, 'hello')];
  const incomplete = '200 hello http_response_incomplete';

  test.each<[string, Frames, string | RegExp]>([
    ['that a reset without error breaks off', (s) => [...begun(s), rstFrame(s, code.none)], incomplete],
    ['that is cancelled', (s) => [...begun(s), rstFrame(s, code.cancel)], incomplete],
    ['that an error breaks off', (s) => [...begun(s), rstFrame(s, code.internal)], /^200 hello http_/],
    ['whose connection fails', (s) => [...begun(s), goawayFrame(s, code.internal)], /^200 hello http_/],
    [
      'that is shorter than announced',
      (s) => [head(s, ['content-length', '9']), dataFrame(s, 'hello', true)],
      /^200 hello http_/,
    ],
    [
      'that is longer than announced',
      (s) => [head(s, ['content-length', '3']), dataFrame(s, 'hello', true)],
      /^200 (hel)? ?http_/,
    ],
    [
      'that breaks off where a length was announced',
      (s) => [head(s, ['content-length', '9']), dataFrame(s, 'hello'), rstFrame(s, 0)],
      incomplete,
    ],
    ['of 204', (s) => [headersFrame(s, [[':status', '204']]), dataFrame(s, 'hello', true)], /^204 {2}http_/],
  ])('%s never looks whole', async (_, frames, expected) => {
    const { answered } = await asked(frames);
    expect(await answered()).toMatch(expected);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => void socket.end()],
    ['is reset', (socket) => void socket.resetAndDestroy()],
  ])('whose connection %s never looks whole, and is not waited for', async (_, act) => {
    const { answer, server } = await asked((s) => begun(s));
    const received = contentOf(await answer);
    act(server.socket());
    expect(await received).toMatchObject({ ending: 'http_response_incomplete' });
  });

  test('that stops is told when its time is over', async () => {
    const { answered } = await asked(begun, { idleTimeoutMs: 20 });
    expect(await answered()).toBe('200 hello connection_read_timeout');
  });

  test('that waits for a slow client is not, until the client wants more', async () => {
    const { client, server, answer } = await asked(begun, { idleTimeoutMs: 20, path: '/slow' });
    const told: string[] = [];
    const { content } = responseOf(await answer);
    const failed = Promise.withResolvers<void>();
    content.flow({
      write: (octets) => {
        told.push(octets.toString());
        return false;
      },
      end: () => void told.push('end'),
      fail: ({ type }) => {
        told.push(type);
        failed.resolve();
      },
    });
    await until(() => told.length === 1);
    // Another one that stops when this one waits already: when its time is over, so is this one's.
    expect(await fetched(client, requestTo(server.url, { idleTimeoutMs: 20 }))).toBe(
      '200 hello connection_read_timeout',
    );
    expect(told).toEqual(['hello']);
    content.resume();
    await failed.promise;
    expect(told).toEqual(['hello', 'connection_read_timeout']);
  });
});

describe('before its head an exchange', () => {
  test.each<[string, Frames, string]>([
    [
      'that is refused twice is unsent (RFC 9113 8.7)',
      (s) => [rstFrame(s, code.refused)],
      'unsent http_protocol_error',
    ],
    ['that came too late twice is unsent (RFC 9113 6.8)', () => [goawayFrame(0)], 'unsent http_protocol_error'],
    ['may be reset', (s) => [rstFrame(s, code.internal)], 'unanswered http_protocol_error'],
    ['may be reset without an error', (s) => [rstFrame(s, code.none)], 'unanswered connection_terminated'],
    ['may be cancelled', (s) => [rstFrame(s, code.cancel)], 'unanswered connection_terminated'],
    [
      'that is wanted in HTTP/1.1, and again where there is none, is unsent (RFC 9113 7)',
      (s) => [rstFrame(s, code.http11)],
      'unsent http_protocol_error',
    ],
    [
      'that may have been looked at before HTTP/1.1 was wanted is unanswered (RFC 9113 6.8)',
      (s) => [goawayFrame(s, code.http11)],
      'unanswered http_protocol_error',
    ],
    [
      'that came behind the last one that was looked at before an error is unsent (RFC 9113 6.8)',
      () => [goawayFrame(0, code.internal)],
      'unsent http_protocol_error',
    ],
    ['may lose its connection to an error', (s) => [goawayFrame(s, code.protocol)], 'unanswered http_protocol_error'],
  ])('%s', async (_, frames, expected) => {
    const { answered } = await asked(frames);
    expect(await answered()).toBe(expected);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => void socket.end()],
    ['is reset', (socket) => void socket.resetAndDestroy()],
  ])('whose connection %s is stale where the connection was kept, and only there', async (_, act) => {
    const { client, server, answered } = await asked((s, socket) => {
      if (s > 1) act(socket);
      else return [headersFrame(s, [status], true)];
      return [];
    });
    expect(await answered()).toBe('200 ');
    expect(await fetched(client, requestTo(server.url))).toBe('stale connection_terminated');
    const fresh = await asked((_, socket) => {
      act(socket);
      return [];
    });
    expect(await fresh.answered()).toBe('unanswered connection_terminated');
  });

  test('is given headDeadlineMs from when it is out', async () => {
    const content = new PassThrough();
    const { answer, client, server } = await asked(() => [], {
      framing: { kind: 'chunked' },
      content,
      headDeadlineMs: 20,
    });
    content.write('hello');
    await server.frame(({ type }) => type === 'data');
    // Another one, whose time is the same, is over while this one is still going out.
    let isOver = false;
    void answer.then(() => {
      isOver = true;
    });
    expect(await fetched(client, requestTo(server.url, { headDeadlineMs: 20 }))).toMatch(/http_response_timeout$/);
    expect(isOver).toBe(false);
    content.end();
    expect(await answer).toMatchObject({ error: { type: 'http_response_timeout' }, progress: 'unanswered' });
  });
});

describe('the timer for a head', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());
  const upload = () => ({ framing: { kind: 'chunked' }, content: new PassThrough() }) as const;

  test('ends with the head', async () => {
    const { answer } = await asked((s) => [head(s)]);
    responseOf(await answer);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends without a head', async () => {
    const { answer } = await asked((s) => [rstFrame(s, code.cancel)]);
    expect((await answer).kind).toBe('failed');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not begin with an upload that ends behind the head', async () => {
    const parts = upload();
    const { answer, server } = await asked((s) => [head(s)], parts);
    responseOf(await answer);
    parts.content.end();
    await server.frame(({ type, isEnd }) => type === 'data' && isEnd);
    await turn();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not begin with an upload that ends behind the exchange', async () => {
    const parts = upload();
    const { answer } = await asked((s) => [rstFrame(s, code.cancel)], parts);
    expect((await answer).kind).toBe('failed');
    parts.content.end();
    await once(parts.content, 'end');
    await turn();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a request', () => {
  test('goes out with its fields, in order and with duplicates, less those that HTTP/2 carries otherwise', async () => {
    const { url, heads } = await server((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const client = clientFor({ connect: connectHttp2 });
    const answer = await client.send(
      requestTo(url, {
        method: 'M-SEARCH',
        path: '/a?b',
        fields: [
          ['Host', 'o.example'],
          ['B', '2'],
          ['User-Agent', 'one'],
          ['user-agent', 'two'], // Node would refuse that, and throw
          ['Cookie', 'a=1'],
          ['Cookie', 'b=2'], // RFC 9113 8.2.3 allows several lines
          ['A', 'caf\xe9'],
          ['Content-Type', 'x/y'],
          ['Content-Type', 'x/z'],
        ],
      }),
    );
    expect(answer.kind).toBe('response');
    expect(heads).toEqual([
      [
        ...[':method', 'M-SEARCH', ':scheme', 'http', ':authority', url.slice('http://'.length), ':path', '/a?b'],
        ...['b', '2', 'user-agent', 'one', 'user-agent', 'two', 'cookie', 'a=1', 'cookie', 'b=2', 'a', 'caf\xe9'],
        ...['content-type', 'x/y', 'content-type', 'x/z'],
      ],
    ]);
  });

  test('of * and of a client that takes trailers goes out as such, RFC 9113 8.2.2 and 8.3.1', async () => {
    const { url, heads } = await server((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const fields = [
      ['TE', 'trailers'],
      ['Connection', 'TE'],
    ] as const;
    const request = requestTo(url, { method: 'OPTIONS', path: '*', fields });
    expect(await fetched(clientFor({ connect: connectHttp2 }), request)).toBe('204 ');
    expect(heads[0]?.slice(6)).toEqual([':path', '*', 'te', 'trailers']);
  });

  test('that HTTP/2 cannot carry is a failure, not a crash', async () => {
    const { url } = await server((stream) => stream.respond({ ':status': 204 }, { endStream: true }));
    const client = clientFor({ connect: connectHttp2 });
    expect(await client.send(requestTo(url, { method: 'CONNECT' }))).toMatchObject({
      kind: 'failed',
      progress: 'unsent',
    });
    expect(await fetched(client, requestTo(url, { fields: [['TE', 'gzip']] }))).toMatch(/^unsent /);
    expect(await fetched(client, requestTo(url))).toBe('204 ');
  });

  test('may have a head as large as those for edges are', async () => {
    const fields = Array.from({ length: 16 }, (_, i) => [`f${i}`, 'x;'.repeat(4_096)] as const);
    const { answered, server } = await asked((s) => [headersFrame(s, [status], true)], { fields });
    expect(await answered()).toBe('200 ');
    const sent = server.received.filter(({ type }) => type === 'headers' || type === 'other');
    expect(sent.reduce((sum, { payload }) => sum + payload.length, 0)).toBeGreaterThan(65_536);
  });

  test.each<[string, UpstreamRequest['framing'], string | undefined]>([
    ['of a length', { kind: 'length', octets: 5 }, '5'],
    ['without length', { kind: 'chunked' }, undefined],
  ])('has content %s, and the response its own', async (_, framing, length) => {
    const { url, fields } = await server((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const content = Readable.from([Buffer.from('hel'), Buffer.from('lo')]);
    const client = clientFor({ connect: connectHttp2 });
    expect(await fetched(client, requestTo(url, { method: 'POST', framing, content }))).toBe('200 hello');
    expect(fields[0]?.['content-length']).toBe(length);
    expect(fields[0]?.['transfer-encoding']).toBeUndefined();
  });

  test.each([
    ['longer', ['hello', '!']],
    ['longer in one piece', ['hello!']],
    ['shorter', ['hel']],
  ])('whose content is %s than announced is never seen whole', async (_, pieces) => {
    const content = Readable.from(pieces.map((piece) => Buffer.from(piece)));
    const framing = { kind: 'length', octets: 5 } as const;
    const { answer, server } = await asked(() => [], { method: 'POST', framing, content });
    expect(await answer).toMatchObject({ error: { type: 'http_request_error', status: 400 } });
    const reset = await server.frame(({ type }) => type === 'rst');
    expect(reset.payload.readUInt32BE()).toBe(code.cancel);
    expect(server.received.some(({ isEnd }) => isEnd)).toBe(false);
    const sent = server.received.filter(({ type }) => type === 'data');
    expect(Buffer.concat(sent.map(({ payload }) => payload)).length).toBeLessThanOrEqual(5);
  });

  test('I08: whose content fails is never seen whole', async () => {
    const content = new PassThrough();
    const { answer, server } = await asked(() => [], { method: 'POST', framing: { kind: 'chunked' }, content });
    content.write('hello');
    await server.frame(({ type }) => type === 'data');
    const left = new ProxyError('http_request_error', 'The client left.');
    content.destroy(left);
    expect(await answer).toMatchObject({ error: left, progress: 'unanswered' });
    const reset = await server.frame(({ type }) => type === 'rst');
    expect(reset.payload.readUInt32BE()).toBe(code.cancel);
    expect(server.received.some(({ isEnd }) => isEnd)).toBe(false);
  });

  test('that an origin does not take is told when the time is over, and not before', async () => {
    const { url } = await server((stream) => void stream.session?.setTimeout(0));
    const content = Readable.from([Buffer.alloc(2_000_000), Buffer.alloc(1)]);
    const client = clientFor({ connect: connectHttp2 });
    const parts = { method: 'POST', framing: { kind: 'chunked' }, content } as const;
    const error = await client.send(requestTo(url, { ...parts, idleTimeoutMs: 300 }));
    expect(error).toMatchObject({ error: { type: 'connection_write_timeout' }, progress: 'unanswered' });
    expect(await fetched(client, requestTo(url, { path: '/other' }))).toBe('200 /other'); // by a new connection
  });

  test('waits for an origin that does not read', async () => {
    const taken = Promise.withResolvers<ServerHttp2Stream>();
    const { url } = await server((stream) => taken.resolve(stream));
    let left = 64;
    const content = new Readable({
      read() {
        this.push(left-- > 0 ? Buffer.alloc(65_536) : null);
      },
    });
    const client = clientFor({ connect: connectHttp2 });
    const answer = client.send(requestTo(url, { method: 'POST', framing: { kind: 'chunked' }, content }));
    const stream = await taken.promise;
    // What its window takes, and what the streams between hold: then nothing more is read.
    expect(await fetched(client, requestTo(url, { path: '/other' }))).toBe('200 /other');
    expect(left).toBeGreaterThan(32);
    let octets = 0;
    stream.on('data', (piece: Buffer) => {
      octets += piece.length;
    });
    await once(stream, 'end');
    expect(octets).toBe(64 * 65_536);
    stream.respond({ ':status': 204 }, { endStream: true });
    expect((await answer).kind).toBe('response');
  });
});

test('an origin waits for a client that does not read, and others do not', async () => {
  const size = 4 * 1024 * 1024;
  const { url } = await server((stream) => {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(size, 'x'));
  });
  const client = clientFor({ connect: connectHttp2 });
  const { content } = responseOf(await client.send(requestTo(url)));
  let octets = 0;
  let wantsMore = false;
  const ended = Promise.withResolvers<void>();
  content.flow({
    write: ({ length }) => {
      octets += length;
      return wantsMore;
    },
    end: () => ended.resolve(),
    fail: (error) => ended.reject(error),
  });
  await until(() => octets > 0);
  for (let i = 0; i < 5; i++) expect(await fetched(client, requestTo(url, { path: '/other' }))).toBe('200 /other');
  expect(octets).toBeLessThan(size / 2);
  wantsMore = true;
  content.resume();
  await ended.promise;
  expect(octets).toBe(size);
});

describe('an exchange that is not wanted any more', () => {
  test('is cancelled before its head, and the connection is kept for others', async () => {
    const { onLeave, leave } = leaver();
    const { answer, client, server } = await asked((s) => (s === 1 ? [] : [headersFrame(s, [status], true)]), {
      onLeave,
    });
    await server.frame(({ type }) => type === 'headers');
    leave();
    expect(await answer).toMatchObject({ error: { type: 'http_request_error' }, progress: 'unanswered' });
    expect((await server.frame(({ type }) => type === 'rst')).payload.readUInt32BE()).toBe(code.cancel);
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    expect(server.connections).toBe(1);
  });

  test('is cancelled in its content, and nothing more is told', async () => {
    const { answer, client, server } = await asked((s) =>
      s === 1 ? [head(s), dataFrame(s, 'hello')] : [headersFrame(s, [status], true)],
    );
    const { content } = responseOf(await answer);
    const told: string[] = [];
    content.flow({ write: () => true, end: () => void told.push('end'), fail: () => void told.push('fail') });
    content.cancel();
    expect((await server.frame(({ type }) => type === 'rst')).payload.readUInt32BE()).toBe(code.cancel);
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    expect([told, server.connections]).toEqual([[], 1]);
  });

  test('because its client has left is cancelled in its content, and nothing more is told', async () => {
    const { onLeave, leave } = leaver();
    const { answer, client, server } = await asked(
      (s) => (s === 1 ? [head(s), dataFrame(s, 'hello')] : [headersFrame(s, [status], true)]),
      { onLeave },
    );
    const told: string[] = [];
    responseOf(await answer).content.flow({
      write: () => true,
      end: () => void told.push('end'),
      fail: ({ type }) => void told.push(type),
    });
    leave();
    expect((await server.frame(({ type }) => type === 'rst')).payload.readUInt32BE()).toBe(code.cancel);
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
    expect(told).toEqual([]);
  });

  test('before it could go out is never sent', async () => {
    const { onLeave, leave } = leaver();
    const { answer, client, server } = await asked((s) => [headersFrame(s, [status], true)]);
    await contentOf(await answer);
    const gone = client.send(requestTo(server.url, { path: '/gone', onLeave }));
    leave();
    expect((await gone).kind).toBe('failed');
    expect(await fetched(client, requestTo(server.url))).toBe('200 ');
  });
});

describe('a response that comes before the request is out', () => {
  test.each<[string, Frames]>([
    ['and asks for no more (RFC 9113 8.1)', (s) => [rstFrame(s, code.none)]],
    ['and says nothing of the rest', () => []],
  ])('%s reaches the client whole, and what the client still sends is nobody’s', async (_, more) => {
    const content = new PassThrough();
    const { answer, server } = await asked(
      (s) => [headersFrame(s, [[':status', '413']]), dataFrame(s, 'no', true), ...more(s)],
      { method: 'POST', framing: { kind: 'chunked' }, content },
    );
    content.write('hello');
    expect(responseOf(await answer).status).toBe(413);
    expect(await contentOf(await answer)).toMatchObject({ octets: 'no', ending: 'end' });
    const ended = once(content, 'end');
    content.write(Buffer.alloc(4_000_000)); // more than windows and streams hold: somebody reads it
    content.end();
    await ended;
    expect(server.received.some(({ isEnd }) => isEnd)).toBe(false);
  });

  test('goes on while the request does', async () => {
    const { url } = await server((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const content = new PassThrough();
    const client = clientFor({ connect: connectHttp2 });
    const answer = client.send(requestTo(url, { method: 'POST', framing: { kind: 'chunked' }, content }));
    content.write('hel');
    let octets = '';
    const received = drained(responseOf(await answer).content, (piece) => {
      octets += piece.toString();
    });
    await until(() => octets === 'hel');
    content.end('lo');
    expect(await received).toMatchObject({ octets: 'hello', ending: 'end' });
  });
});

function many(count: number): (readonly [string, string])[] {
  return Array.from({ length: count }, (_, i) => [`f${i}`, ''] as const);
}

/** Asks an origin that answers with these frames. */
async function asked(
  frames: (stream: number, socket: Socket) => readonly Buffer[],
  parts: Partial<UpstreamRequest> = {},
  options: Partial<PoolOptions> = {},
) {
  let latest: Socket | undefined;
  const frameServer = await startFrames((stream, socket) => {
    latest = socket;
    const octets = Buffer.concat(frames(stream, socket));
    if (octets.length > 0) socket.write(octets);
  });
  onTestFinished(() => frameServer[Symbol.asyncDispose]());
  const url = `http://127.0.0.1:${frameServer.port}`;
  const client = clientFor({ connect: connectHttp2, ...limits, ...options });
  const answer = client.send(requestTo(url, parts));
  const server: FrameServer & { readonly url: string; socket(): Socket } = Object.assign(Object.create(frameServer), {
    url,
    socket: () => latest as Socket,
  });
  return {
    client,
    server,
    answer,
    answered: async () => {
      const result = await answer;
      if (result.kind === 'failed') return `${result.progress} ${result.error.type}`;
      const { octets, ending } = await contentOf(result);
      return `${result.status} ${octets}${ending === 'end' ? '' : ` ${ending}`}`;
    },
  };
}

/** Node's server. What is asked for as `/other` is answered with its path. */
async function server(answer: (stream: ServerHttp2Stream) => void) {
  const heads: (readonly string[])[] = [];
  const fields: IncomingHttpHeaders[] = [];
  const http2 = createServer({ strictSingleValueFields: false });
  const sessions = new Set<{ destroy(): void }>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  http2.on('stream', (stream, received, _flags, raw) => {
    heads.push(raw as unknown as string[]);
    fields.push(received);
    stream.on('error', () => undefined);
    if (received[':path'] === '/other') {
      (stream as ServerHttp2Stream).respond({ ':status': 200 });
      stream.end('/other');
    } else answer(stream as ServerHttp2Stream);
  });
  await once(http2.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    http2.close();
  });
  return { url: `http://127.0.0.1:${(http2.address() as { port: number }).port}`, heads, fields };
}
