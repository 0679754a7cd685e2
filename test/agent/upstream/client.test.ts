// The client against real sockets: octets as they came, connections kept, and every way in which an origin can fail.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { UpstreamAnswer, UpstreamClient, UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { createUpstreamClient } from '../../../agent/upstream/client.ts';
import { type Connect, createConnect } from '../../../agent/upstream/connect.ts';
import { createDial } from '../../../agent/upstream/dial.ts';
import { noParents } from '../../../agent/upstream/parents.ts';
import { type Answer, chunk, message, type Origin, startOrigin } from '../../support/origin.ts';

const ok = 'HTTP/1.1 200 OK';

describe('a response', () => {
  test('comes with its fields octet for octet, in order and with duplicates', async () => {
    const { answer } = await asked((_, socket) => {
      socket.end(message(['HTTP/1.1 404 N\xc3\xb6', 'X: caf\xe9', 'x: 2', 'Set-Cookie: a=1, b', 'Content-Length: 0']));
    });
    const { status, reason, fields, octets, address } = response(answer);
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
    expect(response(answer).reason).toBe('');
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
    expect(await contentOf(answer)).toEqual({ octets: content, ending: 'end' });
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
    ['does not answer', () => undefined, 'http_response_timeout', 'unanswered'],
    ['stops in its head', (_, socket) => void socket.write(`${ok}\r\nX:`), 'http_response_timeout', 'unanswered'],
  ])('before its head: it %s', async (_, fault, type, progress) => {
    const { answer } = await asked(fault, { headDeadlineMs: 50 });
    expect(answer).toMatchObject({ kind: 'failed', error: { type } });
    if (type !== 'http_protocol_error') expect(answer).toMatchObject({ progress });
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
    expect(response(answer).status).toBe(200);
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

describe('connections', () => {
  const empty = message([ok, 'Content-Length: 0']);

  test.each(['end', 'resetAndDestroy'] as const)(
    'are kept, and one that closes instead of answering again is told as stale (%s)',
    async (close) => {
      const origin = await originFor((_, socket) => {
        if (origin.requests.length === 1) socket.write(empty);
        else socket[close]();
      });
      const client = clientFor({ maxConnections: 1 });
      expect((await contentOf(await client.send(requestTo(origin.url)))).ending).toBe('end');
      expect(await client.send(requestTo(origin.url))).toMatchObject({
        kind: 'failed',
        error: { type: 'connection_terminated' },
        progress: 'stale',
      });
      expect(origin.connections).toBe(1);
    },
  );

  test('B02: what follows a response is not taken for the next one', async () => {
    const origin = await originFor((_, socket) => {
      const number = origin.requests.length;
      socket.write(
        Buffer.concat([message([ok, 'Content-Length: 1'], String(number)), message([ok, 'Content-Length: 4'], 'evil')]),
      );
    });
    const client = clientFor();
    const contents: string[] = [];
    for (let i = 0; i < 2; i++) contents.push((await contentOf(await client.send(requestTo(origin.url)))).octets);
    expect(contents).toEqual(['1', '2']);
    expect(origin.connections).toBe(2);
  });

  test('end when the content is not wanted, and nothing more is told', async () => {
    const gone = Promise.withResolvers<void>();
    const { answer } = await asked((_, socket) => {
      socket.once('close', () => gone.resolve());
      socket.write(message([ok, 'Content-Length: 9'], 'hello'));
    });
    const { content } = response(answer);
    const heard: string[] = [];
    content.flow({ write: () => true, end: () => void heard.push('end'), fail: () => void heard.push('fail') });
    content.cancel();
    await gone.promise;
    expect(heard).toEqual([]);
  });

  test('end when the client leaves before the head', async () => {
    let leave: () => void = () => undefined;
    const gone = Promise.withResolvers<void>();
    const { answer } = await asked(
      (_, socket) => {
        socket.once('close', () => gone.resolve());
        leave();
      },
      {
        onLeave: (cancel) => {
          leave = cancel;
        },
      },
    );
    expect(answer.kind).toBe('failed');
    await gone.promise;
  });

  test('tell to which address they lead, each its own', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => void socket.write(empty));
    });
    await once(server.listen(0, '::'), 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const addresses = ['127.0.0.1', '::1'];
    const connects = addresses.map((address) => connectTo([address]));
    const client = clientFor({ connect: (origin) => (connects.shift() as Connect)(origin) });
    const answers = await Promise.all(addresses.map(() => client.send(requestTo(`http://o.example:${port}`))));
    expect(answers.map((answer) => response(answer).address).sort()).toEqual([...addresses].sort());
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
  response(answer);
  expect(await received.promise).toBe('hello');
  const [request] = origin.requests;
  expect([request?.method, request?.target]).toEqual(['POST', '/a?b']);
  expect([request?.values('host'), request?.values('x'), request?.values('content-length')]).toEqual([
    ['o.example'],
    ['caf\xe9', '2'],
    ['5'],
  ]);
});

async function asked(answer: Answer, parts: Partial<UpstreamRequest> = {}) {
  const origin = await originFor(answer);
  return { answer: await clientFor().send(requestTo(origin.url, parts)), origin };
}

async function originFor(answer: Answer): Promise<Origin> {
  const origin = await startOrigin(answer);
  onTestFinished(() => origin[Symbol.asyncDispose]());
  return origin;
}

function clientFor(parts: Partial<Parameters<typeof createUpstreamClient>[0]> = {}): UpstreamClient {
  const client = createUpstreamClient({
    maxConnections: 8,
    maxHeadBytes: 8 * 1024,
    maxFields: 100,
    maxInterimResponses: 10,
    keepAliveTimeoutMs: 4_000,
    connect: connectTo(['127.0.0.1']),
    ...parts,
  });
  onTestFinished(() => client.close());
  return client;
}

function connectTo(addresses: readonly string[], allowHttp2 = false): Connect {
  return createConnect({
    dial: createDial({ connectTimeoutMs: 5_000, maxSocketBufferBytes: 65_536 }, noParents),
    addresses: async () => ({ kind: 'resolved', addresses }),
    connectTimeoutMs: 5_000,
    allowHttp2,
  });
}

function requestTo(origin: string, parts: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    origin,
    method: 'GET',
    path: '/',
    fields: [],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: 10_000,
    idleTimeoutMs: 10_000,
    maxOctetsHeld: 65_536,
    onLeave: () => undefined,
    ...parts,
  };
}

function response(answer: UpstreamAnswer): Extract<UpstreamAnswer, { kind: 'response' }> {
  if (answer.kind === 'failed') throw answer.error;
  return answer;
}

/** The content of a response, when it has come to its end or has failed. */
function contentOf(answer: UpstreamAnswer): Promise<{ readonly octets: string; readonly ending: string }> {
  return new Promise((resolve) => {
    let octets = '';
    response(answer).content.flow({
      write: (piece) => {
        octets += piece.toString('latin1');
        return true;
      },
      end: () => resolve({ octets, ending: 'end' }),
      fail: ({ type }) => resolve({ octets, ending: type }),
    });
  });
}
