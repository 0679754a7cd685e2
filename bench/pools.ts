// `npm run bench:pools`: how requests are shared, what a target that is killed costs, and what a slow one costs.
import { Agent, request } from 'node:http';
import { startEdgehop } from './edgehop.ts';
import { startOrigin } from './own-servers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { type Script, startScript, told } from './process.ts';
import { shown, spread } from './statistics.ts';
import type { StartPorts } from './target.ts';

const rounds = 5;
const connections = 32;
const sharedRequests = 10_000;
const weights = [5, 3, 2];
const killRequests = 20_000;
const slowRequests = 3_000;
/** How far a share may lie from its weight. */
const maxDeviation = 0.02;

type TargetScript = Script<{ port: number }>;

/** Exchanges of one load. Durations in milliseconds. */
interface Measured {
  readonly durations: readonly number[];
  /** Exchanges without a whole answer of status 200. */
  readonly lost: number;
}

await main(endingSignal());

async function main(signal: AbortSignal): Promise<void> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const origin = cleanUp.use(await startOrigin(folder, signal));
  const ports: StartPorts = { folder, originPort: origin.port, signal };
  await shares(ports);
  await killed(ports);
  await slow(ports);
}

/** How 10,000 requests for different URLs are shared. Least outstanding goes by what is free, so that no weight is its measure. */
async function shares(ports: StartPorts): Promise<void> {
  console.log(`Shares of ${sharedRequests} requests over ${connections} connections, weights ${weights.join(' : ')}`);
  for (const balance of ['round-robin', 'weighted', 'hash-url', 'least-outstanding'] as const) {
    await using running = new AsyncDisposableStack();
    const targets = await startTargets(['quick', 'quick', 'quick'], ports, running);
    const { port } = running.use(await startPool(targets, { balance }, ports));
    const { lost } = await load(port, sharedRequests);
    const counts = await Promise.all(targets.map((target) => requestsAt(target, ports)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const deviations = counts.map((count, i) => count / sharedRequests - (weights[i] as number) / total);
    const worst = Math.max(...deviations.map(Math.abs));
    console.log(
      `  ${balance.padEnd(18)} ${counts.join(' ')}   at most ${(worst * 100).toFixed(2)} % off, ${lost} lost`,
    );
    judge(lost === 0, `${balance} lost ${lost} exchanges`);
    if (balance !== 'least-outstanding') judge(worst <= maxDeviation, `${balance} is off the weights`);
  }
}

/** One of three is killed while all are asked. */
async function killed(ports: StartPorts): Promise<void> {
  const losses: number[] = [];
  const slowest: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using running = new AsyncDisposableStack();
    const targets = await startTargets(['quick', 'quick', 'quick'], ports, running);
    const { port } = running.use(await startPool(targets, {}, ports));
    const victim = targets[round % targets.length] as TargetScript;
    const { lost, durations } = await load(port, killRequests, (done) => {
      if (done === killRequests / 2) victim.running.child.kill('SIGKILL');
    });
    losses.push(lost);
    slowest.push(Math.max(...durations));
  }
  console.log(
    `One of three killed under load, ${rounds} rounds of ${killRequests} GETs over ${connections} connections`,
  );
  console.log(`  lost ${losses.join(', ')}   slowest exchange ${shown(spread(slowest), 1)} ms`);
  judge(
    losses.every((lost) => lost === 0),
    'exchanges were lost',
  );
}

/** One of three answers one request at a time. */
async function slow(ports: StartPorts): Promise<void> {
  const measured = { 'round-robin': [] as number[], 'least-outstanding': [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const balance of ['round-robin', 'least-outstanding'] as const) {
      await using running = new AsyncDisposableStack();
      const targets = await startTargets(['quick', 'quick', 'slow'], ports, running);
      const { port } = running.use(await startPool(targets, { balance }, ports, [1, 1, 1]));
      const { durations, lost } = await load(port, slowRequests);
      judge(lost === 0, `${balance} lost ${lost} exchanges`);
      measured[balance].push(percentile(durations, 0.99));
    }
  }
  console.log(`One of three slow, ${rounds} rounds of ${slowRequests} GETs over ${connections} connections: p99 in ms`);
  for (const [balance, values] of Object.entries(measured)) {
    console.log(`  ${balance.padEnd(18)} ${shown(spread(values), 1)}`);
  }
  const [inTurn, least] = [spread(measured['round-robin']), spread(measured['least-outstanding'])];
  judge(least.max < inTurn.min, 'least outstanding is no better than round-robin');
}

async function startTargets(
  kinds: readonly ('quick' | 'slow')[],
  { folder, signal }: StartPorts,
  running: AsyncDisposableStack,
): Promise<readonly TargetScript[]> {
  const targets: TargetScript[] = [];
  for (const kind of kinds) {
    const target = await startScript<{ port: number }>('pool-target.ts', [kind], folder, signal);
    running.use(target.running);
    targets.push(target);
  }
  return targets;
}

/** An agent with a pool of these targets, for app.localhost. */
async function startPool(
  targets: readonly TargetScript[],
  settings: object,
  ports: StartPorts,
  shared: readonly number[] = weights,
): Promise<AsyncDisposable & { readonly port: number }> {
  const named = targets.map(({ message }, i) => ({ url: `http://127.0.0.1:${message.port}`, weight: shared[i] }));
  const agent = await startEdgehop('edgehop-quiet', ports, {
    cache: { agent: false, edge: 'off' },
    pools: { app: { targets: named, ...settings } },
    reverse: [{ host: 'app.localhost', pool: 'app' }],
  });
  return { port: agent.request.port, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}

async function requestsAt({ running }: TargetScript, { signal }: StartPorts): Promise<number> {
  running.child.send('how many requests?');
  return (await told<{ requests: number }>(running, signal)).requests;
}

/** So many GETs of different URLs, each connection one after the other. */
async function load(port: number, count: number, onDone: (done: number) => void = () => undefined): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const durations: number[] = [];
  let [begun, done, lost] = [0, 0, 0];
  const client = async () => {
    while (begun < count) {
      const path = `/item/${begun++}`;
      const startedAt = performance.now();
      if (!(await isAnswered(port, path, agent))) lost++;
      durations.push(performance.now() - startedAt);
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return { durations, lost };
}

function isAnswered(port: number, path: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path, agent, headers: { host: 'app.localhost' } }, (response) => {
      response.on('error', () => resolve(false)).on('end', () => resolve(response.statusCode === 200));
      response.resume();
    })
      .on('error', () => resolve(false))
      .end();
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

function judge(holds: boolean, otherwise: string): void {
  if (holds) return;
  console.log(`  INVALID: ${otherwise}`);
  process.exitCode = 1;
}
