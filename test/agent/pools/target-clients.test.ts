// What reaches targets: whatever the owner has named, private addresses too, but never edgehop itself.
import { expect, test } from 'vitest';
import { createTargetClients } from '../../../agent/pools/target-clients.ts';
import type { UpstreamRequest } from '../../../agent/proxy/ports.ts';
import { config } from '../../../schemas/config.ts';
import { message, startOrigin } from '../../support/origin.ts';

const { limits } = config.parse({});

function requestTo(origin: string): UpstreamRequest {
  return {
    origin,
    method: 'GET',
    path: '/',
    fields: [['Host', 'app.localhost']],
    framing: { kind: 'none' },
    content: undefined,
    headDeadlineMs: 5_000,
    idleTimeoutMs: 5_000,
    maxOctetsHeld: 1_000,
    onLeave: () => undefined,
  };
}

const resolve = async () => ({ kind: 'resolved', addresses: ['127.0.0.1'] }) as const;

test.each(['127.0.0.1', 'app.internal'])(
  'a target on %s is reached, for exchanges, checks and tunnels',
  async (host) => {
    await using origin = await startOrigin((_, socket) => {
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 0']));
    });
    const clients = createTargetClients({ resolve, isOwn: () => false, limits });
    for (const client of [clients.exchanges, clients.checks]) {
      const answer = await client.send(requestTo(`http://${host}:${origin.port}`));
      expect(answer).toMatchObject({ kind: 'response', status: 200, address: '127.0.0.1' });
    }
    const connecting = await clients.connect({ scheme: 'http', host, port: origin.port }, new AbortController().signal);
    expect(connecting.kind).toBe('connected');
    if (connecting.kind === 'connected') connecting.connected.cut();
    await clients.close();
  },
);

test.each(['127.0.0.1', 'me.internal'])('C05: edgehop itself as %s is not dialled', async (host) => {
  await using own = await startOrigin(() => undefined);
  const isOwn = (address: string, port: number) => address === '127.0.0.1' && port === own.port;
  const clients = createTargetClients({ resolve, isOwn, limits });
  const answer = await clients.exchanges.send(requestTo(`http://${host}:${own.port}`));
  expect(answer).toMatchObject({ kind: 'failed', progress: 'unsent', error: { type: 'destination_ip_prohibited' } });
  const connecting = await clients.connect({ scheme: 'http', host, port: own.port }, new AbortController().signal);
  expect(connecting).toMatchObject({ kind: 'failed', error: { type: 'destination_ip_prohibited' } });
  expect(own.connections).toBe(0);
  await clients.close();
});
