// The direct route: what is sent to the origin, and what each answer of it comes to.
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { createDirectExchange } from '../../../../agent/proxy/exchange/direct-exchange.ts';
import type { Outcome, PlannedRequest, UpstreamAnswer, UpstreamRequest } from '../../../../agent/proxy/ports.ts';
import { ProxyError } from '../../../../http/proxy-error.ts';
import { contentOf, limits, listening, plannedRequest, receivedOf, stillClock } from '../../../support/walk.ts';

const route = { kind: 'direct', because: 'no-edge' } as const;

test('the request goes out with a Host of its target and in its framing', async () => {
  const content = Readable.from(['12345']);
  const request = plannedRequest({
    method: 'POST',
    path: '/a?b',
    framing: { kind: 'length', octets: 5 },
    content,
    forwardFields: [
      ['A', '1'],
      ['Via', '1.1 edgehop-1a2b'],
    ],
  });
  const { sent, told } = await exchanged(request, answered());
  expect(sent).toMatchObject([
    { origin: 'http://o.example', method: 'POST', path: '/a?b', content, headDeadlineMs: 1_000 },
  ]);
  expect(sent[0]?.fields).toEqual([
    ['Host', 'o.example'],
    ['A', '1'],
    ['Via', '1.1 edgehop-1a2b'],
  ]);
  expect(sent[0]?.framing).toEqual({ kind: 'length', octets: 5 });
  expect(told).toEqual(['request relayed', 'response received']);
});

test.each([
  ['http', 'o.example', 80, 'o.example'],
  ['http', 'o.example', 443, 'o.example:443'],
  ['https', 'o.example', 443, 'o.example'],
  ['https', '[::1]', 8443, '[::1]:8443'],
] as const)('RFC 9110 7.2: of %s://%s port %i the Host is %s', async (scheme, host, port, field) => {
  const { sent } = await exchanged(plannedRequest({ scheme, host, port }), answered());
  expect(sent[0]).toMatchObject({
    origin: `${scheme}://${field}`,
    fields: expect.arrayContaining([['Host', field]]),
  });
});

test.each([
  ['trailers', true],
  ['gzip;q=0.5, Trailers', true],
  ['gzip', false],
])('RFC 9110 10.1.4: of a client that says TE: %s it is told that it takes trailers (%s)', async (te, isTold) => {
  const { sent } = await exchanged(plannedRequest({ fields: [['TE', te]], forwardFields: [['A', '1']] }), answered());
  const told = [
    ['TE', 'trailers'],
    ['Connection', 'TE'],
  ];
  expect(sent[0]?.fields).toEqual([['Host', 'o.example'], ['A', '1'], ...(isTold ? told : [])]);
});

test('a response is told with its address and the octets of its content', async () => {
  const request = plannedRequest();
  const { outcome } = await exchanged(request, answered({ address: '192.0.2.1', octets: 2 }, ['ab']));
  expect(request.trace).toMatchObject({
    address: '192.0.2.1',
    addressKnownBy: 'socket',
    stamps: { 'request-relayed': 7, 'response-received': 7 },
  });
  if (outcome.kind !== 'response' || outcome.response.content.kind !== 'some') throw new Error(outcome.kind);
  expect(outcome.response).toMatchObject({ status: 200, reason: 'OK', content: { octets: 2 } });
  expect(receivedOf(outcome.response.content.source)).toMatchObject({ endings: ['end'] });
});

test('an address that is not certain does not replace the one that was checked', async () => {
  const request = plannedRequest();
  Object.assign(request.trace, { address: '192.0.2.9', addressKnownBy: 'agent-dns' });
  await exchanged(request, answered({ address: undefined }));
  expect(request.trace).toMatchObject({ address: '192.0.2.9', addressKnownBy: 'agent-dns' });
});

test('the client is told to send its content before the origin is asked', async () => {
  const order: string[] = [];
  const request = plannedRequest({ continue: () => void order.push('continue') });
  const send = async () => {
    order.push('send');
    return answered();
  };
  const direct = { send, close: async () => undefined };
  await createDirectExchange({ clock: stillClock(), observer: listening().observer, limits, direct })(request, route);
  expect(order).toEqual(['continue', 'send']);
});

test('a head that is not sound is refused, and its content is not wanted', async () => {
  const content = contentOf(['x'], 'open');
  const { outcome } = await exchanged(plannedRequest(), { ...answered({ status: 101 }), content } as UpstreamAnswer);
  expect(outcome).toMatchObject({ kind: 'failed', error: { type: 'http_protocol_error' }, mayRetry: false });
  expect(content.wasCancelled).toBe(true);
});

test.each([
  ['http', 'http://parent.example:3128', 'proxy_configuration_error'],
  ['https', 'http://parent.example:3128', 'http_protocol_error'],
  ['http', undefined, 'http_protocol_error'],
] as const)('407 of %s by the parent %s is %s', async (scheme, parent, type) => {
  const { outcome } = await exchanged(plannedRequest({ scheme, parent }), answered({ status: 407 }));
  expect(outcome).toMatchObject({ kind: 'failed', error: { type, status: 502 } });
});

test('B08: content after a response that has none is cut', async () => {
  const content = contentOf(['x'], 'open');
  const { outcome } = await exchanged(plannedRequest({ method: 'HEAD' }), {
    ...answered({ octets: 'none' }),
    content,
  } as UpstreamAnswer);
  expect(outcome).toMatchObject({ response: { content: { kind: 'none' } } });
  expect(content.wasCancelled).toBe(true);
});

test.each([
  ['a stale connection', 'GET', false, 'stale', true],
  ['a stale connection, but content', 'PUT', true, 'stale', false],
  ['a stale connection, but an effect', 'POST', false, 'stale', false],
  ['no answer', 'GET', false, 'unanswered', false],
  ['no connection', 'GET', false, 'unsent', false],
] as const)('RFC 9110 9.2.2, %s: %s, a %s with content %s', async (_, method, hasContent, progress, mayRetry) => {
  const error = new ProxyError('connection_terminated', 'Gone.');
  const request = plannedRequest({ method, content: hasContent ? Readable.from(['x']) : undefined });
  const { outcome } = await exchanged(request, { kind: 'failed', error, progress });
  expect(outcome).toEqual({ kind: 'failed', error, source: 'agent', mayRetry });
});

async function exchanged(request: PlannedRequest, answer: UpstreamAnswer) {
  const { observer, told } = listening();
  const sent: UpstreamRequest[] = [];
  const direct = {
    send: async (upstream: UpstreamRequest) => {
      sent.push(upstream);
      return answer;
    },
    close: async () => undefined,
  };
  const exchange = createDirectExchange({ clock: stillClock(7), observer, limits, direct });
  const outcome: Outcome = await exchange(request, route);
  return { outcome, sent, told };
}

function answered(
  parts: Partial<Extract<UpstreamAnswer, { kind: 'response' }>> = {},
  pieces: readonly string[] = [],
): UpstreamAnswer {
  return {
    kind: 'response',
    status: 200,
    reason: 'OK',
    fields: [],
    octets: undefined,
    content: contentOf(pieces),
    address: undefined,
    ...parts,
  };
}
