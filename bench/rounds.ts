// The method: in each round every target has its turn, so that what drifts over minutes hits all of them.
import { applyLoad } from './load.ts';
import type { Origin } from './own-servers.ts';
import type { Measurement, Run } from './summary.ts';
import type { Target } from './target.ts';
import { objections } from './validity.ts';

export interface RoundsPlan {
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told before each turn. */
  readonly onTurn: (sentence: string) => void;
}

export const connectionCounts = [1, 32] as const;

/** Unmeasured load on each target at first, for its compiler and its connections. */
export const warmUpSeconds = 2;

/** Measures all targets `rounds` times; each round begins with another target. */
export async function measureRounds(
  targets: readonly Target[],
  origin: Origin,
  plan: RoundsPlan,
): Promise<readonly Measurement[]> {
  for (const target of targets) {
    plan.onTurn(`warming up ${target.name}`);
    await measure(target, origin, Math.max(...connectionCounts), { ...plan, seconds: warmUpSeconds });
  }
  const measurements: Measurement[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of rotated(targets, round)) {
      for (const connections of connectionCounts) {
        plan.onTurn(`round ${round + 1} of ${plan.rounds}: ${target.name}, ${inWords(connections)}`);
        const run = await measure(target, origin, connections, plan);
        measurements.push({ target: target.name, connections, round, run });
      }
    }
  }
  return measurements;
}

async function measure(target: Target, origin: Origin, connections: number, plan: RoundsPlan): Promise<Run> {
  const { seconds, folder, signal } = plan;
  signal.throwIfAborted();
  const before = await origin.requests();
  try {
    const load = await applyLoad(target.request, { connections, seconds, folder, signal });
    const originRequests = (await origin.requests()) - before;
    const logLines = await target.logged?.(load.requests);
    const because = objections({
      load,
      connections,
      closesUnannounced: target.closesUnannounced === true,
      originRequests,
      ...(logLines !== undefined && { logLines }),
    });
    const { p50Us, p99Us } = load;
    const figures = { requestsPerSecond: (load.requests * 1e6) / load.durationUs, p50Us, p99Us };
    return because.length === 0 ? { kind: 'valid', figures } : { kind: 'invalid', because, figures };
  } catch (cause) {
    signal.throwIfAborted();
    return { kind: 'invalid', because: [cause instanceof Error ? cause.message : String(cause)], figures: undefined };
  }
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function inWords(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}
