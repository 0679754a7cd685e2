// `npm run bench:intercept`: HTTPS that is looked into, beside mitmproxy: rate, added latency, memory, and how fast leaves are made.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openAuthority } from '../agent/trust/authority.ts';
import { authorityFiles } from '../agent/trust/authority-files.ts';
import { createLeaves } from '../agent/trust/leaves.ts';
import { startEdgehop } from './edgehop.ts';
import type { InterceptResult, InterceptTask } from './intercept-client.ts';
import type { InterceptOrigin } from './intercept-origin.ts';
import { startOrigin } from './own-servers.ts';
import { startInterceptingMitmproxy } from './peers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { residentKilobytes, startProcess, startScript, told } from './process.ts';
import { ratios, shown, spread } from './statistics.ts';
import type { StartPorts, Target } from './target.ts';

const rounds = 5;
const secondsPerRound = 3;
const connections = 32;
const idleConnections = 500;
/** What a process gives back to the system comes late. */
const settleMs = 2_000;
const minted = 2_000;
const mintedAtOnce = 50;
const beatMs = 5;

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const plain = cleanUp.use(await startOrigin(folder, signal)); // what targets are asked for until they are ready
  const ports: StartPorts = { folder, originPort: plain.port, signal };
  const origin = await startScript<InterceptOrigin>('intercept-origin.ts', [], folder, signal);
  cleanUp.use(origin.running);
  const targets = await started(origin.message, ports, cleanUp);
  await rates(targets, origin.message, ports);
  await memory(targets, origin.message, ports);
  await minting(folder);
}

/** Neither has a log. mitmproxy does not verify the origin's certificate, which favours it. */
async function started(
  { authority }: InterceptOrigin,
  ports: StartPorts,
  running: AsyncDisposableStack,
): Promise<ReadonlyMap<string, Target>> {
  const settings = { intercept: { hosts: ['localhost'] }, trust: { authorities: [authority] } };
  const targets = new Map<string, Target>();
  targets.set('edgehop', running.use(await startEdgehop('edgehop-quiet', ports, settings)));
  targets.set('edgehop, JSON log', running.use(await startEdgehop('edgehop-direct', ports, settings)));
  const peer = await startInterceptingMitmproxy(ports);
  if (peer.kind === 'started') targets.set('mitmproxy', running.use(peer.target));
  else console.log(`  mitmproxy is skipped: ${peer.because}`);
  return targets;
}

async function rates(
  targets: ReadonlyMap<string, Target>,
  { port: originPort, authority }: InterceptOrigin,
  ports: StartPorts,
): Promise<void> {
  for (const count of [1, connections]) {
    const results = new Map<string, InterceptResult[]>(['origin', ...targets.keys()].map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const names = [...results.keys()];
      for (const offset of names.keys()) {
        const name = names[(offset + round) % names.length] as string;
        const proxyPort = targets.get(name)?.request.port;
        const task = { originPort, authority, connections: count, seconds: secondsPerRound };
        results.get(name)?.push(await asked(proxyPort === undefined ? task : { ...task, proxyPort }, ports));
      }
    }
    console.log(`Intercepted GETs of 1 KiB, connections: ${count}; median (min to max) of ${rounds} rounds`);
    const of = (name: string, key: keyof InterceptResult) => (results.get(name) ?? []).map((result) => result[key]);
    for (const name of results.keys()) {
      const added = of(name, 'p50Ms').map((p50, round) => p50 - (of('origin', 'p50Ms')[round] ?? 0));
      const ratio =
        targets.has('mitmproxy') && name.startsWith('edgehop')
          ? `   / mitmproxy ${shown(ratios(of(name, 'perSecond'), of('mitmproxy', 'perSecond')), 1)}`
          : '';
      console.log(
        `  ${name.padEnd(18)} per second ${shown(spread(of(name, 'perSecond')), 0)}   p50 ms ${shown(spread(of(name, 'p50Ms')))}, added ${shown(spread(added))}   p99 ms ${shown(spread(of(name, 'p99Ms')))}${ratio}`,
      );
    }
  }
}

async function memory(
  targets: ReadonlyMap<string, Target>,
  { port: originPort, authority }: InterceptOrigin,
  ports: StartPorts,
): Promise<void> {
  console.log(`${idleConnections} intercepted connections, each after one answer`);
  for (const [name, { request, processId }] of targets) {
    const before = await residentKilobytes(processId);
    await using client = await startClient(ports);
    const task = { proxyPort: request.port, originPort, authority, connections: idleConnections, seconds: 0 };
    client.child.send(task satisfies InterceptTask);
    await told<InterceptResult>(client, ports.signal);
    await sleep(settleMs);
    const after = await residentKilobytes(processId);
    console.log(
      `  ${name.padEnd(18)} ${((after - before) / idleConnections).toFixed(1)} KiB each: ${before} to ${after} KiB resident`,
    );
  }
}

/** Names that are new, all at once, and how long the event loop has waited at worst meanwhile. */
async function minting(folder: string): Promise<void> {
  const wallTime = () => Date.now();
  const authority = await openAuthority(authorityFiles(`${folder}/minting`), wallTime());
  const leaves = createLeaves({ authority: async () => authority, wallTime, maxLeaves: 1_000 });
  await leaves.contextFor('first.test');
  let [worstMs, lastAt] = [0, performance.now()];
  const beat = setInterval(() => {
    worstMs = Math.max(worstMs, performance.now() - lastAt - beatMs);
    lastAt = performance.now();
  }, beatMs);
  const startedAt = performance.now();
  for (let at = 0; at < minted; at += mintedAtOnce) {
    await Promise.all(Array.from({ length: mintedAtOnce }, (_, i) => leaves.contextFor(`host-${at + i}.test`)));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  clearInterval(beat);
  console.log(
    `${minted} leaves, ${mintedAtOnce} asked for at once: ${Math.round(minted / seconds)} per second; the loop waited ${worstMs.toFixed(0)} ms at worst`,
  );
}

async function asked(task: InterceptTask, ports: StartPorts): Promise<InterceptResult> {
  await using client = await startClient(ports);
  client.child.send(task);
  return await told<InterceptResult>(client, ports.signal);
}

function startClient({ folder }: StartPorts): ReturnType<typeof startProcess> {
  const script = fileURLToPath(new URL('intercept-client.ts', import.meta.url));
  return startProcess({ file: process.execPath, args: [script], cwd: folder, channel: true });
}
