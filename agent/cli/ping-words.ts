// The report of `edgehop ping` for people: a table of phases and a histogram by route.
import { styleText } from 'node:util';
import { type PingPhase, type PingReport, type PingRoute, pingPhases } from '../../schemas/api.ts';
import { printable } from '../log/words.ts';
import type { PhaseTimes } from './ping-attempt.ts';
import { histogram } from './statistics.ts';

/** The report as text. */
export function pingInWords(report: PingReport, hasColour: boolean): string {
  const bold = (text: string) => (hasColour ? styleText('bold', text, { validateStream: false }) : text);
  return report.routes.map((route) => routeReport(report, route, bold)).join('\n\n');
}

/** The phases of one attempt in a line. */
export function timesInWords(times: PhaseTimes): string {
  const parts = pingPhases.flatMap((phase) => {
    const ms = times[phase];
    return ms === undefined ? [] : [`${phase} ${ms.toFixed(3)}`];
  });
  return `${parts.join(', ')} ms`;
}

function routeReport({ target }: PingReport, route: PingRoute, bold: (text: string) => string): string {
  const failed = route.failures.reduce((sum, { count }) => sum + count, 0);
  const shown = pingPhases.filter((phase) => route.phases[phase] !== undefined);
  const total = route.phases.total;
  return [
    `${bold(printable(target))} ${route.name}`,
    ...(route.addresses === undefined ? [] : [`  connected to ${route.addresses.join(', ')}`]),
    ...(route.lookupMs === undefined ? [] : [`  name looked up in ${route.lookupMs.toFixed(3)} ms`]),
    `  ${route.attempts} ${route.attempts === 1 ? 'attempt' : 'attempts'}, ${failed === 0 ? 'none' : failed} failed`,
    ...route.failures.map(({ phase, because, count }) => `  ${count} in ${phase}: ${printable(because)}`),
    ...(route.statuses === undefined ? [] : [`  answered ${statusesInWords(route.statuses)}`]),
    ...(shown.length === 0
      ? []
      : ['', row(['', 'min', 'median', 'p95', 'max']), ...shown.map((name) => phaseRow(route, name))]),
    ...(total === undefined ? [] : ['', ...bars(total.samples)]),
  ].join('\n');
}

function statusesInWords(statuses: Readonly<Record<string, number>>): string {
  return Object.entries(statuses)
    .map(([status, count]) => `${status} ${count === 1 ? 'once' : `${count} times`}`)
    .join(', ');
}

function phaseRow({ phases }: PingRoute, phase: PingPhase): string {
  const times = phases[phase];
  if (times === undefined) return '';
  const numbers = [times.min, times.median, times.p95, times.max].map((ms) => ms.toFixed(3));
  return `${row([phase, ...numbers])} ms`;
}

function row([name = '', ...cells]: readonly string[]): string {
  return `  ${name.padEnd(8)}${cells.map((cell) => cell.padStart(11)).join('')}`;
}

const barWidth = 40;

/** One line a bucket: from when to when, a bar, how many. */
function bars(samples: readonly number[]): string[] {
  const buckets = histogram(samples);
  const most = Math.max(...buckets.map(({ count }) => count));
  return buckets.map(({ from, to, count }, at) => {
    const bar = '█'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * barWidth)));
    const name = (at === 0 ? 'total' : '').padEnd(8);
    const range = `${from.toFixed(3).padStart(9)} – ${to.toFixed(3).padStart(10)} ms`;
    return `  ${name}${range}  ${bar}${bar === '' ? '' : ' '}${count}`;
  });
}
