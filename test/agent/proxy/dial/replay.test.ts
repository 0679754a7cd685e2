// Content that can be read again from its beginning, as long as it was small.
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { replayOf } from '../../../../agent/proxy/dial/replay.ts';

test('what nobody has read is untouched, and can be read', async () => {
  const replay = replayOf(Readable.from([Buffer.from('content')]), 0);
  expect(replay.state).toBe('untouched');
  expect(await text(replay.open())).toBe('content');
  expect(replay.state).toBe('lost');
});

test.each([7, 8])('up to %i octets are kept, and read again as often as one likes', async (maxReplayBytes) => {
  const replay = replayOf(Readable.from([Buffer.from('con'), Buffer.from('tent')]), maxReplayBytes);
  for (let i = 0; i < 3; i++) expect(await text(replay.open())).toBe('content');
  expect(replay.state).toBe('kept');
});

test('one octet more than that is lost', async () => {
  const replay = replayOf(Readable.from([Buffer.from('con'), Buffer.from('tent')]), 6);
  await text(replay.open());
  expect(replay.state).toBe('lost');
});

test('a second reader goes on where the first has stopped', async () => {
  const replay = replayOf(Readable.from([Buffer.from('con'), Buffer.from('tent')]), 100);
  const first = replay.open();
  for await (const octets of first) {
    expect(String(octets)).toBe('con');
    break;
  }
  expect(await text(replay.open())).toBe('content');
});

test.each(['before', 'after'])('content that breaks off %s it is read breaks off for the reader', async (when) => {
  const source = new Readable({ read: () => undefined });
  source.on('error', () => undefined);
  const replay = replayOf(source, 100);
  const cause = new Error('gone');
  if (when === 'before') {
    source.destroy(cause);
    await new Promise((resolve) => source.once('close', resolve));
  }
  const read = text(replay.open());
  if (when === 'after') source.destroy(cause);
  await expect(read).rejects.toBe(cause);
});
