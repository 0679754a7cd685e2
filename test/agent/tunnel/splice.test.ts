// Two connections spliced: octets, half-closes and resets go through, and both are counted.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { splice } from '../../../agent/tunnel/splice.ts';

test('octets go both ways, and are counted from the splice on', async () => {
  const { client, origin, spliced } = await joined();
  client.end('hello');
  origin.end('good bye');
  expect([await textOf(origin), await textOf(client)]).toEqual(['hello', 'good bye']);
  expect(await spliced).toEqual({ fromFirst: 5, toFirst: 8 });
});

test.each([
  ['client', 'origin'],
  ['origin', 'client'],
] as const)('when the %s has no more to send, the %s may still answer', async (one, other) => {
  const { spliced, ...ends } = await joined();
  ends[one].end('question');
  expect(await textOf(ends[other])).toBe('question');
  ends[other].end('answer');
  expect(await textOf(ends[one])).toBe('answer');
  await spliced;
});

test.each([
  ['client', 'origin'],
  ['origin', 'client'],
] as const)('a reset of the %s reaches the %s as a reset, never as an end', async (one, other) => {
  const { spliced, ...ends } = await joined();
  const ended: string[] = [];
  ends[other].on('end', () => ended.push('end'));
  const failed = once(ends[other], 'error');
  ends[one].resetAndDestroy();
  ends[other].resume();
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  expect(ended).toEqual([]);
  await spliced;
});

test('a reset after a half-close is one too', async () => {
  const { client, origin, spliced } = await joined();
  client.end('question');
  await textOf(origin);
  const failed = once(client, 'error');
  client.resume();
  origin.resetAndDestroy();
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  await spliced;
});

test('a side that is gone already takes the other with it', async () => {
  const { origin, sides } = await pairs();
  sides.first.destroy();
  const failed = once(origin, 'error');
  origin.resume();
  await splice(sides.first, sides.second, 60_000);
  expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('backpressure goes through: a reader that stops stops the sender', async () => {
  const { client, origin, sides, spliced } = await joined();
  origin.pause();
  const piece = Buffer.alloc(1024 * 1024);
  let written = 0;
  while (client.write(piece) || written < 64) written++;
  await new Promise(setImmediate);
  expect(sides.second.writableLength).toBeLessThan(2 * 1024 * 1024);
  client.on('error', () => undefined);
  origin.on('error', () => undefined).resetAndDestroy();
  await spliced;
});

test('without an octet either way both are cut', async () => {
  const { client, origin, sides } = await pairs();
  const cut = [once(client, 'error'), once(origin, 'error')];
  client.resume();
  origin.resume();
  const spliced = splice(sides.first, sides.second, 20);
  expect(await Promise.all(cut)).toMatchObject([[{ code: 'ECONNRESET' }], [{ code: 'ECONNRESET' }]]);
  await spliced;
});

async function joined() {
  const { client, origin, sides } = await pairs();
  return { client, origin, sides, spliced: splice(sides.first, sides.second, 60_000) };
}

/** A client and an origin, each with the side of its connection that is to be spliced. */
async function pairs() {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const pair = async () => {
    const accepted = once(server, 'connection');
    const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [inner] = (await accepted) as [Socket];
    await (outer.connecting ? once(outer, 'connect') : undefined);
    return { outer, inner };
  };
  const [left, right] = [await pair(), await pair()];
  return { client: left.outer, origin: right.outer, sides: { first: left.inner, second: right.inner } };
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (octets) => {
    text += octets;
  });
  await once(socket, 'end');
  return text;
}
