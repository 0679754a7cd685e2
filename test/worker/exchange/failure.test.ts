// What the worker can tell of an upstream that gave no response; the rest stands in the log under its reference.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ProxyError } from '../../../http/proxy-error.ts';
import { connectFailure, readFailure, referenceOf, upstreamFailure } from '../../../worker/exchange/failure.ts';
import { selfSigned } from '../../support/certificate.ts';
import { envelopeFor, exchange, failureOf, startEmbeddedEdge, type TestEdge } from '../../support/edge.ts';
import { startOrigin } from '../../support/origin.ts';
import { closedPort } from '../../support/tcp.ts';

test.each([
  ['http_response_timeout', 504, new DOMException('The operation was aborted', 'AbortError'), 200],
  ['http_protocol_error', 502, new Error('Invalid Content-Length header.'), undefined],
  ['tls_certificate_error', 502, new Error('TLS peer certificate is not trusted'), undefined],
  ['dns_error', 502, new Error('DNS lookup failed.'), undefined],
  ['http_request_error', 400, new TypeError('Invalid header value.'), undefined],
  ['destination_unavailable', 502, new Error('Network connection lost.'), undefined],
  ['destination_unavailable', 502, new Error('internal error; reference = abc123'), undefined],
  ['destination_unavailable', 502, 'thrown text', undefined],
] as const)('%s with %i is told of %o', (type, status, cause, headDeadlineMs) => {
  const error = upstreamFailure(cause, headDeadlineMs);
  expect(error).toMatchObject({ type, status, cause });
});

const refused = 'proxy request failed, cannot connect to the specified address';
const ours = new ProxyError('connection_timeout', 'Too slow.');

test.each([
  ['destination_unavailable', 502, new Error(refused)],
  ['proxy_loop_detected', 502, new Error('TCP Loop detected')],
  ['http_request_denied', 403, new Error('Connections to port 25 are prohibited')],
  ['http_request_error', 501, new TypeError('Specified address could not be parsed.')],
  ['tls_certificate_error', 502, new Error('The certificate is not trusted.')],
] as const)('a connection that was not made: %s with %i is told of %o', (type, status, cause) => {
  expect(connectFailure(cause)).toMatchObject({ type, status, cause });
  expect(connectFailure(ours)).toBe(ours);
});

test.each([
  [false, 'connection_terminated'],
  [true, 'http_response_incomplete'],
])('a connection that breaks off when a head has come (%s) says %s', (isHeadReceived, type) => {
  expect(readFailure(new Error('Network connection lost.'), isHeadReceived)).toMatchObject({ type, status: 502 });
  expect(readFailure(ours, isHeadReceived)).toBe(ours);
});

test.each([
  [new Error('internal error; reference = abc123'), 'abc123'],
  [new Error('Network connection lost.'), undefined],
  [`internal error; reference = ${'a'.repeat(65)}`, undefined],
  [undefined, undefined],
])('the reference of %o is %o', (cause, reference) => {
  expect(referenceOf(cause)).toBe(reference);
});

describe('on workerd', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEmbeddedEdge();
  });
  afterAll(() => edge[Symbol.asyncDispose]());

  test('a refused connection has no reference', async () => {
    const failure = failureOf(await exchange(edge.direct, envelopeFor(`http://127.0.0.1:${await closedPort()}/`)));
    expect(failure.error).toMatchObject({ type: 'destination_unavailable', status: 502 });
    expect(failure.reference).toBeUndefined();
  });

  test.each(['FIN', 'RST'])('a connection ended by %s before the head has no reference', async (ending) => {
    await using origin = await startOrigin((_, socket) => {
      if (ending === 'FIN') socket.end();
      else socket.resetAndDestroy();
    });
    // A method that is not asked for again by socket.
    const failure = failureOf(await exchange(edge.direct, envelopeFor(origin.url, { method: 'POST' })));
    expect(failure.error).toMatchObject({ type: 'destination_unavailable', status: 502 });
    expect(failure.reference).toBeUndefined();
    expect(failure.stages).toHaveProperty('upstream-requested');
  });

  test('a name that does not exist has a reference, under which the log says so', async () => {
    const failure = failureOf(await exchange(edge.direct, envelopeFor('http://nothing.invalid/')));
    expect(failure.error.status).toBe(502);
    await logSays(failure.reference, /DNS lookup failed/);
  });

  test('a self-signed certificate has a reference, under which the log says so', async () => {
    await using origin = await startOrigin(() => undefined, { tls: selfSigned('127.0.0.1') });
    const failure = failureOf(await exchange(edge.direct, envelopeFor(origin.url)));
    expect(failure.error.status).toBe(502);
    expect(origin.requests).toEqual([]);
    expect(origin.connections).toBeGreaterThan(0);
    await logSays(failure.reference, /certificate/);
  });

  async function logSays(reference: string | undefined, words: RegExp): Promise<void> {
    expect(reference).toMatch(/^[a-z0-9]+$/);
    await vi.waitFor(() => {
      const end = edge.logLines.findIndex((line) => line.includes(`wdErrId = ${reference}`));
      expect(edge.logLines.slice(Math.max(0, end - 1), end + 1).join('\n')).toMatch(words);
    });
  }
});
