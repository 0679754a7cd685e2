// Two connections spliced: octets, half-closes and resets go through, and both are counted.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type SpliceClose, splice } from '../../../agent/tunnel/splice.ts';
import { type BulkReader, bulkReader } from '../../../agent/upstream/bulk-reader.ts';
import { pairs } from '../../support/pairs.ts';

describe.each([
  ['piped', () => undefined],
  ['read in bulk', bulkReader],
])('with the second connection %s,', (_way, reader) => {
  test('octets go both ways, and are counted from the splice on', async () => {
    const { client, origin, spliced } = await joined(reader());
    client.end('hello');
    origin.end('good bye');
    expect([await textOf(origin), await textOf(client)]).toEqual(['hello', 'good bye']);
    expect(await spliced.closed).toMatchObject({ how: 'end' });
    expect(spliced.octets()).toEqual({ fromFirst: 5, fromSecond: 8 });
  });

  test('octets that wait in a connection are carried and counted, and those that were taken out of it are not', async () => {
    const { client, origin, sides } = await pairs(reader());
    sides.first.unshift(Buffer.from('early '));
    client.write('bird');
    await once(sides.first, 'readable');
    const spliced = splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 60_000 });
    client.end();
    origin.end();
    client.resume();
    expect(await textOf(origin)).toBe('early bird');
    await spliced.closed;
    expect(spliced.octets()).toEqual({ fromFirst: 10, fromSecond: 0 });
  });

  test('a connection whose end was read before is ended for the other', async () => {
    const { client, origin, sides } = await pairs(reader());
    origin.end();
    sides.second.resume();
    await once(sides.second, 'end');
    const { closed } = splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 60_000 });
    await textOf(client);
    client.end('still');
    expect(await textOf(origin)).toBe('still');
    expect(await closed).toEqual({ by: 'second', how: 'end' });
  });

  test('octets are counted while it is open', async () => {
    const { client, origin, spliced } = await joined(reader());
    client.write('hello');
    await once(origin, 'data');
    expect(spliced.octets()).toEqual({ fromFirst: 5, fromSecond: 0 });
    origin.write('you');
    await once(client, 'data');
    expect(spliced.octets()).toEqual({ fromFirst: 5, fromSecond: 3 });
  });

  test.each([
    ['client', 'origin'],
    ['origin', 'client'],
  ] as const)(
    'when the %s has no more to send, the %s may still answer, and the former has closed',
    async (one, other) => {
      const { spliced, ...ends } = await joined(reader());
      ends[one].end('question');
      expect(await textOf(ends[other])).toBe('question');
      ends[other].end('answer');
      expect(await textOf(ends[one])).toBe('answer');
      expect(await spliced.closed).toEqual({ by: sideOf[one], how: 'end' });
    },
  );

  test.each([
    ['client', 'origin'],
    ['origin', 'client'],
  ] as const)('a reset of the %s reaches the %s as a reset, never as an end', async (one, other) => {
    const { spliced, ...ends } = await joined(reader());
    const ended: string[] = [];
    ends[other].on('end', () => ended.push('end'));
    const failed = once(ends[other], 'error');
    ends[one].resetAndDestroy();
    ends[other].resume();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(ended).toEqual([]);
    expect(await spliced.closed).toEqual({ by: sideOf[one], how: 'reset' });
  });

  test('a reset after a half-close is one too', async () => {
    const { client, origin, spliced } = await joined(reader());
    client.end('question');
    await textOf(origin);
    const failed = once(client, 'error');
    client.resume();
    origin.resetAndDestroy();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await spliced.closed).toEqual({ by: 'second', how: 'reset' });
  });

  test.each<[string, 'now' | 'before', Error | undefined, SpliceClose]>([
    ['that somebody closes', 'now', undefined, { by: 'us', how: 'stop' }],
    ['that somebody has closed', 'before', undefined, { by: 'us', how: 'stop' }],
    ['that has failed', 'before', withCode('ECONNRESET'), { by: 'first', how: 'reset' }],
    ['that was written to after its reset', 'now', withCode('EPIPE'), { by: 'first', how: 'reset' }],
    ['that the system gave up', 'now', withCode('ETIMEDOUT'), { by: 'first', how: 'lost' }],
  ])('a connection %s takes the other with it', async (_, when, cause, close) => {
    const { origin, sides } = await pairs(reader());
    const failed = once(origin, 'error');
    origin.resume();
    sides.first.on('error', () => undefined).destroy(cause);
    if (when === 'before') await new Promise((resolve) => sides.first.once('close', resolve));
    const { closed } = splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 60_000 });
    expect(await closed).toEqual(close);
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  test('one that somebody closes after its end takes the other with it too', async () => {
    const { client, origin, sides, spliced } = await joined(reader());
    client.end('question');
    await textOf(origin);
    sides.first.destroy();
    expect(await spliced.closed).toEqual({ by: 'us', how: 'stop' });
  });

  test('backpressure goes through: a reader that stops stops the sender', async () => {
    const { client, origin, sides, spliced } = await joined(reader());
    origin.pause();
    const piece = Buffer.alloc(1024 * 1024);
    let written = 0;
    while (client.write(piece) || written < 64) written++;
    await new Promise(setImmediate);
    expect(sides.second.writableLength).toBeLessThan(2 * 1024 * 1024);
    client.on('error', () => undefined);
    origin.on('error', () => undefined).resetAndDestroy();
    expect(await spliced.closed).toEqual({ by: 'second', how: 'reset' });
  });

  describe('a peek', () => {
    test('sees the pieces of the first connection until it has enough, and delays none', async () => {
      const { client, origin, sides } = await pairs(reader());
      const seen: string[] = [];
      const arrived = () => once(origin, 'data').then(String);
      const { closed } = splice(sides.first, sides.second, {
        secondReader: sides.secondReader,
        idleTimeoutMs: 60_000,
        peek: (octets) => (seen.push(octets.toString()) < 2 ? 'more' : 'enough'),
      });
      for (const piece of ['one', 'two', 'three', 'four']) {
        client.write(piece);
        expect(await arrived()).toBe(piece);
        origin.write('answer');
        await once(client, 'data');
      }
      expect(seen).toEqual(['one', 'two']);
      expect(sides.first.listenerCount('data')).toBe(1); // the pipe's: nothing of ours is left
      origin.end();
      client.end();
      await closed;
    });

    test('lets a reader that stops stop the sender', async () => {
      const { client, origin, sides } = await pairs(reader());
      const { closed } = splice(sides.first, sides.second, {
        secondReader: sides.secondReader,
        idleTimeoutMs: 60_000,
        peek: () => 'more',
      });
      origin.pause();
      const piece = Buffer.alloc(1024 * 1024);
      for (let written = 0; written < 64; written++) client.write(piece);
      await once(sides.first, 'pause');
      await new Promise(setImmediate);
      expect(sides.second.writableLength).toBeLessThan(2 * 1024 * 1024);
      client.on('error', () => undefined);
      origin.on('error', () => undefined).resetAndDestroy();
      await closed;
    });
  });

  test('without an octet either way both are cut', async () => {
    const { client, origin, sides } = await pairs(reader());
    const cut = [once(client, 'error'), once(origin, 'error')];
    client.resume();
    origin.resume();
    const { closed } = splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 20 });
    expect(await Promise.all(cut)).toMatchObject([[{ code: 'ECONNRESET' }], [{ code: 'ECONNRESET' }]]);
    expect(await closed).toEqual({ by: 'us', how: 'idle' });
  });

  test('a half-close that nobody answers is cut for idling', async () => {
    const { client, origin, sides } = await pairs(reader());
    const { closed } = splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 100 });
    client.on('error', () => undefined).end('question');
    origin.on('error', () => undefined).resume();
    expect(await closed).toEqual({ by: 'us', how: 'idle' });
  });
});

const sideOf = { client: 'first', origin: 'second' } as const;

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}

async function joined(reader: BulkReader | undefined) {
  const { client, origin, sides } = await pairs(reader);
  return {
    client,
    origin,
    sides,
    spliced: splice(sides.first, sides.second, { secondReader: sides.secondReader, idleTimeoutMs: 60_000 }),
  };
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (octets) => {
    text += octets;
  });
  await once(socket, 'end');
  return text;
}
