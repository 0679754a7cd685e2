// An exchange over a connection of the edge's own: octet for octet what was sent and answered, and strictly HTTP/1.1.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RequestEnvelope } from '../../../schemas/relay.ts';
import {
  type Call,
  envelopeFor,
  exchange,
  exchangeFields,
  failureOf,
  type Reply,
  replyOf,
  responseOf,
  send,
  startEmbeddedEdge,
  type TestEdge,
  unmarked,
} from '../../support/edge.ts';
import { type Answer, chunk, message, type Origin, startOrigin } from '../../support/origin.ts';

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEmbeddedEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

const ok = 'HTTP/1.1 200 OK';
const { limits } = envelopeFor('http://o.example/');
const bySocket = (url: string, parts: Partial<RequestEnvelope> = {}, content?: Call['content']): Promise<Reply> =>
  exchange(edge.direct, envelopeFor(url, { upstream: 'socket', ...parts }), content);

const answers =
  (...octets: readonly (string | Buffer)[]): Answer =>
  (_, socket) => {
    for (const each of octets) socket.write(each, 'latin1');
  };

describe('the request', () => {
  test('has its method, target and fields as they are, and the connection is for it alone', async () => {
    await using origin = await startOrigin(answers(message(['HTTP/1.1 204 No Content'])));
    const fields = [
      ['zEbRa', '1'],
      ['apple', ''],
      ['Cookie', 'a=1'],
      ['Cookie', 'b=\xfc'],
      ['zebra', '2'],
    ] as const;
    responseOf(await bySocket(`${origin.url}/a/b;c?d=%20&`, { method: 'LINK', fields }));
    expect(origin.requests[0]?.octets).toBe(
      message([
        'LINK /a/b;c?d=%20& HTTP/1.1',
        `Host: 127.0.0.1:${origin.port}`,
        'zEbRa: 1',
        'apple: ',
        'Cookie: a=1',
        'Cookie: b=\xfc',
        'zebra: 2',
        'CDN-Loop: edgehop',
        'Connection: close',
      ]).toString('latin1'),
    );
  });

  test('of a client that takes trailers says so, RFC 9110 10.1.4', async () => {
    await using origin = await startOrigin(answers(message(['HTTP/1.1 204 No Content'])));
    responseOf(await bySocket(origin.url, { fields: [['TE', 'trailers']] }));
    expect(origin.requests[0]?.values('te')).toEqual(['trailers']);
    expect(origin.requests[0]?.values('connection')).toEqual(['close, TE']);
  });

  test.each([
    ['POST', '0'],
    ['PUT', '0'],
    ['DELETE', undefined],
    ['GET', undefined],
  ])('%s without content states the length %s, RFC 9110 8.6', async (method, length) => {
    await using origin = await startOrigin(answers(message(['HTTP/1.1 204 No Content'])));
    responseOf(await bySocket(origin.url, { method }));
    expect(origin.requests[0]?.values('content-length')[0]).toBe(length);
    expect(origin.requests[0]?.values('transfer-encoding')).toEqual([]);
  });

  const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  const echo: Answer = async (request, socket) => {
    const content = await request.content;
    socket.write(message([ok, `Content-Length: ${content.length}`], content));
  };
  async function* pieces() {
    for (let at = 0; at < large.length; at += 70_000) yield large.subarray(at, at + 70_000);
  }

  test.each([
    ['its length', () => large, ['300000'], []],
    ['chunks', pieces, [], ['chunked']],
  ] as const)('has its content whole, with %s', async (_, content, lengths, codings) => {
    await using origin = await startOrigin(echo);
    const reply = await bySocket(origin.url, { method: 'POST', content: true }, content());
    expect(reply.content.equals(large)).toBe(true);
    expect(origin.requests[0]?.values('content-length')).toEqual(lengths);
    expect(origin.requests[0]?.values('transfer-encoding')).toEqual(codings);
  });

  test('has empty content with its length', async () => {
    await using origin = await startOrigin(echo);
    responseOf(await bySocket(origin.url, { method: 'QUERY', content: true }, ''));
    expect(origin.requests[0]?.values('content-length')).toEqual(['0']);
  });

  test('whose content the origin refuses still gets the answer', async () => {
    await using origin = await startOrigin((_, socket) => {
      socket.pause().end(message(['HTTP/1.1 413 Content Too Large', 'Content-Length: 5'], 'hello'));
    });
    async function* endless() {
      for (let sent = 0; sent < 400; sent++) yield Buffer.alloc(65_536);
    }
    const reply = await bySocket(origin.url, { method: 'PUT', content: true }, endless()).catch(String);
    // The agent, which is this test, may find its sending cut before it has read the answer.
    if (typeof reply !== 'string') expect(responseOf(reply).status).toBe(413);
  });

  test('whose content is cut off by the client is cut off at the origin, and does not look whole', async () => {
    const closed = Promise.withResolvers<string>();
    await using origin = await startOrigin((request, socket) => {
      socket.once('close', () => closed.resolve(request.octets));
    });
    async function* broken() {
      yield Buffer.from('hello');
      await origin.received(1);
      throw new Error('the client leaves');
    }
    const envelope = envelopeFor(origin.url, { upstream: 'socket', method: 'POST', content: true });
    const options = { method: 'POST', fields: exchangeFields(envelope), content: broken() };
    await expect(send(`${edge.direct}/v1/exchange`, options)).rejects.toThrow();
    expect(await closed.promise).not.toContain('0\r\n\r\n');
  });
});

describe('the response', () => {
  test('has its status, reason and fields as they came, in their order and case', async () => {
    const lines = ['Zebra: 1', 'aPPLE:  x ', 'Set-Cookie: a=1, b', 'X-E: ', 'set-cookie: c=\xfc', 'Zebra: 2'];
    await using origin = await startOrigin(answers(message(['HTTP/1.1 299 Soso \xe9', ...lines, 'Content-Length: 0'])));
    expect(responseOf(await bySocket(origin.url))).toMatchObject({
      status: 299,
      reason: 'Soso \xe9',
      fields: [
        ['Zebra', '1'],
        ['aPPLE', 'x'],
        ['Set-Cookie', 'a=1, b'],
        ['X-E', ''],
        ['set-cookie', 'c=\xfc'],
        ['Zebra', '2'],
        ['Content-Length', '0'],
      ],
      content: { kind: 'length', octets: 0 },
    });
  });

  test.each([
    ['a length', [message([ok, 'Content-Length: 5'], 'hello')]],
    ['chunks', [message([ok, 'Transfer-Encoding: chunked']), chunk('hel'), chunk('lo'), chunk()]],
    ['chunks with extensions', [message([ok, 'Transfer-Encoding: chunked'], '5;a="b" \r\nhello\r\n000;c\r\n\r\n')]],
    ['no length, until the connection ends', [message([ok], 'hello'), 'end']],
    ['HTTP/1.0', [message(['HTTP/1.0 200 OK'], 'hello'), 'end']],
    ['HTTP/1.0 and a length', [message(['HTTP/1.0 200 OK', 'Content-Length: 5'], 'hello')]],
    ['no reason phrase and no space before it', [message(['HTTP/1.1 200', 'Content-Length: 5'], 'hello')]],
  ] as const)('with %s is whole, in one piece and octet by octet', async (_, parts) => {
    const whole = Buffer.concat(parts.flatMap((part) => (typeof part === 'string' ? [] : [part])));
    await using origin = await startOrigin(async (request, socket) => {
      if (request.target === '/slow') for (const octet of whole) socket.write(Buffer.of(octet));
      else socket.write(whole);
      if (parts.some((part) => part === 'end')) socket.end();
    });
    for (const path of ['/', '/slow']) {
      const reply = await bySocket(origin.url + path);
      const { content } = responseOf(reply);
      if (content.kind === 'marked') {
        expect(unmarked(reply)).toEqual({ content: Buffer.from('hello'), endRecord: { outcome: 'complete' } });
      } else {
        expect(content).toEqual({ kind: 'length', octets: 5 });
        expect(reply.content.toString()).toBe('hello');
      }
      expect(reply.isComplete).toBe(true);
    }
  });

  test.each([
    ['HEAD', [ok, 'Content-Length: 10']],
    ['HEAD', [ok, 'Transfer-Encoding: chunked']],
    ['GET', ['HTTP/1.1 204 No Content']],
    ['GET', ['HTTP/1.1 304 Not Modified', 'ETag: "a"', 'Content-Length: 10']],
  ])('B08: to %s of %j has no content, whatever follows', async (method, lines) => {
    await using origin = await startOrigin(answers(message(lines, 'what follows is nobody’s')));
    const reply = await bySocket(origin.url, { method });
    expect(responseOf(reply).content).toEqual({ kind: 'none' });
    expect(reply.content).toHaveLength(0);
  });

  test('of several MiB in any framing is whole', async () => {
    const large = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 7) % 253));
    await using origin = await startOrigin((request, socket) => {
      if (request.target === '/length')
        return void socket.write(message([ok, `Content-Length: ${large.length}`], large));
      if (request.target === '/close') return void socket.end(message([ok], large));
      socket.write(message([ok, 'Transfer-Encoding: chunked']));
      for (let at = 0; at < large.length; at += 99_999) socket.write(chunk(large.subarray(at, at + 99_999)));
      socket.write(chunk());
    });
    expect((await bySocket(`${origin.url}/length`)).content.equals(large)).toBe(true);
    for (const path of ['/close', '/chunked']) {
      const { content, endRecord } = unmarked(await bySocket(origin.url + path));
      expect(content.equals(large)).toBe(true);
      expect(endRecord).toEqual({ outcome: 'complete' });
    }
  });

  test('B07: in chunks of one octet is whole', async () => {
    const content = 'x'.repeat(20_000);
    const chunks = [...content].map((octet) => chunk(octet));
    await using origin = await startOrigin(
      answers(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), ...chunks, chunk()])),
    );
    expect(unmarked(await bySocket(origin.url)).content.toString()).toBe(content);
  });

  test('has its trailers in the end record, octet for octet', async () => {
    const trailers = 'X-Sum: \xe9\r\nx-sum:  2\r\n';
    await using origin = await startOrigin(
      answers(message([ok, 'Transfer-Encoding: chunked', 'Trailer: X-Sum']), chunk('hello'), `0\r\n${trailers}\r\n`),
    );
    expect(unmarked(await bySocket(origin.url))).toEqual({
      content: Buffer.from('hello'),
      endRecord: {
        outcome: 'complete',
        trailers: [
          ['X-Sum', '\xe9'],
          ['x-sum', '2'],
        ],
      },
    });
  });

  test('has no trailers where no end record could hold them, RFC 9110 6.5.1', async () => {
    // Each octet above 0x7f becomes two in JSON.
    const trailers = `X-Sum: ${'\xe9'.repeat(50_000)}\r\n`;
    await using origin = await startOrigin(
      answers(message([ok, 'Transfer-Encoding: chunked']), `0\r\n${trailers}\r\n`),
    );
    expect(unmarked(await bySocket(origin.url)).endRecord).toEqual({ outcome: 'complete' });
  });

  test('B03: comes with the interim ones before it, but for 100', async () => {
    await using origin = await startOrigin(
      answers(
        message(['HTTP/1.1 100 Continue']),
        message(['HTTP/1.1 103 Early Hints', 'Link: </a>', 'Link: </b>']),
        message(['HTTP/1.1 102 Processing']),
        message([ok, 'Content-Length: 5'], 'hello'),
      ),
    );
    const reply = await bySocket(origin.url);
    expect(responseOf(reply)).toMatchObject({
      status: 200,
      interim: [
        {
          status: 103,
          fields: [
            ['Link', '</a>'],
            ['Link', '</b>'],
          ],
        },
        { status: 102, fields: [] },
      ],
    });
    expect(reply.content.toString()).toBe('hello');
  });

  test('is more than its interim ones: those that no envelope could hold with it are left out', async () => {
    const hint = message(['HTTP/1.1 103 Early Hints', `Link: ${'x'.repeat(60_000)}`]);
    await using origin = await startOrigin(answers(hint, hint, message([ok, 'Content-Length: 0'])));
    expect(responseOf(await bySocket(origin.url)).interim).toBeUndefined();
  });

  test('says what the connection was for, and how long it took', async () => {
    await using origin = await startOrigin(answers(message(['HTTP/1.1 204 No Content'])));
    const { upstream, stages } = responseOf(await bySocket(origin.url, { addresses: ['127.0.0.1'] }));
    expect(upstream).toEqual({
      kind: 'socket',
      because: 'configured',
      connectMs: expect.any(Number),
      address: '127.0.0.1',
    });
    expect(Object.keys(stages)).toEqual(['edge-received', 'upstream-requested', 'upstream-responded', 'edge-returned']);
  });
});

describe('B02 B08: what follows a response', () => {
  test.each([
    ['octets', 'surplus'],
    ['a second response', message([ok, 'Content-Length: 6'], 'poison').toString()],
    ['a malformed head', 'HTTP/1.1 200 OK\r\nA B\r\n\r\n'],
  ])('spoils nothing: %s', async (_, surplus) => {
    const ends: Promise<unknown>[] = [];
    await using origin = await startOrigin((request, socket) => {
      ends.push(once(socket, 'close'));
      const content = request.target;
      socket.write(message([ok, `Content-Length: ${content.length}`], content + surplus));
    });
    for (const path of ['/1', '/2', '/3']) expect((await bySocket(origin.url + path)).content.toString()).toBe(path);
    expect(origin.connections).toBe(3);
    await Promise.all(ends);
  });
});

describe('a response is refused', () => {
  const chunked = `${chunk('hello')}${chunk()}`;
  const manyFields = Array.from({ length: 1_000 }, (_, i) => `X${i}: `);
  test.each<[string, string, string, string | Buffer]>([
    ['http_protocol_error', '101', ['HTTP/1.1 101 Switching', 'Upgrade: x', ''].join('\r\n'), ''],
    ['http_protocol_error', 'a status of two digits', 'HTTP/1.1 20 OK', ''],
    ['http_protocol_error', '600', 'HTTP/1.1 600 Odd\r\nContent-Length: 0', ''],
    ['http_protocol_error', '999', 'HTTP/1.1 999 Odd\r\nContent-Length: 0', ''],
    ['http_protocol_error', 'both framings', `${ok}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5`, chunked],
    ['http_protocol_error', 'two lengths', `${ok}\r\nContent-Length: 5\r\nContent-Length: 5`, 'hello'],
    ['http_protocol_error', 'a list of lengths', `${ok}\r\nContent-Length: 5, 5`, 'hello'],
    ['http_protocol_error', 'a negative length', `${ok}\r\nContent-Length: -5`, 'hello'],
    ['http_protocol_error', 'a length beyond counting', `${ok}\r\nContent-Length: 9007199254740993`, 'hello'],
    ['http_protocol_error', 'an empty length', `${ok}\r\nContent-Length:`, 'hello'],
    ['http_protocol_error', 'gzip in chunks', `${ok}\r\nTransfer-Encoding: gzip, chunked`, chunked],
    ['http_protocol_error', 'identity', `${ok}\r\nTransfer-Encoding: identity`, 'hello'],
    ['http_protocol_error', 'chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked', chunked],
    ['http_protocol_error', 'HTTP/2.0', 'HTTP/2.0 200 OK', ''],
    ['http_protocol_error', 'another protocol', 'SSH-2.0-OpenSSH_9.6', ''],
    ['http_protocol_error', 'content without a head', 'hello', ''],
    ['http_protocol_error', 'a line without a colon', `${ok}\r\nX-A`, ''],
    ['http_protocol_error', 'a folded line', `${ok}\r\nX-A: a\r\n b`, ''],
    ['http_protocol_error', 'space before the colon', `${ok}\r\nX-A : a`, ''],
    ['http_protocol_error', 'NUL in a value', `${ok}\r\nX-A: a\0b`, ''],
    ['http_protocol_error', 'a bare CR', `${ok}\r\nX-A: a\rb`, ''],
    ['http_protocol_error', 'a bare LF', `${ok}\nContent-Length: 0`, ''],
    ['http_protocol_error', 'a chunk size that is none', `${ok}\r\nTransfer-Encoding: chunked`, 'zz\r\n'],
    ['http_protocol_error', 'a chunk that does not end', `${ok}\r\nTransfer-Encoding: chunked`, '1\r\naa\r\n0\r\n\r\n'],
    ['http_protocol_error', 'a trailer that is none', `${ok}\r\nTransfer-Encoding: chunked`, '0\r\nX A: b\r\n\r\n'],
    ['http_response_header_section_size', 'too large a head', `${ok}\r\nX-A: ${'x'.repeat(65_536)}`, ''],
    ['http_response_header_section_size', 'too many fields', [ok, ...manyFields, 'Content-Length: 0'].join('\r\n'), ''],
    ['connection_terminated', 'nothing', '', ''],
    ['connection_terminated', 'half a head', `${ok}\r\nContent-Le`, 'end'],
  ])('with %s: %s', async (type, _, head, content) => {
    const closed = Promise.withResolvers<void>();
    await using origin = await startOrigin((_, socket) => {
      socket.once('close', () => closed.resolve());
      if (type === 'connection_terminated') return void socket.end(head, 'latin1');
      socket.write(Buffer.concat([message([head]), Buffer.from(content)]));
    });
    const reply = await bySocket(origin.url);
    expect(failureOf(reply)).toMatchObject({ error: { type, status: 502 }, upstream: { kind: 'socket' } });
    expect(reply.content).toHaveLength(0);
    await closed.promise;
    expect(origin.requests).toHaveLength(1);
  });

  test.each([
    ['maxHeadBytes', 200, ['X-A: ', 'x'.repeat(200)].join('')],
    ['maxFields', 3, 'X-A: 1\r\nX-B: 2\r\nX-C: 3'],
  ] as const)('beyond the %s of its envelope, and not within it', async (name, limit, more) => {
    await using origin = await startOrigin((request, socket) => {
      const lines = [ok, 'Content-Length: 2', ...(request.target === '/beyond' ? [more] : [])];
      socket.write(message(lines, 'ok'));
    });
    const parts = { limits: { ...limits, [name]: limit } };
    expect(responseOf(await bySocket(`${origin.url}/within`, parts)).status).toBe(200);
    expect(failureOf(await bySocket(`${origin.url}/beyond`, parts)).error.type).toBe(
      'http_response_header_section_size',
    );
  });

  test('B03: when more interim ones come than are allowed, and not with as many as are', async () => {
    const parts = { limits: { ...limits, maxInterimResponses: 3 } };
    await using origin = await startOrigin((request, socket) => {
      const hint = message(['HTTP/1.1 103 Early Hints']);
      for (let hints = Number(request.target.slice(1)); hints > 0; hints--) socket.write(hint);
      socket.write(message([ok, 'Content-Length: 0']));
    });
    expect(responseOf(await bySocket(`${origin.url}/3`, parts)).interim).toHaveLength(3);
    expect(failureOf(await bySocket(`${origin.url}/4`, parts)).error.type).toBe('http_protocol_error');
  });
});

describe('B05: content that is cut off', () => {
  const incomplete = { outcome: 'failed', error: { type: 'http_response_incomplete' } };
  const malformed = { outcome: 'failed', error: { type: 'http_protocol_error' } };
  /** An origin whose content goes on only when the head has been relayed. */
  async function relayed(head: readonly string[], rest: string, ending: 'FIN' | 'RST' | 'open'): Promise<Reply> {
    const isSeen = Promise.withResolvers<void>();
    await using origin: Origin = await startOrigin(async (_, socket) => {
      socket.write(message(head));
      await isSeen.promise;
      socket.write(rest, 'latin1', () => {
        if (ending === 'FIN') socket.end();
        else if (ending === 'RST') socket.resetAndDestroy();
      });
    });
    const fields = exchangeFields(envelopeFor(origin.url, { upstream: 'socket' }));
    const incoming = await send(`${edge.direct}/v1/exchange`, { method: 'POST', fields });
    isSeen.resolve();
    return await replyOf(incoming); // the origin stays until then
  }

  test.each(['FIN', 'RST'] as const)('before its length by %s leaves the reply short and broken', async (ending) => {
    const reply = await relayed([ok, 'Content-Length: 10'], 'hello', ending);
    expect(responseOf(reply).content).toEqual({ kind: 'length', octets: 10 });
    expect(reply.isComplete).toBe(false);
    expect('hello').toMatch(new RegExp(`^${reply.content}`));
  });

  test.each([
    ['in a chunk', `${chunk('hello')}5\r\nhe`, 'FIN', incomplete],
    ['between chunks', `${chunk('hello')}`, 'FIN', incomplete],
    ['in its trailers', `${chunk('hello')}0\r\nX-A`, 'FIN', incomplete],
    ['by a chunk size that is none', `${chunk('hello')}zz\r\n`, 'open', malformed],
    ['by a line that never ends', `${chunk('hello')}5;${'x'.repeat(5_000)}`, 'open', malformed],
  ] as const)('%s says so in its end record', async (_, rest, ending, record) => {
    const { content, endRecord } = unmarked(await relayed([ok, 'Transfer-Encoding: chunked'], rest, ending));
    expect(content.toString()).toMatch(/^hello(he)?$/);
    expect(endRecord).toMatchObject(record);
  });

  test('until the connection ends, by RST, is not whole', async () => {
    expect(unmarked(await relayed([ok], 'hello', 'RST')).endRecord).toMatchObject(incomplete);
  });
});
