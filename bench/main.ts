// `npm run bench`: starts everything on this machine, measures it side by side, prints the result and ends everything.
import { startEdgehop } from './edgehop.ts';
import { wrkVersion } from './load.ts';
import { describeMachine } from './machine.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { type Origin, startOrigin, startWorkerAlone } from './own-servers.ts';
import { startPeer } from './peers.ts';
import { endingSignal, temporaryFolder } from './place.ts';
import { type Report, reportInWords } from './report.ts';
import { connectionCounts, measureRounds, warmUpSeconds } from './rounds.ts';
import { measureStarts } from './starts.ts';
import { summarise } from './summary.ts';
import { conditions, contentOctets, type StartPorts, type Target, type TargetName } from './target.ts';

type Skipped = Report['skipped'][number];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed.kind === 'usage') {
    console.error(`${parsed.because}\n${usage}`);
    return 2;
  }
  const wrk = await wrkVersion();
  if (wrk === undefined) {
    console.error(
      'The load comes from wrk, which is not installed: apt install wrk (Debian), brew install wrk (macOS).',
    );
    return 1;
  }
  const ending = endingSignal();
  try {
    const report = await bench(parsed.options, wrk, ending);
    console.log(parsed.options.json ? JSON.stringify(report) : reportInWords(report));
    return report.rows.some(({ kind }) => kind === 'invalid') ? 1 : 0;
  } catch (cause) {
    if (!ending.aborted) throw cause;
    console.error('stopped; everything that was started has ended');
    return 130;
  }
}

async function bench({ rounds, seconds, only }: Options, wrk: string, signal: AbortSignal): Promise<Report> {
  const machine = await describeMachine(signal);
  const minutes = (only.length * (rounds * connectionCounts.length * seconds + warmUpSeconds)) / 60;
  say(`${only.length} targets, --rounds ${rounds}, --seconds ${seconds}: about ${(minutes + 1).toFixed(0)} minutes`);

  await using cleanUp = new AsyncDisposableStack();
  const folder = await temporaryFolder(cleanUp);
  const origin = cleanUp.use(await startOrigin(folder, signal));
  const ports: StartPorts = { folder, originPort: origin.port, signal };

  const { measurements, targets, skipped } = await measureTargets(only, origin, ports, { rounds, seconds });
  say('timing starts');
  const starts = await measureStarts(only, ports);
  return {
    machine,
    method: { rounds, seconds, warmUpSeconds, contentOctets, wrk },
    targets: targets.map(({ name, version }) => ({ name, version, conditions: conditions[name] })),
    skipped,
    ...summarise(measurements),
    starts,
    measurements,
  };
}

/** Starts the targets, has the rounds run, and ends them. */
async function measureTargets(
  only: readonly TargetName[],
  origin: Origin,
  ports: StartPorts,
  length: Pick<Options, 'rounds' | 'seconds'>,
): Promise<Pick<Report, 'measurements' | 'skipped'> & { readonly targets: readonly Target[] }> {
  await using running = new AsyncDisposableStack();
  const [targets, skipped]: [Target[], Skipped[]] = [[], []];
  for (const name of only) {
    ports.signal.throwIfAborted();
    say(`starting ${name}`);
    const started = await startTarget(name, origin, ports);
    if ('because' in started) skipped.push(started);
    else targets.push(name === 'origin' ? started : running.use(started));
  }
  const measurements = await measureRounds(targets, origin, { ...ports, ...length, onTurn: say });
  return { measurements, targets, skipped };
}

async function startTarget(name: TargetName, origin: Origin, ports: StartPorts): Promise<Target | Skipped> {
  switch (name) {
    case 'origin':
      return origin;
    case 'edgehop-edge':
    case 'edgehop-direct':
    case 'edgehop-quiet':
      return startEdgehop(name, ports);
    case 'worker-alone':
      return startWorkerAlone(ports);
    default: {
      const peer = await startPeer(name, ports);
      return peer.kind === 'started' ? peer.target : { name, because: peer.because };
    }
  }
}

/** Progress, apart from the result. */
function say(sentence: string): void {
  console.error(`bench: ${sentence}`);
}
