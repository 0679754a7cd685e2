// `node --expose-gc bench/cache-store.ts`: the agent's store alone. How long it takes to open, to find and to store, and what an entry takes.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../agent/cache/store.ts';
import type { StoredResponse } from '../http/caching/stored.ts';

const contentOctets = 1024;
const finds = 1_000_000;
const options = { memoryBytes: 256 * 1024 * 1024, diskBytes: 1024 * 1024 * 1024, maxEntryBytes: 128 * 1024 * 1024 };
const say = (sentence: string) => console.error(sentence);

const [task, fillFolder = '', fillEntries = '0'] = process.argv.slice(2);
if (task === 'fill') await fill(fillFolder, Number(fillEntries));
else for (const entries of [1_000, 10_000, 100_000]) await measure(entries);

/** In a process of its own, which leaves no memory behind. */
async function fill(folder: string, entries: number): Promise<void> {
  const store = await openStore({ folder, ...options, say });
  const content = Buffer.alloc(contentOctets, 'x');
  const startedAt = performance.now();
  for (let i = 0; i < entries; i++) {
    const writer = store.begin(urlOf(i), headOf(i), contentOctets);
    writer?.write(content);
    writer?.commit([]);
    if (i % 1_000 !== 999) continue;
    while (store.stat().disk.entries <= i) await new Promise((resolve) => setTimeout(resolve, 5)); // at the disk's pace
  }
  console.log(`stored in ${(((performance.now() - startedAt) * 1000) / entries).toFixed(0)} µs each, disk included`);
  await store.close();
}

async function measure(entries: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'edgehop-bench-'));
  try {
    const filled = spawnSync(process.execPath, [import.meta.filename, 'fill', folder, String(entries)]);
    const urls = Array.from({ length: Math.min(entries, 500) }, (_, i) => urlOf(Math.floor((i * entries) / 500)));
    const before = memory();
    const openedAt = performance.now();
    const store = await openStore({ folder, ...options, say });
    const openedIn = performance.now() - openedAt;
    const cold = memory() - before;
    const { entries: found, memory: counted } = store.stat();
    find(store, urls);
    const { nanoseconds, hits } = find(store, urls);
    console.log(
      [
        `${found} entries of ${contentOctets} octets`,
        `opened in ${openedIn.toFixed(0)} ms`,
        `found in ${nanoseconds.toFixed(0)} ns (${((hits / finds) * 100).toFixed(0)} % hits)`,
        String(filled.stdout).trim(),
        `cold ${(cold / found).toFixed(0)} octets of memory each, counted as ${(counted.octets / found).toFixed(0)}`,
      ].join('; '),
    );
    await store.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function find(store: Store, urls: readonly string[]): { readonly nanoseconds: number; readonly hits: number } {
  let hits = 0;
  const startedAt = performance.now();
  for (let i = 0; i < finds; i++) hits += store.find(urls[i % urls.length] ?? '').length;
  return { nanoseconds: ((performance.now() - startedAt) * 1e6) / finds, hits };
}

function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
}

function urlOf(i: number): string {
  return `https://www.example.com/assets/static/page-${i}.html?version=12345`;
}

function headOf(i: number): Omit<StoredResponse, 'octets'> {
  return {
    url: urlOf(i),
    status: 200,
    reason: 'OK',
    fields: [
      ['Date', 'Sat, 21 Nov 2026 18:00:00 GMT'],
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Cache-Control', 'public, max-age=3600'],
      ['ETag', `"abc${i}"`],
      ['Last-Modified', 'Sat, 21 Nov 2026 17:00:00 GMT'],
      ['Server', 'nginx/1.25.3'],
      ['Vary', 'Accept-Encoding'],
      ['Content-Length', String(contentOctets)],
      ['X-Request-Id', `0f8b5e9c-${i}`],
      ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains; preload'],
    ],
    requestTime: 1_790_000_000_000,
    responseTime: 1_790_000_000_010,
    selecting: [['accept-encoding', 'gzip, deflate, br']],
  };
}
