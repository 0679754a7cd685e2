// `npm run bench:cache`: hits per second, and what a cache spares the origin on a trace, beside Squid.
import { Agent, request } from 'node:http';
import { startEdgehop } from './edgehop.ts';
import { applyLoad, type Load } from './load.ts';
import { startOrigin } from './own-servers.ts';
import { startCachingSquid } from './peers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { startScript, told } from './process.ts';
import { ratios, shown, spread } from './statistics.ts';
import type { StartPorts, Target } from './target.ts';
import { type Traced, zipfTrace } from './trace.ts';

const rounds = 5;
const seconds = 2;
const connections = 32;
const mebibyte = 1024 * 1024;
const hitMemoryBytes = 256 * mebibyte;
/** Less than all that the trace asks for, so that something has to go. */
const traceMemoryBytes = 32 * mebibyte;
const trace = zipfTrace({ requests: 20_000, objects: 3_000, exponent: 0.9, seed: 1 });
const askedAtOnce = 8;

type Origin = Awaited<ReturnType<typeof startScript<{ port: number }>>>;
interface Sent {
  readonly requests: number;
  readonly octets: number;
}

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const ready = cleanUp.use(await startOrigin(folder, signal));
  const ports: StartPorts = { folder, originPort: ready.port, signal };
  const origin = await startScript<{ port: number }>('cache-origin.ts', [], folder, signal);
  cleanUp.use(origin.running);
  for (const octets of [1024, 64 * 1024]) await hits(octets, origin, ports);
  await replayed(origin, ports);
}

/** Both caches; Squid only where it is installed. Memory only, so that both have the same. */
async function started(
  memoryBytes: number,
  ports: StartPorts,
  running: AsyncDisposableStack,
): Promise<ReadonlyMap<string, Target>> {
  const settings = { cache: { agent: { memoryBytes, diskBytes: 0 } } };
  const targets = new Map<string, Target>();
  targets.set('edgehop', running.use(await startEdgehop('edgehop-quiet', ports, settings)));
  targets.set('edgehop, JSON log', running.use(await startEdgehop('edgehop-direct', ports, settings)));
  const squid = await startCachingSquid(memoryBytes, ports);
  if (squid.kind === 'started') targets.set('squid', running.use(squid.target));
  else console.log(`  squid is skipped: ${squid.because}`);
  return targets;
}

async function hits(octets: number, origin: Origin, ports: StartPorts): Promise<void> {
  await using running = new AsyncDisposableStack();
  const targets = [...(await started(hitMemoryBytes, ports, running))];
  const loads = new Map<string, Load[]>(targets.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const offset of targets.keys()) {
      const [name, { request: asked }] = targets[(offset + round + targets.length) % targets.length] as [
        string,
        Target,
      ];
      const authority = `127.0.0.1:${origin.message.port}`;
      const target = `http://${authority}/${octets}/hit`;
      await sentBy(origin, ports);
      const options = { connections, seconds, folder: ports.folder, signal: ports.signal };
      const load = await applyLoad({ port: asked.port, method: 'GET', target, fields: { Host: authority } }, options);
      const { requests } = await sentBy(origin, ports);
      // The warm-up fills it; from then on the origin is not to be asked.
      if (round === -1) continue;
      if (requests > 0 || load.octets < load.requests * octets || load.errors.status > 0) {
        throw new Error(
          `${name}: ${load.requests} answers of ${load.octets} octets, ${requests} requests at the origin`,
        );
      }
      loads.get(name)?.push(load);
    }
  }
  console.log(
    `Hits of ${octets} octets, ${connections} connections: median (min to max) of ${rounds} rounds of ${seconds} s`,
  );
  const rates = (name: string) =>
    (loads.get(name) ?? []).map(({ requests, durationUs }) => (requests * 1e6) / durationUs);
  for (const [name, of] of loads) {
    const ratio =
      name === 'squid' || !loads.has('squid') ? '' : `   / squid ${shown(ratios(rates(name), rates('squid')), 2)}`;
    const p99 = spread(of.map(({ p99Us }) => p99Us / 1000));
    console.log(`  ${name.padEnd(18)} per second ${shown(spread(rates(name)), 0)}   p99 ms ${shown(p99, 2)}${ratio}`);
  }
}

/** The trace through each cache, one after the other: what the origin still had to send. */
async function replayed(origin: Origin, ports: StartPorts): Promise<void> {
  await using running = new AsyncDisposableStack();
  const asked = trace.reduce((sum, { octets }) => sum + octets, 0);
  console.log(
    `${trace.length} requests for ${(asked / 1e6).toFixed(0)} MB, ${traceMemoryBytes / mebibyte} MiB of memory`,
  );
  for (const [name, target] of await started(traceMemoryBytes, ports, running)) {
    if (name === 'edgehop, JSON log') continue;
    await sentBy(origin, ports);
    await replay(target.request.port, origin.message.port, ports.signal);
    const sent = await sentBy(origin, ports);
    const [requests, octets] = [share(sent.requests, trace.length), share(sent.octets, asked)];
    console.log(`  ${name.padEnd(18)} the origin got ${requests} of the requests, and sent ${octets} of the octets`);
  }
}

async function replay(port: number, originPort: number, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: askedAtOnce });
  const left = [...trace].reverse();
  const ask = (traced: Traced) =>
    new Promise<void>((resolve, reject) => {
      const path = `http://127.0.0.1:${originPort}${traced.target}`;
      const headers = { 'accept-language': traced.language };
      request({ host: '127.0.0.1', port, path, headers, agent, signal }, (response) => {
        let octets = 0;
        response.on('data', (piece: Buffer) => {
          octets += piece.length;
        });
        response.on('end', () => {
          if (response.statusCode === 200 && octets === traced.octets) resolve();
          else reject(new Error(`${path}: ${response.statusCode} with ${octets} octets`));
        });
        response.on('error', reject);
      })
        .on('error', reject)
        .end();
    });
  const worker = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await ask(next);
  };
  await Promise.all(Array.from({ length: askedAtOnce }, worker));
  agent.destroy();
}

/** What the origin has got and sent since it was asked last. */
async function sentBy({ running }: Origin, { signal }: StartPorts): Promise<Sent> {
  running.child.send('how much?');
  return await told<Sent>(running, signal);
}

function share(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
