// One run of workerd with the worker in it, through miniflare: the only file that knows miniflare.
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Log, LogLevel, Miniflare } from 'miniflare';
import type { DestinationPolicy } from '../../http/destination.ts';
import { believedByEdges } from '../trust/trusted.ts';

export interface RuntimeOptions {
  /** Text of the worker module. */
  readonly source: string;
  readonly token: string;
  readonly policy: DestinationPolicy;
  /** Issuers (PEM) that are trusted beside those that this process trusts. */
  readonly trusted?: readonly string[];
  /** Each line of workerd's log. */
  readonly onLogLine: (line: string) => void;
  /** workerd has ended although nobody asked it to. */
  readonly onExit: (because: string) => void;
}

export interface Runtime extends AsyncDisposable {
  readonly origin: string;
  readonly ports: readonly number[];
  readonly processId: number | undefined;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

/** The newest date this workerd knows. The same stands in wrangler.toml; a test compares them. */
export const compatibilityDate = '2026-07-30';

/** Starts workerd and waits until it serves. Rejects when it cannot be started. */
export async function startRuntime({
  source,
  token,
  policy,
  trusted = [],
  onLogLine,
  onExit,
}: RuntimeOptions): Promise<Runtime> {
  const children: ChildProcess[] = [];
  const onSpawn = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess };
    children.push(child);
    child.once('error', (cause) => tellUnspawned(child, cause));
  };
  subscribe('child_process', onSpawn);
  const signals = ownSignalListeners();
  const miniflare = new Miniflare({
    modules: true,
    script: source,
    compatibilityDate,
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.NONE),
    cf: false,
    bindings: { EDGEHOP_TOKENS: `embedded=${token}`, EDGEHOP_EMBEDDED: JSON.stringify(policy) },
    images: { binding: 'IMAGES' },
    // Octets pass untouched and twice as fast as through miniflare's own entry.
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    // The network under its policy. A binding of its own, for the default one adds a CF-Worker field to every request.
    serviceBindings: {
      UPSTREAM: {
        network: {
          allow: allowedNetworks(policy),
          // What this process trusts, and not what this machine does: our own CA may be among that.
          tlsOptions: { trustBrowserCas: false, trustedCertificates: [...believedByEdges(), ...trusted] },
        },
      },
    },
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      readLines(stdout, onLogLine);
      readLines(stderr, onLogLine);
    },
  });
  dropOtherSignalListeners(signals);
  try {
    const [entry, direct] = [await miniflare.ready, await miniflare.unsafeGetDirectURL()];
    const child = children.find(({ spawnfile }) => /workerd/.test(spawnfile));
    let isDisposed = false;
    const ended = new Promise<void>((resolve) => {
      child?.once('exit', (code, signal) => {
        if (!isDisposed) onExit(signal === null ? `exit code ${code}` : `signal ${signal}`);
        resolve();
      });
    });
    return {
      origin: direct.origin,
      ports: [Number(entry.port), Number(direct.port)],
      processId: child?.pid,
      ended,
      [Symbol.asyncDispose]: async () => {
        isDisposed = true;
        await miniflare.dispose();
      },
    };
  } catch (cause) {
    await miniflare.dispose().catch(() => undefined);
    throw cause;
  } finally {
    unsubscribe('child_process', onSpawn);
  }
}

/** Miniflare waits for ever for a program that is not there or may not run: it listens to its stdin and its end alone. */
function tellUnspawned(child: ChildProcess, cause: Error): void {
  if (child.pid !== undefined) return;
  child.stdin?.emit('error', cause);
  child.emit('exit', null, null);
}

/** Miniflare ends the process at the first signal, in the middle of the agent's draining; signals are not its to take. */
function dropOtherSignalListeners(own: ReadonlyMap<NodeJS.Signals, ReadonlySet<unknown>>): void {
  for (const [signal, listeners] of own) {
    for (const listener of process.listeners(signal)) {
      if (!listeners.has(listener)) process.off(signal, listener as NodeJS.SignalsListener);
    }
  }
}

function ownSignalListeners(): Map<NodeJS.Signals, Set<unknown>> {
  return new Map(
    (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => [signal, new Set(process.listeners(signal))]),
  );
}

/** workerd's own guard at dial time: what is public, and the ranges that are excepted. Names are the agent's to reach. */
function allowedNetworks({ allowPrivate, exceptions }: DestinationPolicy): string[] {
  if (allowPrivate) return ['public', 'private'];
  return [
    'public',
    ...exceptions.flatMap((exception) => (exception.kind === 'range' ? [asNetwork(exception.range)] : [])),
  ];
}

function asNetwork(range: string): string {
  if (range.includes('/')) return range;
  return range.includes(':') ? `${range}/128` : `${range}/32`;
}

function readLines(stream: Readable, onLine: (line: string) => void): void {
  stream.on('error', () => undefined);
  createInterface({ input: stream }).on('line', onLine);
}
