// How an agent starts, stops and goes on when its edge dies: nothing is cut that could end well, nothing is sent twice.
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { routes, startTestAgent, type TestAgent } from '../support/agent.ts';
import { connectClient, exchangeOnce, getOnce } from '../support/client.ts';
import { chunk, message, startOrigin } from '../support/origin.ts';
import { startTcp } from '../support/tcp.ts';

const ok = 'HTTP/1.1 200 OK';
const half = Buffer.alloc(50_000, 'a');

describe.each(routes)('an agent with edge %s that is told to drain', (edge) => {
  test('lets a download finish, refuses new connections, and closes those without a request', async () => {
    const finish = Promise.withResolvers<void>();
    await using origin = await startOrigin(async (_request, socket) => {
      socket.write(message([ok, `Content-Length: ${half.length * 2}`], half));
      await finish.promise;
      socket.write(half);
    });
    await using proxy = await startTestAgent({ edge });
    using idle = await connectClient(proxy.port);
    using download = await connectClient(proxy.port);
    download.sendHead(`GET ${origin.url}/download HTTP/1.1`, 'Host: x');
    await download.octets.until('\r\n\r\n');
    await download.octets.exactly(half.length);
    const drained = proxy.agent.drain();
    expect(await idle.ended).toBe('end');
    await expect(connectClient(proxy.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    finish.resolve();
    expect((await download.octets.exactly(half.length)).equals(half)).toBe(true);
    expect(await download.ended).toBe('end');
    await drained;
    expect((await proxy.recordOf('/download')).error).toBeUndefined();
    await expect(connectClient(proxy.controlPort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('cuts what is left when the time is up, and never as a clean end', async () => {
    await using origin = await startOrigin(
      (_request, socket) =>
        void socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk(half)])),
    );
    await using proxy = await startTestAgent({ edge, limits: { drainTimeoutMs: 100 } });
    using download = await connectClient(proxy.port);
    download.sendHead(`GET ${origin.url}/endless HTTP/1.0`); // without chunks a FIN would be the end of the content
    await download.octets.until('\r\n\r\n');
    await download.octets.exactly(10_000);
    await proxy.agent.drain();
    expect(await download.ended).toBe('reset');
  });

  test('waits for a tunnel', async () => {
    await using server = await startTcp((socket) => void socket.pipe(socket));
    await using proxy = await startTestAgent({ edge });
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    const drained = proxy.agent.drain();
    client.send('still here');
    expect((await client.octets.exactly(10)).toString()).toBe('still here');
    client.socket.end();
    expect(await client.ended).toBe('end');
    await drained;
  });
});

test('an agent that is stopped breaks everything off', async () => {
  await using origin = await startOrigin(
    (_request, socket) => void socket.write(message([ok, 'Content-Length: 9'], 'x')),
  );
  await using proxy = await startTestAgent({ edge: 'none' });
  using client = await connectClient(proxy.port);
  client.sendHead(`GET ${origin.url}/ HTTP/1.0`);
  await client.octets.until('\r\n\r\n');
  await proxy.agent.stop();
  expect(await client.ended).toBe('reset');
});

describe('an embedded edge that is killed', () => {
  async function kill(proxy: TestAgent): Promise<void> {
    process.kill(proxy.agent.state().edgePid as number, 'SIGKILL');
  }

  test('comes back as another process, and requests work again', async () => {
    await using origin = await startOrigin(
      (_request, socket) => void socket.write(message([ok, 'Content-Length: 2'], 'ok')),
    );
    await using proxy = await startTestAgent({ edge: 'embedded' });
    const first = proxy.agent.state().edgePid;
    const changed = new Promise<void>((resolve) => proxy.agent.onStateChange(resolve));
    await getOnce(proxy.port, `${origin.url}/before`);
    await kill(proxy);
    await changed;
    expect(proxy.agent.state().edgePid).not.toBe(first);
    expect((await getOnce(proxy.port, `${origin.url}/after`)).status).toBe(200);
    expect((await proxy.recordOf('/after')).route).toMatchObject({ kind: 'edge' });
  });

  test('has its GET in flight sent again, once', async () => {
    await using origin = await startOrigin((_request, socket) => {
      if (origin.requests.length > 1) socket.write(message([ok, 'Content-Length: 5'], 'again'));
    });
    await using proxy = await startTestAgent({ edge: 'embedded' });
    const answer = getOnce(proxy.port, `${origin.url}/get`);
    await origin.received(1);
    await kill(proxy);
    const response = await answer;
    expect([response.status, response.content.toString()]).toEqual([200, 'again']);
    expect(origin.requests.length).toBe(2);
    expect((await proxy.recordOf('/get')).retries).toBe(1);
  });

  test.each(['with content', 'without content'])(
    'I08 never has a POST %s sent twice: it fails in words',
    async (kind) => {
      await using origin = await startOrigin(() => undefined);
      await using proxy = await startTestAgent({ edge: 'embedded' });
      const content = kind === 'with content' ? 'pay 100' : '';
      const head = [
        `POST ${origin.url}/pay HTTP/1.1`,
        'Host: x',
        'Connection: close',
        `Content-Length: ${content.length}`,
      ];
      const answer = exchangeOnce(proxy.port, message(head, content));
      await origin.received(1);
      await kill(proxy);
      const response = await answer;
      expect([response.status, response.isComplete]).toEqual([502, true]);
      expect(response.field('proxy-status')).toMatch(/^edgehop;error=connection_terminated;.*details="The edge/);
      await proxy.hasSaid(/runs again/);
      expect(origin.requests.length).toBe(1);
    },
  );

  test('breaks a download off, and the client sees that', async () => {
    await using origin = await startOrigin(
      (_request, socket) =>
        void socket.write(Buffer.concat([message([ok, 'Transfer-Encoding: chunked']), chunk(half)])),
    );
    await using proxy = await startTestAgent({ edge: 'embedded' });
    using client = await connectClient(proxy.port);
    client.sendHead(`GET ${origin.url}/cut HTTP/1.0`);
    await client.octets.until('\r\n\r\n');
    await client.octets.exactly(10_000);
    await kill(proxy);
    expect(await client.ended).toBe('reset');
    expect((await proxy.recordOf('/cut')).error?.type).toBe('http_response_incomplete');
  });

  test('leaves tunnels alone', async () => {
    await using server = await startTcp((socket) => void socket.pipe(socket));
    await using proxy = await startTestAgent({ edge: 'embedded' });
    using client = await connectClient(proxy.port);
    client.sendHead(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`, 'Host: x');
    await client.octets.until('\r\n\r\n');
    await kill(proxy);
    await proxy.hasSaid(/runs again/);
    client.send('echo');
    expect((await client.octets.exactly(4)).toString()).toBe('echo');
  });
});

test.each(['port', 'controlPort'] as const)(
  'a %s that is taken is told as EADDRINUSE, and nothing stays behind',
  async (which) => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    await expect(startTestAgent({ edge: 'none', listen: { [which]: port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      port,
    });
    await new Promise((resolve) => holder.close(resolve));
    await using proxy = await startTestAgent({ edge: 'none', listen: { [which]: port } });
    expect(proxy[which]).toBe(port);
  },
);
