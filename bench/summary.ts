// Condenses all rounds: each target's figures, ratios between targets, and the latency that a target adds.
import { differences, ratios, type Spread, spread } from './statistics.ts';
import { type TargetName, targetNames } from './target.ts';

export interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export type Run =
  | { readonly kind: 'valid'; readonly figures: Figures }
  | { readonly kind: 'invalid'; readonly because: readonly string[]; readonly figures: Figures | undefined };

export interface Measurement {
  readonly target: TargetName;
  readonly connections: number;
  readonly round: number;
  readonly run: Run;
}

export type Row = { readonly target: TargetName; readonly connections: number } & (
  | ({ readonly kind: 'valid' } & Readonly<Record<keyof Figures, Spread>>)
  | { readonly kind: 'invalid'; readonly because: readonly string[] }
);

/** Requests per second of one target over those of another. */
export interface Ratio extends Spread {
  readonly of: TargetName;
  readonly over: TargetName;
  readonly connections: number;
}

/** Latency at one connection less the origin's own. */
export interface AddedLatency {
  readonly target: TargetName;
  readonly p50Us: Spread;
  readonly p99Us: Spread;
}

export interface Summary {
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly addedLatency: readonly AddedLatency[];
}

const compared: readonly (readonly [of: TargetName, over: TargetName])[] = [
  ['edgehop-edge', 'worker-alone'],
  ['edgehop-edge', 'edgehop-direct'],
  ['edgehop-edge', 'mitmproxy'],
  ['edgehop-edge', 'proxy-chain'],
  ['edgehop-edge', 'tinyproxy'],
  ['edgehop-edge', 'squid'],
  ['edgehop-direct', 'mitmproxy'],
  ['edgehop-direct', 'proxy-chain'],
  ['edgehop-direct', 'tinyproxy'],
  ['edgehop-direct', 'squid'],
  ['edgehop-direct', 'squid-log'],
  ['edgehop-quiet', 'squid'],
  ['edgehop-direct', 'origin'],
];

/** What is invalid in one round is invalid altogether, and nothing is derived from it. */
export function summarise(measurements: readonly Measurement[]): Summary {
  const counts = [...new Set(measurements.map(({ connections }) => connections))].sort((a, b) => a - b);
  const figuresOf = (target: TargetName, connections: number) =>
    validFigures(runsOf(measurements, target, connections));
  return {
    rows: targetNames.flatMap((target) => counts.flatMap((connections) => rowOf(measurements, target, connections))),
    ratios: counts.flatMap((connections) =>
      compared.flatMap(([of, over]) => {
        const [figures, others] = [figuresOf(of, connections), figuresOf(over, connections)];
        if (figures === undefined || others === undefined) return [];
        const rates = [figures, others].map((all) => all.map(({ requestsPerSecond }) => requestsPerSecond));
        return [{ of, over, connections, ...ratios(rates[0] as number[], rates[1] as number[]) }];
      }),
    ),
    addedLatency: targetNames.flatMap((target) => {
      const [figures, own] = [figuresOf(target, 1), figuresOf('origin', 1)];
      if (target === 'origin' || figures === undefined || own === undefined) return [];
      const added = (key: 'p50Us' | 'p99Us') =>
        differences(
          figures.map((f) => f[key]),
          own.map((f) => f[key]),
        );
      return [{ target, p50Us: added('p50Us'), p99Us: added('p99Us') }];
    }),
  };
}

function rowOf(measurements: readonly Measurement[], target: TargetName, connections: number): readonly Row[] {
  const runs = runsOf(measurements, target, connections);
  if (runs.length === 0) return [];
  const figures = validFigures(runs);
  if (figures === undefined) {
    const because = runs.flatMap(({ run, round }) =>
      run.kind === 'valid' ? [] : run.because.map((reason) => `round ${round + 1}: ${reason}`),
    );
    return [{ target, connections, kind: 'invalid', because }];
  }
  const over = (key: keyof Figures) => spread(figures.map((one) => one[key]));
  return [
    {
      target,
      connections,
      kind: 'valid',
      requestsPerSecond: over('requestsPerSecond'),
      p50Us: over('p50Us'),
      p99Us: over('p99Us'),
    },
  ];
}

function runsOf(measurements: readonly Measurement[], target: TargetName, connections: number): Measurement[] {
  return measurements
    .filter((one) => one.target === target && one.connections === connections)
    .sort((a, b) => a.round - b.round);
}

/** Round by round; undefined when there are none or one of them does not count. */
function validFigures(runs: readonly Measurement[]): readonly Figures[] | undefined {
  const figures = runs.flatMap(({ run }) => (run.kind === 'valid' ? [run.figures] : []));
  return figures.length > 0 && figures.length === runs.length ? figures : undefined;
}
