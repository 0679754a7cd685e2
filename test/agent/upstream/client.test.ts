// The client against real sockets: octets as they came, connections kept, and every way in which an origin can fail.
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { sweepIntervalMs } from '../../../agent/upstream/pool.ts';
import { type Answer, chunk, message, startOrigin } from '../../support/origin.ts';
import { clientFor, contentOf, fetched, originFor, requestTo, responseOf, until } from '../../support/upstream.ts';

const ok = 'HTTP/1.1 200 OK';

describe('a response', () => {
  test('comes with its fields octet for octet, in order and with duplicates', async () => {
    const { answer } = await asked((_, socket) => {
      socket.end(message(['HTTP/1.1 404 N\xc3\xb6', 'X: caf\xe9', 'x: 2', 'Set-Cookie: a=1, b', 'Content-Length: 0']));
    });
    const { status, reason, fields, octets, address } = responseOf(answer);
    expect([status, reason, octets, address]).toEqual([404, 'N\xc3\xb6', 0, '127.0.0.1']);
    expect(fields).toEqual([
      ['X', 'caf\xe9'],
      ['x', '2'],
      ['Set-Cookie', 'a=1, b'],
      ['Content-Length', '0'],
    ]);
  });

  test('whose reason phrase is missing has none', async () => {
    const { answer } = await asked((_, socket) => void socket.end('HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n'));
    expect(responseOf(answer).reason).toBe('');
  });

  test.each([
    ['of a length', [message([ok, 'Content-Length: 5'], 'hello')], 'hello'],
    ['in chunks', [message([ok, 'Transfer-Encoding: chunked']), chunk('hel'), chunk('lo'), chunk()], 'hello'],
    ['until the connection ends', [message([ok, 'Connection: close']), Buffer.from('hello')], 'hello'],
    [
      'coded, for it is passed on undecoded (B09)',
      [message([ok, 'Content-Encoding: gzip', 'Content-Length: 5'], '\x1f\x8bxyz')],
      '\x1f\x8bxyz',
    ],
  ])('has content %s', async (_, octets, content) => {
    const { answer } = await asked((_, socket) => void socket.end(Buffer.concat(octets)));
    expect(await contentOf(answer)).toMatchObject({ octets: content, ending: 'end' });
  });

  test('whose content is there before anyone reads it is kept until then', async () => {
    const { answer } = await asked((_, socket) => void socket.end(message([ok, 'Content-Length: 5'], 'hello')));
    await new Promise(setImmediate);
    expect((await contentOf(answer)).octets).toBe('hello');
  });
});

describe('an origin that fails', () => {
  test.each<[string, Answer, string, string]>([
    ['closes without a word', (_, socket) => void socket.destroy(), 'connection_terminated', 'unanswered'],
    ['is no HTTP server', (_, socket) => void socket.end('SSH-2.0-x\r\n'), 'http_protocol_error', 'unanswered'],
    [
      'B01: sends length and chunks',
      (_, socket) => void socket.end(message([ok, 'Content-Length: 1', 'Transfer-Encoding: chunked'])),
      'http_protocol_error',
      'unanswered',
    ],
    [
      'B04: sends a head without end',
      (_, socket) => void socket.write(`${ok}\r\nX: ${'x'.repeat(20_000)}`),
      'http_response_header_section_size',
      'unanswered',
    ],
  ])('before its head: it %s', async (_, fault, type, progress) => {
    const { answer } = await asked(fault);
    expect(answer).toMatchObject({ kind: 'failed', error: { type } });
    if (type !== 'http_protocol_error') expect(answer).toMatchObject({ progress });
  });

  test.each<[string, Answer]>([
    ['does not answer', () => undefined],
    ['stops in its head', (_, socket) => void socket.write(`${ok}\r\nX:`)],
  ])('B15, before its head: it %s', async (_, fault) => {
    const origin = await originFor((request, socket) => {
      if (request.target === '/fault') return fault(request, socket);
      socket.write(message([ok, 'Content-Length: 0']));
    });
    const client = clientFor();
    await fetched(client, requestTo(origin.url)); // connecting takes time of its own
    expect(await fetched(client, requestTo(origin.url, { path: '/fault', headDeadlineMs: 20 }))).toBe(
      'unanswered http_response_timeout',
    );
  });

  test('B03: interim responses without end are no answer', async () => {
    const { answer } = await asked((_, socket) => {
      const interim = message(['HTTP/1.1 103 Early Hints', 'Link: </a>']);
      const go = () => void socket.write(interim, (error) => error ?? go());
      go();
    });
    expect(answer).toMatchObject({ kind: 'failed', error: { type: 'http_protocol_error' } });
  });

  test('some interim responses are no fault', async () => {
    const interim = message(['HTTP/1.1 103 Early Hints', 'Link: </a>']).toString().repeat(10);
    const { answer } = await asked((_, socket) => void socket.end(interim + message([ok, 'Content-Length: 0'])));
    expect(responseOf(answer).status).toBe(200);
  });

  test.each<[string, Answer, string]>([
    [
      'ends before its length',
      (_, socket) => void socket.end(message([ok, 'Content-Length: 9'], 'hello')),
      'http_response_incomplete',
    ],
    [
      'ends between chunks',
      (_, socket) => void socket.end(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk('hello')])),
      'http_response_incomplete',
    ],
    [
      'resets',
      (_, socket) => void socket.write(message([ok, 'Content-Length: 9'], 'hello'), () => socket.resetAndDestroy()),
      'http_response_incomplete',
    ],
    [
      'sends a chunk size that is none',
      (_, socket) => void socket.write(message([ok, 'Transfer-Encoding: chunked'], '5\r\nhello\r\nzz\r\n')),
      'http_protocol_error',
    ],
    ['stops', (_, socket) => void socket.write(message([ok, 'Content-Length: 9'], 'hello')), 'connection_read_timeout'],
  ])('B05, in its content: it %s', async (_, fault, type) => {
    const { answer } = await asked(fault, { idleTimeoutMs: 50 });
    const received = await contentOf(answer);
    expect(received.ending).toBe(type);
    expect('hello'.startsWith(received.octets)).toBe(true);
  });

  test('that is not there is told, and nothing was sent', async () => {
    const origin = await startOrigin(() => undefined);
    await origin[Symbol.asyncDispose]();
    expect(await clientFor().send(requestTo(origin.url))).toMatchObject({
      kind: 'failed',
      error: { type: 'connection_refused' },
      progress: 'unsent',
    });
  });
});

test('the request goes out with its fields and its content', async () => {
  const received = Promise.withResolvers<string>();
  const { answer, origin } = await asked(
    async (request, socket) => {
      received.resolve((await request.content).toString());
      socket.end(message([ok, 'Content-Length: 0']));
    },
    {
      method: 'POST',
      path: '/a?b',
      fields: [
        ['Host', 'o.example'],
        ['X', 'caf\xe9'],
        ['x', '2'],
      ],
      framing: { kind: 'length', octets: 5 },
      content: Readable.from([Buffer.from('he'), Buffer.from('llo')]),
    },
  );
  responseOf(answer);
  expect(await received.promise).toBe('hello');
  const [request] = origin.requests;
  expect([request?.method, request?.target]).toEqual(['POST', '/a?b']);
  expect([request?.values('host'), request?.values('x'), request?.values('content-length')]).toEqual([
    ['o.example'],
    ['caf\xe9', '2'],
    ['5'],
  ]);
});

test('each request goes to its own origin', async () => {
  const origins = await Promise.all(
    [1, 2].map((number) =>
      originFor((_, socket) => void socket.write(message([ok, 'Content-Length: 1'], String(number)))),
    ),
  );
  const client = clientFor();
  const contents = await Promise.all([...origins, ...origins].map(({ url }) => fetched(client, requestTo(url))));
  expect(contents).toEqual(['200 1', '200 2', '200 1', '200 2']);
});

describe('a client that is closed', () => {
  const stopping = { kind: 'failed', error: { type: 'proxy_internal_response', status: 503 } };

  test('sends nothing more', async () => {
    const origin = await originFor(() => undefined);
    const client = clientFor();
    await client.close();
    expect(await client.send(requestTo(origin.url))).toMatchObject({ ...stopping, progress: 'unsent' });
    expect(origin.connections).toBe(0);
  });

  test('ends what goes on, and what waits', async () => {
    const origin = await originFor(() => undefined);
    const client = clientFor({ maxConnections: 1 });
    const answers = [client.send(requestTo(origin.url)), client.send(requestTo(origin.url))];
    await origin.received(1);
    await client.close();
    expect(await Promise.all(answers)).toMatchObject([
      { ...stopping, progress: 'unanswered' },
      { ...stopping, progress: 'unsent' },
    ]);
  });
});

async function asked(answer: Answer, parts: Partial<UpstreamRequest> = {}) {
  const origin = await originFor(answer);
  return { answer: await clientFor().send(requestTo(origin.url, parts)), origin };
}

describe('maxIdleOriginConnections', () => {
  test('are kept over all origins, and those used longest ago are closed for more', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const client = clientFor({ maxIdleOriginConnections: 2 });
    const ended: number[] = [];
    const servers = await Promise.all(
      [0, 1, 2, 3].map((number) =>
        originFor((_, socket) => {
          socket.once('end', () => ended.push(number));
          socket.write(message([ok, 'Content-Length: 0']));
        }),
      ),
    );
    // The first one is asked again, and so was used last but one.
    for (const at of [1, 2, 0, 3]) expect(await fetched(client, requestTo(servers[at]?.url as string))).toBe('200 ');
    vi.advanceTimersByTime(sweepIntervalMs);
    await until(() => ended.length >= 2);
    expect(ended.sort()).toEqual([1, 2]);
    for (const at of [0, 3]) expect(await fetched(client, requestTo(servers[at]?.url as string))).toBe('200 ');
    expect(servers.map(({ connections }) => connections)).toEqual([1, 1, 1, 1]);
  });
});
