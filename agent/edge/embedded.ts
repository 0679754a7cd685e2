// The embedded edge: workerd on this machine, kept running, with a fresh token at each start.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DestinationPolicy } from '../../http/destination.ts';
import { ProxyError } from '../../http/proxy-error.ts';
import { createDial, type Dial } from '../upstream/dial.ts';
import { noParents } from '../upstream/parents.ts';
import { createDiagnosis } from './diagnosis.ts';
import type { Edge, EdgeLimits } from './edge.ts';
import { createEdgeClient } from './edge-client.ts';
import { createEdgeTiming } from './link.ts';
import { type Runtime, startRuntime } from './runtime.ts';
import { workerSource } from './worker-source.ts';

export interface EmbeddedOptions {
  readonly policy: DestinationPolicy;
  readonly limits: EdgeLimits;
  readonly dial: Dial;
  /** Says what the person at the terminal should know of the edge's life. */
  readonly say: (sentence: string) => void;
  /** The edge runs anew, in another process. */
  readonly onStart: () => void;
}

const firstRestartDelayMs = 50;
const maxRestartDelayMs = 5_000;
/** An edge that has run this long is started again without further delay. */
const provenMs = 30_000;
/** How long after a lost exchange the end of the process may take to be seen. */
const exitGraceMs = 300;
const probe = createDial({ connectTimeoutMs: 1_000, maxSocketBufferBytes: 1_024 }, noParents);
/** How long an exchange waits for an edge that is being started. */
const startTimeoutMs = 10_000;

/** Starts the embedded edge in the background. It is started again whenever it dies, until it is disposed. */
export function startEmbedded({ policy, limits, dial, say, onStart }: EmbeddedOptions): Edge {
  const token = randomBytes(32).toString('base64url');
  const addresses = async () => ({ kind: 'resolved' as const, addresses: ['127.0.0.1'] });
  const client = createEdgeClient({ limits, dial, addresses, allowHttp2: false });
  const diagnosis = createDiagnosis();
  const timing = createEdgeTiming();
  let isDisposed = false;
  /** While it is being found out whether the edge has ended. */
  let suspicion: Promise<void> | undefined;
  let runtime: Runtime | undefined;
  let starting: Promise<void>;
  let failure: unknown;
  let delayMs = firstRestartDelayMs;

  const start = async (): Promise<void> => {
    while (!isDisposed) {
      try {
        const started = await startRuntime({
          source: await workerSource(),
          token,
          policy,
          onLogLine: diagnosis.note,
          onExit,
        });
        if (isDisposed) return void (await started[Symbol.asyncDispose]());
        runtime = started;
        failure = undefined;
        onStart();
        setTimeout(() => {
          if (runtime === started) delayMs = firstRestartDelayMs;
        }, provenMs).unref();
        return;
      } catch (cause) {
        failure = cause;
        say(`the embedded edge cannot be started: ${cause instanceof Error ? cause.message : String(cause)}`);
        delayMs = Math.min(delayMs * 2, maxRestartDelayMs);
        await sleep(delayMs);
      }
    }
  };
  function onExit(because: string): void {
    if (isDisposed) return;
    const died = runtime;
    runtime = undefined;
    say(`the embedded edge has ended (${because}); it is being started again`);
    delayMs = Math.min(delayMs * 2, maxRestartDelayMs);
    starting = Promise.all([disposed(died), sleep(delayMs)])
      .then(start)
      .then(() => {
        if (!isDisposed) say('the embedded edge runs again');
      });
  }
  starting = start();

  return {
    name: 'embedded',
    embedded: true,
    state: () => (runtime !== undefined ? 'ready' : failure === undefined ? 'starting' : 'unavailable'),
    ready: async () => {
      await suspicion;
      if (runtime === undefined) await Promise.race([starting, sleep(startTimeoutMs, undefined, { ref: false })]);
      if (runtime !== undefined)
        return { kind: 'ready', origin: runtime.origin, host: new URL(runtime.origin).host, client, token };
      return {
        kind: 'unavailable',
        error: new ProxyError('destination_unavailable', 'The embedded edge is not running.', {
          status: 502,
          advice: 'Look at the log of the agent, or start it with `--edge none`.',
          cause: failure,
        }),
      };
    },
    lost: ({ type }) => {
      if (runtime === undefined || !/^connection_/.test(type)) return;
      suspicion ??= endedOrAlive(runtime).finally(() => {
        suspicion = undefined;
      });
    },
    timed: timing.timed,
    roundTrip: timing.roundTrip,
    explain: diagnosis.explain,
    processId: () => runtime?.processId,
    ports: () => runtime?.ports ?? [],
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      await Promise.all([client.close(), runtime?.[Symbol.asyncDispose]()]);
      runtime = undefined;
    },
  };
}

/** Waits for what a lost exchange may have announced: connections end a moment before the process is seen to end. */
async function endedOrAlive(runtime: Runtime): Promise<void> {
  await Promise.race([runtime.ended, sleep(exitGraceMs, undefined, { ref: false })]);
  if (await isListening(runtime)) return;
  await Promise.race([runtime.ended, sleep(startTimeoutMs, undefined, { ref: false })]);
}

async function isListening({ origin }: Runtime): Promise<boolean> {
  const { hostname, port } = new URL(origin);
  const dialled = await probe({ host: hostname, port: Number(port), addresses: [hostname], scheme: 'http' });
  if (dialled.kind === 'connected') dialled.socket.destroy();
  return dialled.kind === 'connected';
}

/** What is left of a run that has ended is put away as far as possible. */
async function disposed(runtime: Runtime | undefined): Promise<void> {
  try {
    await runtime?.[Symbol.asyncDispose]();
  } catch {
    // its process is gone already
  }
}
