// The machine that is measured on, and how busy others keep it before anything is started.
import { type CpuInfo, cpus, release, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Machine {
  readonly processor: string;
  readonly processorCount: number;
  readonly system: string;
  readonly node: string;
  /** Of all processor time, from 0 to 1. */
  readonly busyShare: number;
}

const watchedMs = 1_000;

/** Watches the processors for a second. */
export async function describeMachine(signal: AbortSignal): Promise<Machine> {
  const before = cpus();
  await sleep(watchedMs, undefined, { signal });
  return {
    processor: before[0]?.model ?? 'unknown processor',
    processorCount: before.length,
    system: `${type()} ${release()}`,
    node: process.versions.node,
    busyShare: busyShare(before, cpus()),
  };
}

/** The share of processor time between two looks that was not idle. */
export function busyShare(before: readonly Pick<CpuInfo, 'times'>[], after: typeof before): number {
  const [then, now] = [spent(before), spent(after)];
  const all = now.all - then.all;
  return all > 0 ? 1 - (now.idle - then.idle) / all : 0;
}

function spent(processors: readonly Pick<CpuInfo, 'times'>[]): { readonly idle: number; readonly all: number } {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    idle: sum(processors.map(({ times }) => times.idle)),
    all: sum(processors.flatMap(({ times }) => Object.values(times))),
  };
}
