// `npm run bench:lists`: a list of 100,000 names. How long it takes to read and to look up, how long it holds others up, and its memory.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readListFile } from '../agent/lists/list-file.ts';
import type { HostList } from '../http/host-list.ts';

const names = 100_000;
const lookUps = 2_000_000;
const maxNanoseconds = 1_000;
const maxHeldUpMs = 100;
/** Memory outside the heap is given back a moment later. */
const settleMs = 200;

const forms = {
  hosts: (name: string) => `0.0.0.0 ${name}`,
  plain: (name: string) => name,
  'ad blocker': (name: string) => `||${name}^`,
};

const held: HostList[] = [];

const folder = await mkdtemp(join(tmpdir(), 'edgehop-bench-'));
try {
  let isWithin = true;
  for (const [form, line] of Object.entries(forms)) {
    const path = join(folder, 'list.txt');
    await writeFile(path, Array.from({ length: names }, (_, at) => `${line(nameOf(at))}\n`).join(''));
    isWithin = (await measure(form, path)) && isWithin;
  }
  process.exitCode = isWithin ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(form: string, path: string): Promise<boolean> {
  const maxBytes = 64 * 1024 * 1024;
  await warmUp(path, maxBytes);
  const before = await memory();
  const turns = followTurns();
  const startedAt = performance.now();
  const read = await readListFile(path, maxBytes);
  const readMs = performance.now() - startedAt;
  const heldUpMs = turns.longestMs();
  if (read.kind !== 'read') throw new Error(`the list is ${read.kind}`);
  const octets = (await memory()) - before;
  const { list } = read;
  held.push(list); // else the memory of one is given back while that of the next is measured
  // Texts of their own, as those of requests are: none has its hash yet.
  const hosts = Array.from({ length: 10_000 }, (_, at) => Buffer.from(nameOf(at * 10)).toString());
  const hits = nanoseconds(hosts, list.has);
  const below = nanoseconds(
    hosts.map((host) => `a.long.way.below.${host}`),
    list.has,
  );
  const misses = nanoseconds(
    hosts.map((host) => `www.${host}.not`),
    list.has,
  );
  const isWithin = Math.max(hits, below, misses) < maxNanoseconds && heldUpMs < maxHeldUpMs;
  console.log(
    [
      `${form.padEnd(10)} ${list.counts.names} names read in ${readMs.toFixed(0)} ms, others held up for ${heldUpMs.toFixed(1)} ms at most`,
      `${(octets / 1024 / 1024).toFixed(1)} MiB`,
      `looked up in ${hits.toFixed(0)} ns (itself), ${below.toFixed(0)} ns (below), ${misses.toFixed(0)} ns (not in it)`,
      isWithin ? 'within' : 'BEYOND',
    ].join('; '),
  );
  return isWithin;
}

/** Just-in-time compilers have their turn. In a function of its own, which holds nothing. */
async function warmUp(path: string, maxBytes: number): Promise<void> {
  await readListFile(path, maxBytes);
}

/** The best of some rounds, each host in its turn. */
function nanoseconds(hosts: readonly string[], has: (host: string) => boolean): number {
  const rounds = Array.from({ length: 5 }, () => {
    let found = 0;
    const startedAt = performance.now();
    for (let at = 0; at < lookUps / 5; at++) if (has(hosts[at % hosts.length] as string)) found++;
    const took = ((performance.now() - startedAt) * 1e6) / (lookUps / 5);
    return found > lookUps ? Number.NaN : took;
  });
  return Math.min(...rounds);
}

/** The longest time between two turns of the event loop. */
function followTurns(): { readonly longestMs: () => number } {
  let last = performance.now();
  let longest = 0;
  let isOver = false;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  turn();
  return {
    longestMs: () => {
      isOver = true;
      return Math.max(longest, performance.now() - last);
    },
  };
}

async function memory(): Promise<number> {
  globalThis.gc?.();
  await sleep(settleMs);
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Some 25 characters long, as those of published lists are. */
function nameOf(at: number): string {
  return `ads${(at * 7919) % 1_000_003}.tracker-${at % 977}.example`;
}
