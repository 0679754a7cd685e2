// `npm run bench:rules`: what 1,000 rules and a list of 100,000 names cost an exchange that none of them means.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEdgehop } from './edgehop.ts';
import { applyLoad } from './load.ts';
import { startOrigin } from './own-servers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { ratios, shown, spread } from './statistics.ts';
import type { Target } from './target.ts';

const rounds = 15;
const seconds = 2;
const connections = 32;
const listedNames = 100_000;
/** The bar. */
const maxCost = 0.05;

/** A thousand rules as people have them: most name a host, some only a path or a field. The last one looks into the list. */
const rules = [
  ...numbered(500, (n) => ({ when: { host: `host-${n}.example.com` }, then: { block: {} } })),
  ...numbered(200, (n) => ({ when: { host: `*.suffix-${n}.example.net` }, then: { route: 'direct' } })),
  ...numbered(100, (n) => ({
    when: { domain: `domain-${n}.example` },
    then: { response: { set: { 'x-rule': `${n}` } } },
  })),
  ...numbered(100, (n) => ({
    when: { host: `api-${n}.example.org`, path: `/v${n}/*/items/*` },
    then: { request: { set: { 'x-api': `${n}` } } },
  })),
  ...numbered(60, (n) => ({ when: { path: `/assets/${n}/*.js` }, then: { cache: { freshnessSeconds: 60 } } })),
  ...numbered(20, (n) => ({ when: { method: 'POST', url: `https://*/submit-${n}*` }, then: { log: 'errors' } })),
  ...numbered(19, (n) => ({ when: { fields: { 'user-agent': `*robot-${n}*` } }, then: { shape: 'slow-3g' } })),
  { when: { list: 'ads' }, then: { block: { status: 403 } } },
];

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const origin = cleanUp.use(await startOrigin(folder, signal));
  const list = join(folder, 'ads.txt');
  await writeFile(list, numbered(listedNames, (n) => `||ads-${n}.tracker-${n % 977}.example^\n`).join(''));
  const ports = { folder, originPort: origin.port, signal };
  const settings = { rules, lists: { ads: { file: list } } };
  const targets = new Map<string, Target>();
  for (const form of ['edgehop-quiet', 'edgehop-direct'] as const) {
    const log = form === 'edgehop-quiet' ? 'no log, no cache' : 'JSON log, cache';
    targets.set(`no rules (${log})`, cleanUp.use(await startEdgehop(form, ports)));
    targets.set(`rules (${log})`, cleanUp.use(await startEdgehop(form, ports, settings)));
  }
  const rates = new Map<string, number[]>([...targets.keys()].map((name) => [name, []]));
  const entries = [...targets];
  for (let round = -1; round < rounds; round++) {
    for (const offset of entries.keys()) {
      const [name, { request }] = entries[(offset + round + 1) % entries.length] as [string, Target];
      const load = await applyLoad(request, { connections, seconds, folder, signal });
      if (load.errors.status > 0) throw new Error(`${name}: ${load.errors.status} answers of status 400 or above`);
      if (round >= 0) rates.get(name)?.push((load.requests * 1e6) / load.durationUs);
    }
  }
  console.log(`1 KiB, ${connections} connections: median (min to max) of ${rounds} rounds of ${seconds} s`);
  for (const [name, of] of rates) console.log(`  ${name.padEnd(30)} per second ${shown(spread(of), 0)}`);
  for (const log of ['no log, no cache', 'JSON log, cache']) {
    const ratio = ratios(rates.get(`rules (${log})`) ?? [], rates.get(`no rules (${log})`) ?? []);
    console.log(`  with / without, ${log}: ${shown(ratio, 3)}`);
    if (ratio.median < 1 - maxCost) process.exitCode = 1;
  }
}

function numbered<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
