// The client towards an edge: heads that hold whole envelopes, both ways, over both protocols, and the edge's own limits.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createEdgeClient } from '../../../agent/edge/edge-client.ts';
import type { UpstreamClient } from '../../../agent/proxy/ports.ts';
import { createDial } from '../../../agent/upstream/dial.ts';
import { noParents } from '../../../agent/upstream/parents.ts';
import { packEnvelope, unpackEnvelope } from '../../../http/envelope.ts';
import { onlyValue } from '../../../http/fields.ts';
import { maxEnvelopeBytes } from '../../../schemas/relay.ts';
import { selfSigned } from '../../support/certificate.ts';
import { message } from '../../support/origin.ts';
import { contentOf, fetched, originFor, requestTo, responseOf, until } from '../../support/upstream.ts';

const certificate = selfSigned('127.0.0.1');
const others = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...others, certificate.cert]));
afterAll(() => setDefaultCACertificates(others));

/** The largest there may be, of octets that no compression makes smaller. */
const envelope = randomBytes(maxEnvelopeBytes).toString('base64url').slice(0, maxEnvelopeBytes);
const packed = packEnvelope(envelope);
const fields = packed.kind === 'packed' ? packed.fields : [];

describe('the largest envelopes pass', () => {
  test('over HTTP/1.1', async () => {
    const edge = await originFor((request, socket) => {
      const lines = request.fields.map(([name, value]) => `${name}: ${value}`);
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0', ...lines]));
    });
    await expectPassed(clientOf(), edge.url);
  });

  test('over HTTP/2', async () => {
    const edge = createSecureServer({
      ...certificate,
      maxSendHeaderBlockLength: 2 * maxEnvelopeBytes,
      settings: { maxHeaderListSize: 2 * maxEnvelopeBytes },
    });
    edge.on('stream', (stream, received) => {
      const echoed = Object.entries(received).filter(([name]) => !name.startsWith(':'));
      stream.on('error', () => undefined);
      const head = { ...Object.fromEntries(echoed), ':status': 200 };
      (stream as ServerHttp2Stream).respond(head);
      stream.end();
    });
    await once(edge.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void edge.close());
    await expectPassed(clientOf(), `https://127.0.0.1:${(edge.address() as { port: number }).port}`);
  });

  async function expectPassed(client: UpstreamClient, url: string): Promise<void> {
    for (let i = 0; i < 3; i++) {
      const answer = await client.send(requestTo(url, { method: 'POST', fields }));
      const response = responseOf(answer);
      const unpacked = unpackEnvelope((name) => onlyValue(response.fields, name));
      expect(unpacked).toEqual({ kind: 'unpacked', text: envelope });
      expect((await contentOf(answer)).ending).toBe('end');
    }
  }
});

test('a reply whose head is longer than every envelope is none', async () => {
  const edge = await originFor((_, socket) => {
    const lines = Array.from({ length: 33 }, (_, i) => `f${i}: ${'x'.repeat(8_192)}`);
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0', ...lines]));
  });
  expect(await fetched(clientOf(), requestTo(edge.url))).toBe('unanswered http_response_header_section_size');
});

test.each([
  [254, '200 '], // and two of its own
  [255, 'unanswered http_response_header_section_size'],
])('what a platform adds is borne: %i fields are %j', async (count, expected) => {
  const lines = Array.from({ length: count }, (_, i) => `x${i}: y`);
  const edge = await originFor((_, socket) => {
    socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0', 'Server: x', ...lines]));
  });
  expect(await fetched(clientOf(), requestTo(edge.url))).toBe(expected);
});

test.each([
  ['one interim response is borne', 1, '200 '],
  ['two are not', 2, 'unanswered http_protocol_error'],
])('%s', async (_, count, expected) => {
  const edge = await originFor((_, socket) => {
    const interim = message(['HTTP/1.1 103 Hm']).toString().repeat(count);
    socket.write(interim + message(['HTTP/1.1 200 OK', 'Content-Length: 0']).toString());
  });
  expect(await fetched(clientOf(), requestTo(edge.url))).toBe(expected);
});

test('maxEdgeConnections are opened, and what exceeds them waits', async () => {
  const answers: (() => void)[] = [];
  const edge = await originFor((_, socket) => {
    answers.push(() => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0'])));
  });
  const client = clientOf();
  const all = [1, 2, 3].map(() => fetched(client, requestTo(edge.url)));
  for (let i = 0; i < 3; i++) {
    await until(() => answers.length > 0 && edge.requests.length >= Math.min(i + 2, 3));
    expect(edge.connections).toBe(2);
    answers.shift()?.();
  }
  expect(await Promise.all(all)).toEqual(['200 ', '200 ', '200 ']);
});

function clientOf(): UpstreamClient {
  const client = createEdgeClient({
    limits: { maxEdgeConnections: 2, connectTimeoutMs: 5_000, originKeepAliveTimeoutMs: 60_000 },
    dial: createDial({ connectTimeoutMs: 5_000, maxSocketBufferBytes: 65_536 }, noParents),
    addresses: async () => ({ kind: 'resolved', addresses: ['127.0.0.1'] }),
    allowHttp2: true,
  });
  onTestFinished(() => client.close());
  return client;
}
