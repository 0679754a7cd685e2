// What the listener hands on, and when it says that a request began: in real time, on real sockets.
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createListener } from '../../../../agent/proxy/accept/listener.ts';
import type { Trace } from '../../../../agent/proxy/ports.ts';
import { beginTrace } from '../../../../agent/proxy/trace.ts';
import { config } from '../../../../schemas/config.ts';
import { connectClient } from '../../../support/client.ts';
import { listening, stillClock } from '../../../support/walk.ts';

/** A listener whose clock goes on by one with each look at it, and which answers every request with its target. */
async function startListener(
  limits: { readonly headTimeoutMs?: number } = {},
  enters: (address: string) => boolean = () => true,
) {
  const clock = stillClock();
  const traces: Trace[] = [];
  const refused: number[] = [];
  const greeted: Buffer[] = [];
  const left: string[] = [];
  const ticking = {
    ...clock,
    now: () => {
      clock.at++;
      return clock.at;
    },
  };
  const listener = createListener({
    clock: ticking,
    observer: listening().observer,
    limits: config.parse({ limits }).limits,
    clients: { enters, leaves: (address) => void left.push(address) },
    begin: (kind, connection, firstOctetAt) => {
      const trace = beginTrace(kind, String(traces.length), connection, firstOctetAt);
      traces.push(trace);
      return trace;
    },
    walk: async ({ message, reply }) => {
      await new Promise<void>((resolve) => reply.once('close', resolve).end(message.url));
    },
    connect: async (_trace, _message, socket) => void socket.end(),
    upgrade: async (_arrival, socket) => void socket.end(),
    socks: async (socket: Socket) => {
      greeted.push(socket.read() as Buffer);
      return async () => void socket.end('socks');
    },
    refuse: (socket, { status }) => {
      refused.push(status);
      socket.end(`refused ${status}`);
    },
  });
  const port = await listener.listen(['127.0.0.1'], 0);
  onTestFinished(() => listener.stop());
  return { port, traces, refused, greeted, left, listener };
}

const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;

test('a request begins with its first octet, the first of a connection and every later one', async () => {
  const { port, traces } = await startListener();
  using slow = await connectClient(port);
  using other = await connectClient(port);
  for (const target of ['/first', '/later']) {
    slow.send('G');
    other.send(get('/meanwhile'));
    expect((await other.response()).content.toString()).toBe('/meanwhile');
    slow.send(get(target).slice(1));
    expect((await slow.response()).content.toString()).toBe(target);
    const [meanwhile, asked] = traces.splice(0) as [Trace, Trace];
    expect(asked.firstOctetAt).toBeLessThan(meanwhile.stamps['request-received'] as number);
    expect(asked.stamps['request-received']).toBeGreaterThan(meanwhile.stamps['request-received'] as number);
  }
});

test('requests in one segment have beginnings of their own, in their order', async () => {
  const { port, traces } = await startListener();
  using client = await connectClient(port);
  client.send(get('/1') + get('/2') + get('/3'));
  for (const target of ['/1', '/2', '/3']) expect((await client.response()).content.toString()).toBe(target);
  const beginnings = traces.map(({ firstOctetAt }) => firstOctetAt);
  expect(beginnings).toEqual([...new Set(beginnings)].sort((a, b) => a - b));
});

test('a connection without an octet is answered as late, once', async () => {
  const { port, refused } = await startListener({ headTimeoutMs: 100 });
  using client = await connectClient(port);
  expect((await client.octets.rest()).toString()).toBe('refused 408');
  expect(refused).toEqual([408]);
});

test('a head that stops after its first octet is answered as late, once', async () => {
  const { port, refused } = await startListener({ headTimeoutMs: 100 });
  using client = await connectClient(port);
  client.send('G');
  expect((await client.octets.rest()).toString()).toBe('refused 408');
  expect(refused).toEqual([408]);
});

test('a client that ends without an octet is let go without a word or a record', async () => {
  const { port, refused, traces } = await startListener();
  using client = await connectClient(port);
  client.socket.end();
  expect([(await client.octets.rest()).length, await client.ended]).toEqual([0, 'end']);
  expect([refused, traces]).toEqual([[], []]);
});

test('a connection that begins with 5 goes to SOCKS whole, and no HTTP parser ever sees it', async () => {
  const { port, greeted, refused, traces } = await startListener();
  using client = await connectClient(port);
  client.send('\x05\x01\x00 and more');
  expect((await client.octets.rest()).toString()).toBe('socks');
  expect(greeted.map(String)).toEqual(['\x05\x01\x00 and more']);
  expect([refused, traces.map(({ kind }) => kind)]).toEqual([[], ['tunnel']]);
});

test('a connection that waits for its first octet is closed by a drain', async () => {
  const { port, listener } = await startListener();
  using client = await connectClient(port);
  using asking = await connectClient(port); // accepted behind it
  asking.send(get('/'));
  await asking.response();
  const drained = listener.drain(60_000);
  expect(await client.ended).toBe('end');
  await drained;
});

test('a client that may not enter is closed before an octet of it is read, and does not leave', async () => {
  const addresses: string[] = [];
  let isOpen = false;
  const { port, traces, left } = await startListener({}, (address) => {
    addresses.push(address);
    return isOpen;
  });
  using refused = await connectClient(port);
  refused.send(get('/refused'));
  expect(await refused.ended).toMatch(/end|reset/);
  isOpen = true;
  using client = await connectClient(port);
  client.send(get('/served'));
  expect((await client.response()).content.toString()).toBe('/served');
  expect(traces).toHaveLength(1);
  expect(addresses).toEqual(['127.0.0.1', '127.0.0.1']);
  expect(left).toEqual([]);
  client.socket.destroy();
  await expect.poll(() => left).toEqual(['127.0.0.1']);
});
