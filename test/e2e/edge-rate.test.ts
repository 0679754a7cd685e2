// A token that asks more often than its edge allows: what the edge no longer takes goes directly, content and all.
import { expect, test } from 'vitest';
import { startTestAgent } from '../support/agent.ts';
import { exchangeOnce, getOnce } from '../support/client.ts';
import { startDeployedEdge } from '../support/edge.ts';
import { message, startOrigin } from '../support/origin.ts';

test('I07: 429 of the worker’s own limit heals like a quota', { timeout: 20_000 }, async () => {
  await using origin = await startOrigin(async (request, socket) => {
    const content = await request.content;
    const text = `${request.method} ${content.length}`;
    socket.write(message(['HTTP/1.1 200 OK', `Content-Length: ${text.length}`], text));
  });
  await using edge = await startDeployedEdge({ internet: `127.0.0.1:${origin.port}`, requestsPerMinute: 2 });
  await using proxy = await startTestAgent({
    edge: edge.direct as `http://${string}`,
    allowPrivate: false,
    allow: [`127.0.0.1:${origin.port}`],
    answers: { 'site.example': ['127.0.0.1'] },
  });
  const site = `http://site.example:${origin.port}`;
  for (const path of ['/one', '/two']) {
    expect((await getOnce(proxy.port, `${site}${path}`)).status).toBe(200);
    expect((await proxy.recordOf(path)).route).toMatchObject({ kind: 'edge' });
  }
  const request = [`PUT ${site}/three HTTP/1.1`, 'Host: x', 'Connection: close', 'Content-Length: 5'];
  const response = await exchangeOnce(proxy.port, message(request, 'hello'));
  expect(response.content.toString()).toBe('PUT 5');
  expect((await proxy.recordOf('/three')).route).toEqual({ kind: 'direct', because: 'edge-quota' });
});
