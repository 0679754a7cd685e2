// An edge elsewhere: its token goes over https only, and only an edgehop worker is taken for one.
import { expect, onTestFinished, test } from 'vitest';
import { checkEdge, connectDeployed } from '../../../agent/edge/deployed.ts';
import type { Resolution } from '../../../agent/proxy/ports.ts';
import { createDial } from '../../../agent/upstream/dial.ts';
import { noParents } from '../../../agent/upstream/parents.ts';
import { message, startOrigin } from '../../support/origin.ts';

const limits = { maxEdgeConnections: 2, connectTimeoutMs: 5_000, originKeepAliveTimeoutMs: 4_000 };
const dial = createDial({ connectTimeoutMs: 5_000, maxSocketBufferBytes: 65_536 }, noParents);
const addresses = async (): Promise<Resolution> => ({ kind: 'resolved', addresses: ['127.0.0.1'] });
const token = '0123456789abcdef';

test.each([
  'https://edge.example',
  'https://192.0.2.1:8443',
  'http://localhost:8787',
  'http://127.0.0.1:8787',
  'http://127.1.2.3',
  'http://[::1]:8787',
])('%s shows the token to nobody else', async (url) => {
  await using edge = connectDeployed({ name: 'home', url, token, limits, dial, addresses });
  expect(await edge.ready()).toMatchObject({ kind: 'ready', origin: url, token });
});

test.each([
  'http://edge.example',
  'http://192.0.2.1',
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1@evil.example',
  'http://[::2]',
])('%s would, so it is refused', (url) => {
  expect(() => connectDeployed({ name: 'home', url, token, limits, dial, addresses })).toThrow(
    expect.objectContaining({ type: 'proxy_configuration_error', message: expect.stringContaining('https') }),
  );
});

const hello = {
  version: 1,
  limits: { maxHeadBytes: 1, maxEnvelopeBytes: 1 },
  cacheStore: 'none',
  tunnels: false,
  edgeTimeMs: 1,
};

test.each([
  ['an edgehop worker', '200 OK', JSON.stringify(hello), undefined],
  ['a worker that does not know the token', '401 Unauthorized', '{}', /token/],
  ['a worker without a token', '503 Service Unavailable', '{}', /no token configured/],
  ['a worker of a later version', '200 OK', JSON.stringify({ ...hello, version: 2 }), /version 1: update edgehop/],
  [
    'a worker of an earlier version',
    '200 OK',
    JSON.stringify({ ...hello, version: 0 }),
    /version 1: deploy the worker/,
  ],
  ['a captive portal', '200 OK', '<html>Log in</html>', /not an edgehop worker/],
  ['something else', '404 Not Found', '', /not an edgehop worker/],
  ['a talker without end', '200 OK', ' '.repeat(64 * 1024 + 1), /not an edgehop worker/],
])('what answers is %s', async (_, status, content, because) => {
  const origin = await startOrigin((_, socket) => {
    socket.write(message([`HTTP/1.1 ${status}`, `Content-Length: ${content.length}`], content));
  });
  onTestFinished(() => origin[Symbol.asyncDispose]());
  await using edge = connectDeployed({ name: 'home', url: origin.url, token, limits, dial, addresses });
  expect(await checkEdge(edge, 5_000)).toEqual(
    because === undefined
      ? { kind: 'answers', hello }
      : { kind: 'unavailable', because: expect.stringMatching(because) },
  );
  expect(origin.requests[0]).toMatchObject({ method: 'GET', target: '/v1/hello' });
  expect(origin.requests[0]?.values('authorization')).toEqual([`Bearer ${token}`]);
});

test('an edge that is not there is told as it is', async () => {
  const origin = await startOrigin(() => undefined);
  await origin[Symbol.asyncDispose]();
  await using edge = connectDeployed({ name: 'home', url: origin.url, token, limits, dial, addresses });
  expect(await checkEdge(edge, 5_000)).toMatchObject({
    kind: 'unavailable',
    because: expect.stringMatching(/refuses/),
  });
});
