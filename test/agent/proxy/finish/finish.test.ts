// The outcome as a client gets it: framed anew, annotated, told once; what stops before its end is never a clean end.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createFinish } from '../../../../agent/proxy/finish/finish.ts';
import type { Content, Ending, Outcome, Trace, UpstreamResponse } from '../../../../agent/proxy/ports.ts';
import type { Field } from '../../../../http/fields.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { contentOf, listening, stillClock, testTrace } from '../../../support/walk.ts';

const cut = new ProxyError('http_response_incomplete', 'Cut.');

describe('a response', () => {
  test('goes on with its end-to-end fields, this hop, and content of a known length', async () => {
    const reply = await delivered({
      ...plain(['hel', 'lo'], 5),
      fields: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X', 'caf\xe9'],
        ['Connection', 'X-Hop'],
        ['X-Hop', '1'],
        ['Content-Length', '05'],
      ],
    });
    expect(reply.fields.slice(0, 5)).toEqual([
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['X', 'caf\xe9'],
      ['Content-Length', '5'],
      ['Via', '1.1 edgehop-1a2b'],
    ]);
    expect(reply).toMatchObject({ status: 200, content: 'hello', isWhole: true });
    expect(reply.trace).toMatchObject({ toClient: 5, response: { status: 200, reason: 'OK' }, failure: undefined });
    expect(reply.trace.stamps['response-sent']).toBe(7);
    expect(reply.told).toEqual(['finished']);
  });

  test.each([0, 5, 100_000])(
    'of the store is given at once, with its fields as they are: %i octets',
    async (octets) => {
      const held = Buffer.alloc(octets, 'x');
      const source: Content = {
        ...contentOf([]),
        flow: () => {
          throw new Error('it need not flow');
        },
      };
      const content = { kind: 'some', octets, source, held } as const;
      const reply = await delivered({ ...plain([]), fields: [['Age', '3']], isStored: true, content });
      expect(reply).toMatchObject({ status: 200, content: held.toString(), isWhole: true });
      expect(reply.fields.slice(0, 2)).toEqual([
        ['Age', '3'],
        ['Content-Length', String(octets)],
      ]);
      expect(reply.trace.toClient).toBe(octets);
    },
  );

  test.each([
    ['GET', 204, []],
    ['GET', 304, ['5']],
    ['HEAD', 200, ['5']],
  ])('RFC 9110 8.6: to %s with %i and no content announces %j', async (method, status, lengths) => {
    const response = { status, reason: '', fields: [['Content-Length', '5']], content: { kind: 'none' } } as const;
    const { fields } = await delivered(response, method);
    expect(fields.filter(([name]) => name === 'Content-Length').map(([, value]) => value)).toEqual(lengths);
  });

  test.each(['N\ufffd', '\u898b\u3064\u304b\u308a\u307e\u305b\u3093', 'a\x01b'])(
    'RFC 9112 4: a reason phrase that nobody may send is left out: %j',
    async (reason) => {
      const reply = await delivered({ ...plain(['x'], 1), status: 404, reason });
      expect(reply).toMatchObject({ status: 404, reason: '', content: 'x' });
    },
  );

  test('B05: whose content stops is cut off, and the record says so', async () => {
    let fail: () => void = () => undefined;
    const source: Content = {
      ...contentOf([]),
      flow: (sink) => {
        sink.write(Buffer.from('hel'));
        fail = () => sink.fail(cut);
      },
    };
    const content = { kind: 'some', octets: undefined, source } as const;
    const reply = await answered({ kind: 'response', response: { ...plain([]), content } }, 'GET', (message) =>
      message.once('data', () => fail()),
    );
    expect(reply.isWhole).toBe(false);
    expect(reply.trace.failure).toEqual({ error: cut, source: 'agent' });
    expect(reply.trace.stamps['response-sent']).toBeUndefined();
    expect(reply.told).toEqual(['finished']);
  });
});

test('an error is answered as one, and HEAD gets its head only', async () => {
  const outcome = { kind: 'failed', error: cut, source: 'edge', mayRetry: false } as const;
  const [get, head] = [await answered(outcome), await answered(outcome, 'HEAD')];
  expect(get).toMatchObject({ status: 502, isWhole: true, trace: { failure: { error: cut, source: 'edge' } } });
  expect(JSON.parse(get.content)).toMatchObject({ status: 502, exchange: '1a2b-7' });
  expect(get.trace.toClient).toBe(get.content.length);
  expect([head.status, head.content, head.trace.toClient]).toEqual([502, '', 0]);
});

test('what a rule drops ends in a reset, and the record says why', async () => {
  const error = new ProxyError('http_request_denied', 'The rule "x" drops this.');
  const { ending, trace, told } = await dropped({ kind: 'dropped', error });
  expect(ending).toBe('ECONNRESET');
  expect(trace).toMatchObject({ failure: { error, source: 'agent' }, response: undefined, toClient: 0 });
  expect(trace.stamps['response-sent']).toBeUndefined();
  expect(told).toEqual(['finished']);
});

test('what stands in the place of a response does not change what the next hop has said', async () => {
  const response = { ...plain(['x'], 1), receivedStatus: 404 };
  const trace = { route: { kind: 'direct', because: 'no-edge' }, host: 'o.example' } as const;
  const { fields } = await answered({ kind: 'response', response }, 'GET', undefined, trace);
  expect(fields).toContainEqual(['Proxy-Status', 'edgehop;next-hop="o.example";received-status=404']);
});

test('what the halves tell each other in fields is not passed on', async () => {
  const fields: Field[] = [['Edgehop-Cache-Control', 'max-age=1']];
  const get = await delivered({ ...plain(['x'], 1), fields });
  const head = await delivered({ ...plain([]), fields, content: { kind: 'none' } }, 'HEAD');
  expect([...get.fields, ...head.fields].map(([name]) => name.toLowerCase())).not.toContain('edgehop-cache-control');
});

test('a client that leaves while content flows ends it at its source', async () => {
  const source = contentOf(['hel'], 'open');
  const content = { kind: 'some', octets: undefined, source } as const;
  const reply = await answered({ kind: 'response', response: { ...plain([]), content } }, 'GET', (message) =>
    message.once('data', () => message.destroy()),
  );
  expect(source.wasCancelled).toBe(true);
  expect(reply.trace.failure).toMatchObject({ error: { type: 'http_request_error' }, source: 'agent' });
});

function plain(pieces: readonly string[], octets?: number): UpstreamResponse {
  return { status: 200, reason: 'OK', fields: [], content: { kind: 'some', octets, source: contentOf(pieces) } };
}

function delivered(response: UpstreamResponse, method = 'GET') {
  return answered({ kind: 'response', response }, method);
}

/** How a client fares whose request is answered by nothing. */
async function dropped(ending: Ending) {
  const { observer, told } = listening();
  const trace = testTrace();
  const finish = createFinish({ clock: stillClock(7), observer, pseudonym: 'edgehop-1a2b', annotate: true });
  const server = createServer((message, reply) => void finish({ trace, head: message, message, reply }, ending));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }).end();
  const [{ code }] = (await once(asked, 'error')) as [{ code: string }];
  await expect.poll(() => told.length).toBe(1);
  return { ending: code, trace, told };
}

/** What a client gets of an outcome, once finish is done with it. */
async function answered(
  outcome: Outcome,
  method = 'GET',
  read: (message: IncomingMessage) => void = () => undefined,
  parts: Partial<Trace> = {},
) {
  const { observer, told } = listening();
  const trace: Trace = testTrace({ ...parts, stamps: { 'request-relayed': parts.route && 3 } });
  const finish = createFinish({ clock: stillClock(7), observer, pseudonym: 'edgehop-1a2b', annotate: true });
  const done = Promise.withResolvers<void>();
  const server = createServer((message: IncomingMessage, reply: ServerResponse) => {
    Promise.resolve(finish({ trace, head: message, message, reply }, outcome)).then(done.resolve, done.reject);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const asked = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method, agent: false });
  asked.end();
  const [message] = (await once(asked, 'response')) as [IncomingMessage];
  let content = '';
  message.setEncoding('latin1').on('data', (text: string) => {
    content += text;
  });
  for (const emitter of [asked, message]) emitter.on('error', () => undefined);
  const closed = new Promise((resolve) => message.once('close', resolve));
  read(message);
  await Promise.all([closed, done.promise]);
  const flat = message.rawHeaders;
  return {
    status: message.statusCode,
    reason: message.statusMessage,
    fields: flat.flatMap((name, i): Field[] => (i % 2 === 0 ? [[name, flat[i + 1] as string]] : [])),
    content,
    isWhole: message.complete,
    trace,
    told,
  };
}
