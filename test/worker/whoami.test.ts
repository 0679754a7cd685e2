// What the worker says of who called it.
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { edgeWhoami } from '../../schemas/api.ts';
import { whoami } from '../../worker/whoami.ts';
import { call, startDeployedEdge, testToken } from '../support/edge.ts';

const authorization = { authorization: `Bearer ${testToken}` };

test('the fields as they came, but for the credential', async () => {
  await using edge = await startDeployedEdge();
  const fields = { ...authorization, 'cf-connecting-ip': '192.0.2.7', 'user-agent': 'test/1' };
  const reply = await call(`${edge.direct}/v1/whoami`, { fields });
  expect(reply.status).toBe(200);
  expect(reply.field('cache-control')).toBe('no-store');
  expect(reply.content.toString()).not.toContain(testToken);
  const seen = edgeWhoami.parse(JSON.parse(reply.content.toString()));
  expect(seen.address).toBe('192.0.2.7');
  expect(seen.fields).toContainEqual(['user-agent', 'test/1']);
  expect(seen.fields).toContainEqual(['authorization', 'Bearer (redacted)']);
});

test('what the platform says of the connection', async () => {
  const cf = {
    httpProtocol: 'HTTP/2',
    tlsVersion: 'TLSv1.3',
    tlsCipher: 'AEAD-AES128-GCM-SHA256',
    colo: 'FRA',
    country: 'DE',
    asn: 64_496,
  };
  const request = Object.assign(new Request('https://edge.example/v1/whoami', { headers: authorization }), { cf });
  const reply = await new Hono().get('/v1/whoami', whoami).request(request);
  expect(edgeWhoami.parse(await reply.json())).toMatchObject({
    httpVersion: 'HTTP/2',
    tls: { version: 'TLSv1.3', cipher: 'AEAD-AES128-GCM-SHA256' },
    colo: 'FRA',
    country: 'DE',
    asn: 64_496,
  });
});

test('nobody else is told anything', async () => {
  await using edge = await startDeployedEdge();
  expect((await call(`${edge.direct}/v1/whoami`)).status).toBe(401);
});
