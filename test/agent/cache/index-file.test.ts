// The index: frames come back in their order, and a file that was torn or spoiled gives those before the place.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Frame, frameOctets, indexMagic } from '../../../agent/cache/frames.ts';
import { IndexFile } from '../../../agent/cache/index-file.ts';
import { scratchFolder } from '../../support/cache-store.ts';

const frames: readonly Frame[] = [
  { kind: 'put', id: 2 ** 47, octets: 2 ** 40, checksum: 0xffffffff, key: 'k', url: 'k', head: '[200]' },
  { kind: 'put', id: 7, octets: 0, checksum: 0, key: 'k', url: 'http://u/', head: '' },
  { kind: 'remove', id: 7 },
  { kind: 'order', ids: [] },
  { kind: 'order', ids: [1, 2 ** 40, 3] },
];

async function read(path: string): Promise<{ readonly frames: Frame[]; readonly index: IndexFile }> {
  const found: Frame[] = [];
  return { index: await IndexFile.open(path, (frame) => found.push(frame)), frames: found };
}

async function written(path: string): Promise<Buffer> {
  const { index } = await read(path);
  for (const frame of frames) index.add(frameOctets(frame));
  await index.close();
  return readFileSync(path);
}

test('what was added comes back, also over several openings', async () => {
  const path = join(scratchFolder(), 'index');
  await written(path);
  await written(path);
  const again = await read(path);
  await again.index.close();
  expect(again.frames).toEqual([...frames, ...frames]);
});

test('cut off anywhere, it gives the whole frames before that, and goes on from there', async () => {
  const path = join(scratchFolder(), 'index');
  const whole = await written(path);
  let end = indexMagic.length;
  const ends = [end, ...frames.map((frame) => (end += frameOctets(frame).length))];
  for (let length = 0; length <= whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    const { index, frames: found } = await read(path);
    const count = Math.max(0, ends.filter((end) => end <= length).length - 1);
    expect(found, `of ${length} octets`).toEqual(frames.slice(0, count));
    index.add(frameOctets({ kind: 'remove', id: 99 }));
    await index.close();
    const again = await read(path);
    await again.index.close();
    expect(again.frames).toEqual([...found, { kind: 'remove', id: 99 }]);
  }
});

test('what stood behind a torn frame does not come back when another takes its place', async () => {
  const path = join(scratchFolder(), 'index');
  const whole = await written(path);
  const [first, second] = frames.map((frame) => frameOctets(frame).length) as [number, number];
  whole.writeUInt8(0xff, indexMagic.length + first + second + 8);
  writeFileSync(path, whole);
  const { index } = await read(path);
  index.add(frameOctets({ kind: 'remove', id: 99 })); // as long as the torn one
  await index.close();
  const again = await read(path);
  await again.index.close();
  expect(again.frames).toEqual([...frames.slice(0, 2), { kind: 'remove', id: 99 }]);
});

test('with any octet changed, it gives nothing that was not written', async () => {
  const path = join(scratchFolder(), 'index');
  const whole = await written(path);
  for (let at = 0; at < whole.length; at++) {
    const spoiled = Buffer.from(whole);
    spoiled[at] = (spoiled[at] ?? 0) ^ 0x55;
    writeFileSync(path, spoiled);
    const { index, frames: found } = await read(path);
    await index.close();
    expect(found).toEqual(frames.slice(0, found.length));
    expect(found.length).toBeLessThan(frames.length);
  }
});

test('it is written anew when most of it is out of date, and what is added meanwhile is in it', async () => {
  const path = join(scratchFolder(), 'index');
  const { index } = await read(path);
  const put = frameOctets(frames[0] as Frame);
  index.follow({ octets: () => put.length, frames: () => [put] });
  for (let i = 0; i < 200_000; i++) index.add(frameOctets({ kind: 'remove', id: i }));
  index.add(frameOctets({ kind: 'remove', id: 1_234_567 }));
  await index.close();
  expect(statSync(path).size).toBeLessThan(1_000);
  expect(existsSync(`${path}.new`)).toBe(false);
  const again = await read(path);
  await again.index.close();
  expect(again.frames).toEqual([frames[0]]);
});

test('a disk that takes nothing ends it, and what it lacks does not come back', async () => {
  const path = join(scratchFolder(), 'index');
  const { index } = await read(path);
  const failures: unknown[] = [];
  index.onFailure((cause) => failures.push(cause));
  index.add(frameOctets({ kind: 'remove', id: 1 }));
  await index.close();
  for (let i = 0; failures.length === 0 && i < 1_000; i++) {
    index.add(
      frameOctets({ kind: 'put', id: i, octets: 1, checksum: 1, key: 'k', url: 'k', head: 'h'.repeat(100_000) }),
    );
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
  expect(failures).toHaveLength(1);
  await index.close();
  const again = await read(path);
  await again.index.close();
  expect(again.frames).toEqual([]);
});
