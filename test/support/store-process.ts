// A process that stores responses until it is killed: `node store-process.ts FOLDER`. It says how many have been stored.
import { openStore } from '../../agent/cache/store.ts';
import { contentOf, headOf, mebibyte } from './cache-content.ts';

const folder = process.argv[2] ?? '';
const store = await openStore({
  folder,
  memoryBytes: 8 * mebibyte,
  diskBytes: 8 * mebibyte, // so that old ones are given up all the time
  maxEntryBytes: 4 * mebibyte,
  say: (sentence) => console.error(sentence),
});
for (let i = 0; ; i++) {
  const seed = i % 100;
  const url = `http://example.com/${seed}`;
  const content = contentOf(seed % 10 === 0 ? 1_500_000 + seed : 1_000 * seed, seed);
  const writer = store.begin(url, headOf(url, { reason: String(i) }), undefined);
  for (let at = 0; at < content.length; at += 50_000) {
    if (writer?.write(content.subarray(at, at + 50_000)) === false) {
      await new Promise<void>((resolve) => writer.onDrain(resolve));
    }
  }
  const entry = writer?.commit([]);
  if (entry !== undefined && i % 3 === 0) store.update(entry, headOf(url, { reason: `${i} again` }));
  if (i % 7 === 0) for (const found of store.find(`http://example.com/${(seed + 50) % 100}`)) store.remove(found);
  process.stdout.write(`${i}\n`);
  await new Promise(setImmediate);
}
