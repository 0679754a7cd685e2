// What `edgehop doctor` says, for people: every finding in a line, and those that failed once more with what to do.
import { styleText } from 'node:util';
import type { Finding } from '../../schemas/doctor.ts';
import { printable } from '../log/words.ts';

/** The findings as text. */
export function doctorInWords(findings: readonly Finding[], hasColour: boolean): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length));
  const line = (finding: Finding) =>
    [
      `${label(finding.outcome, hasColour)}  ${printable(finding.name).padEnd(width)}  ${indented(finding.because, width)}`,
      ...(finding.outcome === 'skip' && finding.action !== undefined
        ? [`      ${' '.repeat(width)}  → ${indented(finding.action, width)}`]
        : []),
    ].join('\n');
  return [findings.map(line).join('\n'), '', ending(findings, hasColour)].join('\n');
}

/** The sum, and what is to be done. */
function ending(findings: readonly Finding[], hasColour: boolean): string {
  const count = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length;
  const sum = `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped.`;
  const failed = findings.flatMap((finding) =>
    finding.outcome === 'fail'
      ? [
          `${label('fail', hasColour)}  ${printable(finding.name)}: ${indented(finding.because, 0)}`,
          `      → ${indented(finding.action, 0)}`,
        ]
      : [],
  );
  return [sum, ...(failed.length === 0 ? [] : ['', ...failed])].join('\n');
}

function label(outcome: Finding['outcome'], hasColour: boolean): string {
  const text = outcome.toUpperCase();
  return hasColour ? styleText(colours[outcome], text, { validateStream: false }) : text;
}

const colours = { pass: 'green', fail: 'red', skip: 'yellow' } as const;

/** Mistakes of a configuration are a line each. */
function indented(text: string, width: number): string {
  return text
    .split('\n')
    .map(printable)
    .join(`\n      ${' '.repeat(width)}  `);
}
