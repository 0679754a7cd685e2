// What programs of other systems and of administrators have printed, recorded; and a machine on which they print it again.
import { readFileSync } from 'node:fs';
import type { Ran, RunProgram } from '../../agent/machine/run-program.ts';

export function transcript(name: string): string {
  return readFileSync(new URL(`transcripts/${name}.txt`, import.meta.url), 'utf8');
}

export function ended(stdout: string, code = 0, stderr = ''): Ran {
  return { kind: 'ended', code, stdout, stderr };
}

export interface Played {
  readonly run: RunProgram;
  /** The command lines that were run, in their order. */
  readonly lines: readonly string[];
}

/** Answers by the first entry whose name the command line begins with; a program that has none is not installed. */
export function played(answers: Readonly<Record<string, Ran | string | (() => Ran)>>): Played {
  const lines: string[] = [];
  return {
    lines,
    run: async (program, args) => {
      const line = [program.split(/[\\/]/).at(-1), ...args].join(' ');
      lines.push(line);
      const found = Object.entries(answers).find(([name]) => line.startsWith(name))?.[1];
      if (found === undefined) return { kind: 'absent', because: `${program} was not found` };
      return typeof found === 'string' ? ended(found) : typeof found === 'function' ? found() : found;
    },
  };
}
