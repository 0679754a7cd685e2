// `npm run bench:tunnels`: one tunnel's throughput, and the memory of many idle ones, beside other proxies.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEdgehop } from './edgehop.ts';
import { startOrigin } from './own-servers.ts';
import { startPeer } from './peers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { residentKilobytes, startProcess, startScript, told } from './process.ts';
import { ratios, shown, spread } from './statistics.ts';
import type { StartPorts, Target, TargetName } from './target.ts';
import type { TunnelResult, TunnelTask } from './tunnel-client.ts';

const rounds = 5;
const secondsPerRound = 2;
const idleTunnels = 2_000;
/** What a process gives back to the system comes late. */
const settleMs = 2_000;

const throughputTargets = ['edgehop-direct', 'squid', 'tinyproxy', 'proxy-chain'] as const;
const idleTargets = ['edgehop-direct', 'squid', 'mitmproxy'] as const;

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const origin = cleanUp.use(await startOrigin(folder, signal));
  const ports: StartPorts = { folder, originPort: origin.port, signal };
  await throughput(ports);
  await idle(ports);
}

async function throughput(ports: StartPorts): Promise<void> {
  await using running = new AsyncDisposableStack();
  const sender = await startScript<{ port: number }>('tunnel-origin.ts', [], ports.folder, ports.signal);
  running.use(sender.running);
  const targets = await started(throughputTargets, ports, running);
  const measured = new Map<TargetName, { readonly gigabytes: number[]; readonly cpuMs: number[] }>();
  for (const { name } of targets) measured.set(name, { gigabytes: [], cpuMs: [] });
  for (let round = 0; round < rounds; round++) {
    for (const offset of targets.keys()) {
      const target = targets[(offset + round) % targets.length] as Target;
      const task = { originPort: sender.message.port, tunnels: 1, seconds: secondsPerRound };
      const before = await processorMs(target.processId);
      const { octets, seconds } = await opened(target, task, ports);
      const after = await processorMs(target.processId);
      measured.get(target.name)?.gigabytes.push(octets / seconds / 1e9);
      measured.get(target.name)?.cpuMs.push((after - before) / (octets / 1e9));
    }
  }
  console.log(
    `One CONNECT tunnel, from origin to client: median (min to max) of ${rounds} rounds of ${secondsPerRound} s`,
  );
  const own = measured.get('edgehop-direct')?.gigabytes ?? [];
  for (const [name, { gigabytes, cpuMs }] of measured) {
    const ratio = name === 'edgehop-direct' ? '' : `   edgehop / ${name} ${shown(ratios(own, gigabytes))}`;
    console.log(
      `  ${name.padEnd(15)} GB/s ${shown(spread(gigabytes))}   its processor ms per GB ${shown(spread(cpuMs), 0)}${ratio}`,
    );
  }
}

async function idle(ports: StartPorts): Promise<void> {
  await using running = new AsyncDisposableStack();
  const silent = await startScript<{ port: number }>('tunnel-origin.ts', ['silent'], ports.folder, ports.signal);
  running.use(silent.running);
  console.log(`${idleTunnels} idle tunnels`);
  for (const target of await started(idleTargets, ports, running)) {
    await opened(target, { originPort: silent.message.port, tunnels: 20, seconds: 0.1 }, ports); // its first ones cost more
    const before = await residentKilobytes(target.processId);
    await using client = await startClient(ports);
    client.child.send({
      proxyPort: target.request.port,
      originPort: silent.message.port,
      tunnels: idleTunnels,
      seconds: 0,
    } satisfies TunnelTask);
    await told<TunnelResult>(client, ports.signal);
    await sleep(settleMs);
    const after = await residentKilobytes(target.processId);
    console.log(
      `  ${target.name.padEnd(15)} ${((after - before) / idleTunnels).toFixed(1)} KiB each: ${before} to ${after} KiB resident`,
    );
  }
}

/** Starts what is there, and says what is not. */
async function started(
  names: readonly TargetName[],
  ports: StartPorts,
  running: AsyncDisposableStack,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const name of names) {
    if (name === 'edgehop-direct') targets.push(running.use(await startEdgehop('edgehop-direct', ports)));
    else {
      const peer = await startPeer(name as Parameters<typeof startPeer>[0], ports);
      if (peer.kind === 'started') targets.push(running.use(peer.target));
      else console.log(`  ${name} is skipped: ${peer.because}`);
    }
  }
  return targets;
}

async function opened(target: Target, task: Omit<TunnelTask, 'proxyPort'>, ports: StartPorts): Promise<TunnelResult> {
  await using client = await startClient(ports);
  client.child.send({ proxyPort: target.request.port, ...task } satisfies TunnelTask);
  return await told<TunnelResult>(client, ports.signal);
}

function startClient({ folder }: StartPorts): ReturnType<typeof startProcess> {
  const script = fileURLToPath(new URL('tunnel-client.ts', import.meta.url));
  return startProcess({ file: process.execPath, args: [script], cwd: folder, channel: true });
}

/** User and system time of a process so far. Linux counts them in hundredths of a second. */
async function processorMs(processId: number): Promise<number> {
  const fields = (await readFile(`/proc/${processId}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
