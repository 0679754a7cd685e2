// `npm run bench:rules`: what 1,000 rules and a list of 100,000 names cost an exchange that none of them means.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEdgehop } from './edgehop.ts';
import { applyLoad } from './load.ts';
import { startOrigin } from './own-servers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { ratios, shown, spread } from './statistics.ts';

const rounds = 15;
/** Without, with, with, without: what drifts evenly is in both. */
const turns = ['without', 'with', 'with', 'without'] as const;
const secondsPerTurn = 1;
const warmUpSeconds = 3;
const connections = 32;
const listedNames = 100_000;
/** Of requests per second. */
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
  console.log(`1 KiB, ${connections} connections: median (min to max) of ${rounds} rounds`);
  for (const [form, terms] of [
    ['edgehop-quiet', 'no log, no cache'],
    ['edgehop-direct', 'JSON log, cache'],
  ] as const) {
    await using running = new AsyncDisposableStack();
    const targets = {
      without: running.use(await startEdgehop(form, ports)),
      with: running.use(await startEdgehop(form, ports, settings)),
    };
    const perSecond = { without: [] as number[], with: [] as number[] };
    const measure = async (which: 'with' | 'without', seconds: number) => {
      const load = await applyLoad(targets[which].request, { connections, seconds, folder, signal });
      if (load.errors.status > 0)
        throw new Error(`${which} rules: ${load.errors.status} answers of status 400 or above`);
      return (load.requests * 1e6) / load.durationUs;
    };
    for (const which of ['without', 'with'] as const) await measure(which, warmUpSeconds);
    for (let round = 0; round < rounds; round++) {
      const sums = { without: 0, with: 0 };
      for (const which of turns) sums[which] += await measure(which, secondsPerTurn);
      for (const which of ['without', 'with'] as const) perSecond[which].push(sums[which] / 2);
    }
    const ratio = ratios(perSecond.with, perSecond.without);
    console.log(`  ${terms}: ${shown(spread(perSecond.without), 0)} per second without rules`);
    console.log(`  ${' '.repeat(terms.length)}  ${shown(spread(perSecond.with), 0)} with, ratio ${shown(ratio, 3)}`);
    if (ratio.median < 1 - maxCost) process.exitCode = 1;
  }
}

function numbered<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}
