// What a client gets, or leaves, before its response: nothing is asked for in the name of one that has gone.
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startTestAgent } from '../support/agent.ts';
import { connectClient } from '../support/client.ts';
import { message, startOrigin } from '../support/origin.ts';
import { scanResponses } from '../support/strict-scan.ts';

const ok = message(['HTTP/1.1 200 OK', 'Content-Length: 0']);

test('a client that left while its name was looked up has its request sent to nobody', async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<readonly string[]>();
  await using origin = await startOrigin((_, socket) => void socket.write(ok));
  const lookup = async () => {
    asked.resolve();
    return answered.promise;
  };
  await using proxy = await startTestAgent({ edge: 'none', lookup });
  {
    using client = await connectClient(proxy.port);
    client.sendHead(`GET http://o.example:${origin.port}/left HTTP/1.1`, 'Host: x');
    await asked.promise;
  }
  await proxy.active(0);
  answered.resolve(['127.0.0.1']);
  await proxy.recordOf('/left');
  for (let i = 0; i < 100; i++) await turn();
  expect(origin.requests.length).toBe(0);
});

test('RFC 9110 8.6: an interim response tells the client of no content', async () => {
  await using origin = await startOrigin((_, socket) => {
    socket.write(Buffer.concat([message(['HTTP/1.1 103 Hm', 'Link: </a>', 'Content-Length: 5']), ok]));
  });
  await using proxy = await startTestAgent({ edge: 'none' });
  using client = await connectClient(proxy.port);
  client.sendHead(`GET ${origin.url}/hints HTTP/1.1`, 'Host: x');
  await client.octets.until('200 OK');
  expect(scanResponses(client.octets.all(), ['GET'], false).violation).toBeUndefined();
});
