// What `edgehop doctor` says, for people: every finding in a line, and those that failed once more with what to do.
import { styleText } from 'node:util';
import type { Finding } from '../../schemas/doctor.ts';
import { printable } from '../log/words.ts';

/** The findings as text. */
export function doctorInWords(findings: readonly Finding[], hasColour: boolean): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length));
  const line = (finding: Finding) =>
    [
      `${label(finding.outcome, hasColour)}  ${printable(finding.name).padEnd(width)}  ${lined(finding.because, ' '.repeat(width + 8))}`,
      ...(finding.outcome === 'skip' && finding.action !== undefined
        ? [`      ${' '.repeat(width)}  → ${printable(finding.action)}`]
        : []),
    ].join('\n');
  return [findings.map(line).join('\n'), '', ending(findings, hasColour)].join('\n');
}

/** The sum, and what is to be done. */
function ending(findings: readonly Finding[], hasColour: boolean): string {
  const count = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length;
  const sum = `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped.`;
  const failed = findings.flatMap((finding) => {
    if (finding.outcome !== 'fail') return [];
    const { name, because, action } = finding;
    const line = `${label('fail', hasColour)}  ${printable(name)}: ${lined(because, margin)}`;
    return [`${line}\n${margin}→ ${printable(action)}`];
  });
  return [sum, ...(failed.length === 0 ? [] : ['', ...failed])].join('\n');
}

/** Below the label. */
const margin = ' '.repeat(6);

function label(outcome: Finding['outcome'], hasColour: boolean): string {
  const text = outcome.toUpperCase();
  return hasColour ? styleText(colours[outcome], text, { validateStream: false }) : text;
}

const colours = { pass: 'green', fail: 'red', skip: 'yellow' } as const;

/** Mistakes of a configuration are a line each. */
function lined(text: string, indent: string): string {
  return text.split('\n').map(printable).join(`\n${indent}`);
}
