// A forwarded port: each connection has a tunnel of its own, ends and resets are carried on, and none disturbs another.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { TunnelAnswer } from '../../../agent/cli/connect-client.ts';
import { type Forwarder, type ForwarderPorts, startForwarder } from '../../../agent/cli/forwarder.ts';
import { connectClient } from '../../support/client.ts';
import { startLineServer } from '../../support/line-server.ts';
import { octetsOf } from '../../support/messages.ts';
import { startTcp } from '../../support/tcp.ts';
import { stillClock } from '../../support/walk.ts';

interface Forwarded extends AsyncDisposable {
  readonly forwarder: Forwarder;
  readonly port: number;
  readonly said: readonly string[];
  /** Resolves when this has been said. */
  says(sentence: RegExp): Promise<string>;
}

/** A forwarder whose tunnels are plain connections to a port of this machine. */
async function forwarded(
  target: number | ForwarderPorts['open'],
  limits: Partial<ForwarderPorts> = {},
): Promise<Forwarded> {
  const said: string[] = [];
  const listeners = new Set<() => void>();
  const forwarder = await startForwarder(
    { host: '127.0.0.1', port: 0 },
    {
      clock: stillClock(),
      open: typeof target === 'number' ? () => plainly(target) : target,
      say: (sentence) => {
        said.push(sentence);
        for (const listener of listeners) listener();
      },
      maxConnections: 10,
      idleTimeoutMs: 20_000,
      ...limits,
    },
  );
  return {
    forwarder,
    port: forwarder.port,
    said,
    says: (sentence) =>
      new Promise((resolve) => {
        const check = () => {
          const found = said.find((each) => sentence.test(each));
          if (found !== undefined) resolve(found);
        };
        listeners.add(check);
        check();
      }),
    [Symbol.asyncDispose]: async () => void (await forwarder.stop()),
  };
}

async function plainly(port: number, early = Buffer.alloc(0)): Promise<TunnelAnswer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return { kind: 'opened', socket, early, startedAt: 0, connectedAt: 0, openedAt: 0 };
}

describe('a forwarded port', () => {
  test('serves two clients of a line server at once, each with its own lines', async () => {
    await using server = await startLineServer();
    await using port = await forwarded(server.port);
    using one = await connectClient(port.port);
    expect((await one.octets.until('\n'))?.toString()).toBe('welcome, client 1\n');
    using two = await connectClient(port.port);
    expect((await two.octets.until('\n'))?.toString()).toBe('welcome, client 2\n');
    one.send('a line of one\n');
    two.send('a line of two\n');
    expect((await two.octets.until('\n'))?.toString()).toBe('2: a line of two\n');
    expect((await one.octets.until('\n'))?.toString()).toBe('1: a line of one\n');
    one.send('!DISCONNECT\n');
    expect((await one.octets.rest()).toString()).toBe('goodbye\n');
    expect(await one.ended).toBe('end');
    two.send('still here\n');
    expect((await two.octets.until('\n'))?.toString()).toBe('2: still here\n');
    one.socket.end();
    expect(await port.says(/^\(1\) closed/)).toBe(
      '(1) closed after 0.000 s, by the target: 26 octets sent, 43 received',
    );
  });

  test('tells who came and how many are there', async () => {
    await using server = await startLineServer();
    await using port = await forwarded(server.port);
    using one = await connectClient(port.port);
    await port.says(/^\(1\) opened/);
    using _two = await connectClient(port.port);
    await port.says(/^\(2\) opened/);
    expect(port.said).toEqual([
      `(1) opened for 127.0.0.1 port ${one.socket.localPort}, 1 active`,
      expect.stringMatching(/^\(2\) opened for .*, 2 active$/),
    ]);
  });

  test('passes on what the target said before the tunnel was handed over, first', async () => {
    await using server = await startTcp((socket) => void socket.end('second'));
    await using port = await forwarded(() => plainly(server.port, Buffer.from('first ')));
    using client = await connectClient(port.port);
    expect((await client.octets.rest()).toString()).toBe('first second');
  });

  test('carries what a client sent and its end, although both came before the tunnel was open', async () => {
    await using server = await startTcp((socket) => {
      void octetsOf(socket)
        .rest()
        .then((got) => socket.end(`you said ${got}`));
    });
    const sent = Promise.withResolvers<void>();
    await using port = await forwarded(async () => {
      await sent.promise;
      return plainly(server.port);
    });
    using client = await connectClient(port.port);
    client.socket.end('all of this', () => sent.resolve());
    expect((await client.octets.rest()).toString()).toBe('you said all of this');
    expect(await client.ended).toBe('end');
  });

  test('passes a reset of the target on, and one of the client', async () => {
    await using server = await startTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    await using port = await forwarded(server.port);
    using client = await connectClient(port.port);
    client.send('x');
    expect(await client.ended).toBe('reset');
    expect(await port.says(/^\(1\) closed/)).toMatch(/reset by the target/);

    const ended = Promise.withResolvers<string>();
    await using waiting = await startTcp((socket) => void octetsOf(socket).ended.then(ended.resolve));
    await using other = await forwarded(waiting.port);
    const leaving = await connectClient(other.port);
    await other.says(/^\(1\) opened/);
    leaving.socket.resetAndDestroy();
    expect(await ended.promise).toBe('reset');
    expect(await other.says(/^\(1\) closed/)).toMatch(/reset by the client/);
  });

  test('resets a client whose tunnel is not opened, says why, and serves the next one', async () => {
    await using server = await startLineServer();
    let asked = 0;
    const isConnected = Promise.withResolvers<void>();
    await using port = await forwarded(async () => {
      await isConnected.promise; // a reset that comes earlier is one of connecting
      return ++asked === 1
        ? { kind: 'refused', status: 403, because: 'The destination is private.' }
        : plainly(server.port);
    });
    using refused = await connectClient(port.port);
    isConnected.resolve();
    expect(await refused.ended).toBe('reset');
    expect(port.said).toEqual(['(1) not opened: The destination is private.']);
    using next = await connectClient(port.port);
    expect((await next.octets.until('\n'))?.toString()).toBe('welcome, client 1\n');
  });

  test('refuses a connection more than the limit, and takes one again when another is gone', async () => {
    await using server = await startLineServer();
    await using port = await forwarded(server.port, { maxConnections: 1 });
    using one = await connectClient(port.port);
    await one.octets.until('\n');
    using tooMany = await connectClient(port.port);
    await tooMany.ended;
    expect(port.said.at(-1)).toBe('a connection was refused: 1 are open, which is the most');
    one.send('!DISCONNECT\n');
    await one.octets.rest();
    one.socket.end();
    await port.says(/^\(1\) closed/);
    using another = await connectClient(port.port);
    expect((await another.octets.until('\n'))?.toString()).toBe('welcome, client 2\n');
  });

  test('when it is stopped resets what is open or being opened, and listens no more', async () => {
    await using server = await startLineServer();
    let asked = 0;
    const waits = Promise.withResolvers<void>();
    const port = await forwarded((signal) => {
      if (++asked === 1) return plainly(server.port);
      waits.resolve();
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ kind: 'failed', because: 'not wanted' })),
      );
    });
    using open = await connectClient(port.port);
    await open.octets.until('\n');
    using opening = await connectClient(port.port);
    await waits.promise;
    expect(await port.forwarder.stop()).toBe(2);
    expect([await open.ended, await opening.ended]).toEqual(['reset', 'reset']);
    await expect(connectClient(port.port)).rejects.toThrow(/ECONNREFUSED/);
  });

  test('cuts a connection on which nothing comes for too long', async () => {
    await using server = await startLineServer();
    await using port = await forwarded(server.port, { idleTimeoutMs: 50 });
    using client = await connectClient(port.port);
    expect(await client.ended).toBe('reset');
    expect(await port.says(/^\(1\) closed/)).toMatch(/silent for too long/);
  });

  test('that is taken is refused with what the system says', async () => {
    await using server = await startLineServer();
    const ports = {
      clock: stillClock(),
      open: () => plainly(1),
      say: () => undefined,
      maxConnections: 1,
      idleTimeoutMs: 1,
    };
    await expect(startForwarder({ host: '127.0.0.1', port: server.port }, ports)).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
