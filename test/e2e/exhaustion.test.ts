// I02: an agent that has no file descriptor left answers or lets wait, goes on, and recovers.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { connectClient, getOnce } from '../support/client.ts';
import { makeHome } from '../support/command.ts';
import { message, startOrigin } from '../support/origin.ts';

const clients = 150;
const limits = { none: 64, embedded: 96 } as const;

const hasProc = existsSync('/proc/self/fd');
if (!hasProc) process.stderr.write('skipped: there is no /proc here to count the descriptors of a process\n');

describe.skipIf(!hasProc)('an agent without file descriptors', () => {
  test.each(['none', 'embedded'] as const)('I02 with edge %s ends every wait, lives on, and recovers', async (edge) => {
    const released = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (request, socket) => {
      if (request.target.startsWith('/held')) await released.promise;
      socket.write(message(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok'));
    });
    using home = makeHome({}, { maxOpenFiles: limits[edge] });
    await using agent = await home.start('--edge', edge, '--allow-private');
    if (edge === 'embedded') await agent.says('is ready');
    const descriptors = () => readdirSync(`/proc/${agent.state.pid}/fd`).length;
    const visits = Array.from({ length: clients }, async (_, number) => {
      using client = await connectClient(agent.port);
      client.sendHead(`GET ${origin.url}/held-${number} HTTP/1.1`, 'Host: x');
      return await client.response().then(
        ({ status }) => status,
        () => 'closed',
      );
    });
    while (descriptors() < limits[edge] - 2) await new Promise((resolve) => setTimeout(resolve, 10));
    released.resolve();
    const outcomes = await Promise.all(visits);
    for (const outcome of outcomes) expect([200, 503, 'closed']).toContain(outcome);
    while (descriptors() > limits[edge] - 10) await new Promise((resolve) => setTimeout(resolve, 10));
    for (let i = 0; i < 5; i++) expect((await getOnce(agent.port, `${origin.url}/after-${i}`)).status).toBe(200);
    const ready = await fetch(`http://127.0.0.1:${agent.state.controlPort}/ready`);
    expect(ready.status).toBe(200);
  });
});
