// Tunnels through simulated networks: rate, delay and faults of connections on loopback, by a clock that the test sets.
import type { Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createShaping } from '../../../agent/proxy/apply/shaping.ts';
import { carryShaped } from '../../../agent/tunnel/shaped.ts';
import { splice } from '../../../agent/tunnel/splice.ts';
import type { ShapeSettings } from '../../../schemas/shape.ts';
import { pairs } from '../../support/pairs.ts';
import { testTimers } from '../../support/timers.ts';
import { testTrace } from '../../support/walk.ts';

describe('the rate', () => {
  test.each([
    ['from the client', 'upBytesPerSecond', 'client', 'origin'],
    ['towards the client', 'downBytesPerSecond', 'origin', 'client'],
  ] as const)('%s holds, and the end comes behind the last octet', async (_what, rate, from, to) => {
    const { timers, heard, spliced, ...ends } = await shaped({ [rate]: 10 });
    ends[from].end('0123456789');
    await arrived(spliced, 10);
    await timers.pass(500);
    await expect.poll(() => heard[to].octets).toBe('01234');
    expect(heard[to].ended).toBe(false);
    await timers.pass(500);
    await expect.poll(() => heard[to]).toEqual({ octets: '0123456789', ended: true, error: undefined });
    ends[to].end();
    await expect.poll(() => timers.set).toBe(0);
    expect(await spliced.closed).toEqual({ by: from === 'client' ? 'first' : 'second', how: 'end' });
  });

  test('F05 reaches the sender: no more is read than the bound', async () => {
    const { client, spliced } = await shaped({ upBytesPerSecond: 1_000 });
    const piece = Buffer.alloc(65_536);
    let written = 0;
    while (client.write(piece) && written < 100) written++;
    for (; written < 400; written++) client.write(piece); // 26 MB, which no system's buffers hold
    await expect.poll(() => spliced.octets().fromFirst).toBeGreaterThanOrEqual(65_536);
    await turns(50);
    expect(spliced.octets().fromFirst).toBeLessThan(5 * 65_536);
  });
});

describe('the latency', () => {
  test('is half each way, and keeps the order', async () => {
    const { timers, heard, spliced, client, origin } = await shaped({ latencyMs: 200 });
    client.write('ping');
    origin.write('pong');
    await arrived(spliced, 8);
    await timers.pass(99);
    await turns(20);
    expect([heard.origin.octets, heard.client.octets]).toEqual(['', '']);
    await timers.pass(1);
    await expect.poll(() => [heard.origin.octets, heard.client.octets]).toEqual(['ping', 'pong']);
  });

  test('with jitter keeps the order, too', async () => {
    const { timers, heard, client, spliced } = await shaped({ latencyMs: 100, jitterMs: 100, seed: 1 });
    let sent = '';
    for (let piece = 0; piece < 20; piece++) {
      client.write(`${piece} `);
      sent += `${piece} `;
      await arrived(spliced, sent.length);
      await timers.pass(3);
    }
    await timers.pass(1_000);
    await expect.poll(() => heard.origin.octets).toBe(sent);
  });
});

describe('I06 a fault', () => {
  test('reset comes behind its octets, for both', async () => {
    const { timers, heard, spliced, origin, shape } = await shaped({ fault: fault('reset', 4) });
    origin.write('0123456789');
    await arrived(spliced, 10);
    await expect.poll(() => heard.client.octets).toBe('0123');
    await timers.pass(20);
    await expect.poll(() => [heard.client.error, heard.origin.error]).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(await spliced.closed).toEqual({ by: 'us', how: 'stop' });
    expect([timers.set, shape()?.fault]).toEqual([0, 'reset']);
  });

  test('truncate ends the sending to the client, and the destination is reset when the client closes', async () => {
    const { timers, heard, spliced, client, origin } = await shaped({ fault: fault('truncate', 4) });
    origin.write('0123456789');
    await expect.poll(() => heard.client).toEqual({ octets: '0123', ended: true, error: undefined });
    client.end();
    await expect.poll(() => heard.origin.error).toBe('ECONNRESET');
    await spliced.closed;
    expect([timers.set, heard.client.error]).toEqual([0, undefined]);
  });

  test('truncate waits for a client that does not close no longer than a second', async () => {
    const { timers, heard, spliced, origin } = await shaped({ fault: fault('truncate', 4) });
    origin.write('0123456789');
    await expect.poll(() => heard.client.ended).toBe(true);
    await timers.pass(1_000);
    await expect.poll(() => heard.origin.error).toBe('ECONNRESET');
    await spliced.closed;
    expect(timers.set).toBe(0);
  });

  test('timeout lets nothing through either way, until the client leaves', async () => {
    const { timers, heard, spliced, client, origin } = await shaped({ fault: fault('timeout', 0) });
    origin.write('pong');
    client.write('ping');
    await arrived(spliced, 4);
    await turns(20);
    expect([heard.client, heard.origin]).toEqual([still, still]);
    client.end();
    await expect.poll(() => heard.origin.error).toBe('ECONNRESET');
    await spliced.closed;
    expect(timers.set).toBe(0);
  });

  test('timeout ends with the idle timeout of the tunnel', async () => {
    const { spliced, timers } = await shaped({ fault: fault('timeout', 0) }, 30);
    expect(await spliced.closed).toEqual({ by: 'us', how: 'idle' });
    expect(timers.set).toBe(0);
  });

  test('slow-close keeps the end of the destination back', async () => {
    const slow = { kind: 'slow-close', delayMs: 5_000, probability: 1 } as const;
    const { timers, heard, origin, client, spliced, shape } = await shaped({ fault: slow });
    origin.end('pong');
    await expect.poll(() => shape()?.fault).toBe('slow-close');
    await timers.pass(4_999);
    await turns(20);
    expect(heard.client).toEqual({ octets: 'pong', ended: false, error: undefined });
    await timers.pass(1);
    await expect.poll(() => heard.client.ended).toBe(true);
    client.end();
    await spliced.closed;
    expect(timers.set).toBe(0);
  });

  test('behind more octets than come does not take place', async () => {
    const { heard, client, origin, spliced, shape } = await shaped({ fault: fault('reset', 100) });
    origin.end('pong');
    client.end();
    await spliced.closed;
    await expect.poll(() => heard.client).toEqual({ octets: 'pong', ended: true, error: undefined });
    expect(shape()?.fault).toBe(undefined);
  });
});

describe.each([
  ['client', 'origin'],
  ['origin', 'client'],
] as const)('when the %s resets its connection,', (one, other) => {
  test('the other is reset, and no timer is left of what was on its way', async () => {
    const { timers, heard, spliced, ...ends } = await shaped({
      latencyMs: 1_000,
      downBytesPerSecond: 10,
      upBytesPerSecond: 10,
    });
    ends.client.write('0123456789');
    ends.origin.write('0123456789');
    await arrived(spliced, 20);
    expect(timers.set).toBeGreaterThan(0);
    ends[one].resetAndDestroy();
    await expect.poll(() => heard[other].error).toBe('ECONNRESET');
    await spliced.closed;
    expect(timers.set).toBe(0);
  });
});

test('what waits in the connections before the tunnel is carried, too', async () => {
  const { sides, origin } = await pairs();
  sides.first.unshift(Buffer.from('early'));
  const heard = listenTo(origin);
  carry(sides.first, sides.second, { latencyMs: 0, upBytesPerSecond: 1_000_000 });
  await expect.poll(() => heard.octets).toBe('early');
});

test('the first pieces of the client are shown to who peeks', async () => {
  const { sides, client } = await pairs();
  const seen: string[] = [];
  carry(sides.first, sides.second, { latencyMs: 10 }, 60_000, (octets) => {
    seen.push(octets.toString());
    return 'enough';
  });
  client.write('hello');
  await expect.poll(() => seen).toEqual(['hello']);
});

const still = { octets: '', ended: false, error: undefined };

function fault(kind: 'reset' | 'timeout' | 'truncate', afterBytes: number) {
  // A reset behind no octet never gets as far as a tunnel.
  return { kind, afterBytes, probability: 1 } as const;
}

interface Heard {
  octets: string;
  ended: boolean;
  error: string | undefined;
}

function listenTo(socket: Socket): Heard {
  const heard: Heard = { octets: '', ended: false, error: undefined };
  socket.on('data', (octets: Buffer) => {
    heard.octets += octets.toString('latin1');
  });
  socket.on('end', () => {
    heard.ended = true;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    heard.error = error.code;
  });
  onTestFinished(() => void socket.destroy());
  return heard;
}

function carry(
  first: Socket,
  second: Socket,
  action: ShapeSettings,
  idleTimeoutMs = 60_000,
  peek?: (octets: Buffer) => 'more' | 'enough',
) {
  const timers = testTimers();
  const trace = testTrace({}, 'tunnel');
  const shaping = createShaping({ clock: timers.clock, after: timers.after, limits: { idleTimeoutMs } });
  const shape = shaping.tunnel(trace, { rule: 'slow', action });
  if (shape === undefined || shape === 'dropped') throw new Error('there is no shape');
  const spliced = splice(first, second, {
    idleTimeoutMs,
    ...(peek !== undefined && { peek }),
    carry: (from, to) => carryShaped(from, to, shape),
  });
  return { timers, spliced, shape: () => trace.shape };
}

async function shaped(action: ShapeSettings, idleTimeoutMs?: number) {
  const { client, origin, sides } = await pairs();
  const heard = { client: listenTo(client), origin: listenTo(origin) };
  return { client, origin, heard, ...carry(sides.first, sides.second, action, idleTimeoutMs) };
}

async function arrived(spliced: ReturnType<typeof splice>, octets: number): Promise<void> {
  await expect.poll(() => spliced.octets().fromFirst + spliced.octets().fromSecond).toBeGreaterThanOrEqual(octets);
  await turns(2);
}

/** Turns of the event loop, in which what can happen without time passing does. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
