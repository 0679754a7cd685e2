// Writes the results for people.
import type { Machine } from './machine.ts';
import type { StartTimes } from './starts.ts';
import type { Spread } from './statistics.ts';
import type { Measurement, Row, Summary } from './summary.ts';
import type { TargetName } from './target.ts';

export interface Report extends Summary {
  readonly machine: Machine;
  readonly method: {
    readonly rounds: number;
    readonly seconds: number;
    readonly warmUpSeconds: number;
    readonly contentOctets: number;
    readonly wrk: string;
  };
  readonly targets: readonly { readonly name: TargetName; readonly version: string; readonly conditions: string }[];
  readonly skipped: readonly { readonly name: TargetName; readonly because: string }[];
  readonly starts: readonly StartTimes[];
  readonly measurements: readonly Measurement[];
}

/** What a machine at rest may spend on its own affairs. */
const maxBusyShare = 0.1;

type Cells = readonly string[];

/** All tables as one text. */
export function reportInWords(report: Report): string {
  return [
    circumstances(report),
    section('Requests per second and latency in ms: median (min to max) over the rounds', [
      ['target', 'connections', 'requests/s', '', 'p50', '', 'p99', ''],
      ...report.rows.map(rowCells),
    ]),
    section('Ratios of requests per second, taken round by round', [
      ['', 'connections', 'ratio', ''],
      ...report.ratios.map((ratio) => [
        `${ratio.of} / ${ratio.over}`,
        String(ratio.connections),
        ...spreadCells(ratio, (value) => value.toFixed(2)),
      ]),
    ]),
    section('Latency in ms added to the origin asked directly, at 1 connection, taken round by round', [
      ['target', 'p50', '', 'p99', ''],
      ...report.addedLatency.map(({ target, p50Us, p99Us }) => [
        target,
        ...spreadCells(p50Us, milliseconds),
        ...spreadCells(p99Us, milliseconds),
      ]),
    ]),
    section('From spawn to ready, in ms', [
      ['target', 'starts', 'median', ''],
      ...report.starts.map(({ target, readyAfterMs, spread }) => [
        target,
        String(readyAfterMs.length),
        ...spreadCells(spread, whole),
      ]),
    ]),
    invalidInWords(report.rows),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function circumstances({ machine, method, targets, skipped }: Report): string {
  return [
    `${machine.processorCount} × ${machine.processor}, ${machine.system}, Node ${machine.node}`,
    ...(machine.busyShare > maxBusyShare
      ? [
          `THE MACHINE WAS BUSY before anything began (${(machine.busyShare * 100).toFixed(0)} %): these figures mean little.`,
        ]
      : []),
    `${method.rounds} × ${method.seconds} s for each figure after ${method.warmUpSeconds} s of warming up; GET of ${method.contentOctets} octets, uncached, connections kept; wrk ${method.wrk}, 1 thread`,
    'Load, origin and target share the processors of this machine: trust ratios, not absolute figures.',
    '',
    ...table(
      targets.map(({ name, version, conditions }) => [name, version, conditions]),
      'left',
    ),
    ...skipped.map(({ name, because }) => `${name} is skipped: ${because}`),
  ].join('\n');
}

function rowCells(row: Row): Cells {
  const start = [row.target, String(row.connections)];
  if (row.kind === 'invalid') return [...start, 'INVALID', '', '', '', '', ''];
  return [
    ...start,
    ...spreadCells(row.requestsPerSecond, whole),
    ...spreadCells(row.p50Us, milliseconds),
    ...spreadCells(row.p99Us, milliseconds),
  ];
}

function invalidInWords(rows: readonly Row[]): string {
  return rows
    .flatMap((row) =>
      row.kind === 'valid' ? [] : row.because.map((reason) => `INVALID ${row.target} at ${row.connections}: ${reason}`),
    )
    .join('\n');
}

function spreadCells({ median, min, max }: Spread, format: (value: number) => string): Cells {
  return [format(median), `(${format(min)} to ${format(max)})`];
}

function whole(value: number): string {
  return value.toFixed(0);
}

function milliseconds(us: number): string {
  return (us / 1000).toFixed(us < 10_000 ? 3 : 1);
}

/** A heading and a table; nothing without rows below the first. */
function section(heading: string, rows: readonly Cells[]): string {
  return rows.length < 2 ? '' : [heading, ...table(rows, 'right')].join('\n');
}

/** Columns as wide as their widest cell. The first is always aligned left. */
function table(rows: readonly Cells[], align: 'left' | 'right'): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows.map((cells) =>
    `  ${cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return align === 'left' || column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')}`.trimEnd(),
  );
}
