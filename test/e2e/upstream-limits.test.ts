// Each limit on the way to origins at its bound: what is within passes, what is beyond waits, or is an error of its own type.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { config } from '../../schemas/config.ts';
import { startTestAgent } from '../support/agent.ts';
import { connectClient, getOnce } from '../support/client.ts';
import { message, startOrigin } from '../support/origin.ts';

const ok = message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok');

describe('maxFields of a response', () => {
  test.each([
    ['pass', 8, 200, undefined],
    ['and one more is 502', 9, 502, 'http_response_header_section_size'],
  ])('%s', async (_, count, status, error) => {
    await using proxy = await startTestAgent({ edge: 'none', limits: { maxFields: 8 } });
    const lines = Array.from({ length: count - 1 }, (_, i) => `X${i}: `);
    await using origin = await startOrigin(
      (_request, socket) => void socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2', ...lines], 'ok')),
    );
    expect((await getOnce(proxy.port, `${origin.url}/fields`, 'A: ')).status).toBe(status);
    expect((await proxy.recordOf('/fields')).error?.type).toBe(error);
  });
});

describe('maxHeadBytes of a response', () => {
  test.each([
    ['pass', 1_000, 200, undefined],
    ['and one more is 502', 1_001, 502, 'http_response_header_section_size'],
  ])('%s', async (_, octets, status, error) => {
    await using proxy = await startTestAgent({ edge: 'none', limits: { maxHeadBytes: 1_000 } });
    const padding = octets - message(['HTTP/1.1 200 OK', 'Content-Length: 2', 'X: ']).length;
    const lines = ['HTTP/1.1 200 OK', 'Content-Length: 2', `X: ${'y'.repeat(padding)}`];
    await using origin = await startOrigin((_request, socket) => void socket.write(message(lines, 'ok')));
    expect((await getOnce(proxy.port, `${origin.url}/head`)).status).toBe(status);
    expect((await proxy.recordOf('/head')).error?.type).toBe(error);
  });
});

describe('maxInterimResponses', () => {
  test.each([
    ['pass', 3, 200, undefined],
    ['and one more is 502', 4, 502, 'http_protocol_error'],
  ])('%s', async (_, count, status, error) => {
    await using proxy = await startTestAgent({ edge: 'none', limits: { maxInterimResponses: 3 } });
    await using origin = await startOrigin((_request, socket) => {
      for (let i = 0; i < count; i++) socket.write(message(['HTTP/1.1 103 Early Hints', `Link: </${i}>`]));
      socket.write(ok);
    });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/interim HTTP/1.1`, 'Host: x', 'Connection: close');
    let response = await client.response();
    while (response.status < 200) response = await client.response();
    expect(response.status).toBe(status);
    expect((await proxy.recordOf('/interim')).error?.type).toBe(error);
  });
});

describe.each([
  ['maxOriginConnections', 'none'],
  ['maxEdgeConnections', 'embedded'],
] as const)('%s', (limit, edge) => {
  test('are opened, and what is beyond them waits until one is free', async () => {
    await using proxy = await startTestAgent({ edge, limits: { [limit]: 2 } });
    const waiting: Socket[] = [];
    await using origin = await startOrigin((_request, socket) => void waiting.push(socket));
    const answers = Array.from({ length: 5 }, (_, i) => getOnce(proxy.port, `${origin.url}/${i}`));
    for (let answered = 0; answered < 5; answered++) {
      await origin.received(answered + 1);
      if (answered < 3) {
        await origin.received(answered + 2);
        expect(origin.requests.length).toBe(answered + 2);
      }
      waiting.shift()?.write(ok);
      await Promise.race(answers);
    }
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    if (edge === 'none') expect(origin.connections).toBe(2);
  });
});

describe('originKeepAliveTimeoutMs', () => {
  test('without another exchange a connection is closed cleanly, and within it is used again', async () => {
    const ends = new Map<Socket, Promise<unknown>>();
    await using origin = await startOrigin((_request, socket) => {
      if (!ends.has(socket)) ends.set(socket, once(socket, 'end'));
      socket.write(ok);
    });
    await using patient = await startTestAgent({ edge: 'none', limits: { originKeepAliveTimeoutMs: 3_600_000 } });
    for (let i = 0; i < 3; i++) expect((await getOnce(patient.port, `${origin.url}/${i}`)).status).toBe(200);
    expect(origin.connections).toBe(1);
    await using proxy = await startTestAgent({ edge: 'none', limits: { originKeepAliveTimeoutMs: 100 } });
    expect((await getOnce(proxy.port, `${origin.url}/last`)).status).toBe(200);
    expect(origin.connections).toBe(2);
    await [...ends.values()][1];
  });
});

/** Where each limit is proved at its bound: the file, and words of the test's title. */
const proofs = {
  maxConnections: ['e2e/limits', 'are served, over both addresses together, and one more is closed'],
  maxConnectionsPerClient: ['e2e/access', 'of one client are served, over all families, and one more is closed'],
  maxRequestsPerSecondPerClient: ['e2e/access', 'of one client are served at once, and one more is 429'],
  maxPipelinedRequests: ['e2e/limits', 'wait for their turn on one connection, and one more is 503'],
  maxHeadBytes: ['e2e/limits', 'and one more is 431'],
  maxFields: ['e2e/limits', 'and one more is 431'],
  maxInterimResponses: ['e2e/upstream-limits', 'and one more is 502'],
  headTimeoutMs: ['e2e/bad-input', 'that never ends'],
  keepAliveTimeoutMs: ['e2e/limits', 'without another request ends a connection cleanly'],
  originKeepAliveTimeoutMs: ['e2e/upstream-limits', 'without another exchange a connection is closed cleanly'],
  maxReplayBytes: ['agent/proxy/dial/replay', 'one octet more than that is lost'],
  maxEdgeUploadBytes: ['agent/proxy/dial/routed', 'to a deployed edge content of %j goes by %s'],
  headDeadlineMs: ['e2e/upstream-faults', 'headDeadlineMs'],
  connectTimeoutMs: ['e2e/upstream-faults', 'connectTimeoutMs'],
  idleTimeoutMs: ['e2e/upstream-faults', 'idleTimeoutMs'],
  tunnelIdleTimeoutMs: ['e2e/tunnel-records', 'tunnelIdleTimeoutMs'],
  clientSilenceMs: ['e2e/intercept', 'a server that speaks first, after a while'],
  passThroughMs: ['agent/trust/passed-through', 'for passThroughMs, and from then on'],
  maxLeafCertificates: ['agent/trust/leaves', 'maxLeafCertificates are kept'],
  dnsTimeoutMs: ['agent/proxy/admit/resolver', 'a name server that is silent for dnsTimeoutMs'],
  dnsMemoryMs: ['agent/proxy/admit/resolver', 'an answer is used again for dnsMemoryMs'],
  maxRememberedNames: ['agent/proxy/admit/resolver', 'maxRememberedNames, a thousand, are remembered'],
  maxSocketBufferBytes: ['e2e/tunnels', 'holds a server back when the client does not read'],
  maxEdgeConnections: ['e2e/upstream-limits', 'what is beyond them waits until one is free'],
  maxOriginConnections: ['e2e/upstream-limits', 'what is beyond them waits until one is free'],
  maxIdleOriginConnections: [
    'agent/upstream/client',
    'are kept over all origins, and those used longest ago are closed for more',
  ],
  maxRecentRecords: ['agent/control/recent', 'as many are remembered as there is room for, and no more'],
  maxHeldLogCharacters: ['agent/log/sink', 'gets maxHeldLogCharacters later, and what was beyond them is lost'],
  drainTimeoutMs: ['e2e/lifecycle', 'drainTimeoutMs'],
} as const satisfies Record<keyof ReturnType<typeof config.parse>['limits'], readonly [string, string]>;

test.each(Object.entries(proofs))('%s is proved at its bound', (_, [file, title]) => {
  const text = readFileSync(fileURLToPath(new URL(`../${file}.test.ts`, import.meta.url)), 'utf8');
  expect(text).toContain(title);
});
