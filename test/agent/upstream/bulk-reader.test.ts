// What a connection read in bulk passes on: every octet once, in order, at the pace of whoever takes it.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { bulkReader } from '../../../agent/upstream/bulk-reader.ts';
import { pairs } from '../../support/pairs.ts';

test('octets that come before anybody takes them are held, and little more is read', async () => {
  const reader = bulkReader();
  const { client, origin, sides } = await pairs(reader);
  origin.write(Buffer.alloc(4 * 1024 * 1024, 1));
  await expect.poll(() => reader.heldOctets).toBeGreaterThan(0);
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  expect(reader.heldOctets).toBeLessThanOrEqual(8 * 1024);
  origin.end();
  reader.flow(sides.second, sides.first);
  sides.second.once('end', () => sides.first.end());
  expect((await digestOf(client)).octets).toBe(4 * 1024 * 1024);
  expect(reader.heldOctets).toBe(0);
});

test.each([
  ['reads all the time', 0],
  ['reads in fits', 1],
])('what is passed on to one that %s is what came', async (_, pauses) => {
  const reader = bulkReader();
  const { client, origin, sides } = await pairs(reader);
  const octets = randomBytes(24 * 1024 * 1024);
  reader.flow(sides.second, sides.first);
  sides.second.once('end', () => sides.first.end());
  // Pieces of every size, so that small and large buffers take turns.
  const send = async () => {
    for (let at = 0, size = 1; at < octets.length; at += size, size = (size * 7) % 1_500_000) {
      if (!origin.write(octets.subarray(at, at + size))) await once(origin, 'drain');
    }
    origin.end();
  };
  const [digest] = await Promise.all([digestOf(client, pauses > 0), send()]);
  expect(digest).toEqual({ octets: octets.length, sha256: createHash('sha256').update(octets).digest('hex') });
});

test('many connections at once share no octets', async () => {
  const all = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const reader = bulkReader();
      const { client, origin, sides } = await pairs(reader);
      reader.flow(sides.second, sides.first);
      sides.second.once('end', () => sides.first.end());
      const octets = Buffer.alloc(2 * 1024 * 1024, i);
      origin.end(octets);
      const { sha256 } = await digestOf(client, i % 2 === 0);
      return sha256 === createHash('sha256').update(octets).digest('hex');
    }),
  );
  expect(all).toEqual(new Array(20).fill(true));
});

test('one that does not read stops the sender, and nothing piles up', async () => {
  const reader = bulkReader();
  const { client, origin, sides } = await pairs(reader);
  client.pause();
  reader.flow(sides.second, sides.first);
  origin.on('error', () => undefined);
  const piece = Buffer.alloc(1024 * 1024);
  for (let i = 0; i < 64; i++) origin.write(piece);
  await expect.poll(() => sides.first.writableLength).toBeGreaterThan(0);
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  expect(sides.first.writableLength).toBeLessThanOrEqual(512 * 1024);
  expect(sides.second.bytesRead).toBeLessThan(32 * 1024 * 1024); // what the kernel holds on two connections, and little more
  for (const end of [origin, sides.first, sides.second]) end.on('error', () => undefined).destroy();
});

/** All that a socket receives until its end, also when it stops reading now and then. */
async function digestOf(socket: Socket, inFits = false): Promise<{ octets: number; sha256: string }> {
  const hash = createHash('sha256');
  let octets = 0;
  socket.on('data', (piece: Buffer) => {
    octets += piece.length;
    hash.update(piece);
    if (!inFits) return;
    socket.pause();
    setImmediate(() => setImmediate(() => socket.resume()));
  });
  await once(socket, 'end');
  return { octets, sha256: hash.digest('hex') };
}
