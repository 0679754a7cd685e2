// What the command line of the bench asks for.
import { parseArgs } from 'node:util';
import { type TargetName, targetNames } from './target.ts';

export interface Options {
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  readonly only: readonly TargetName[];
  readonly json: boolean;
}

export type Parsed =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'usage'; readonly because: string };

/** How it is called. */
export const usage = `npm run bench -- [--rounds 5] [--seconds 3] [--only NAME,...] [--json]
names: ${targetNames.join(', ')}`;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        only: { type: 'string', default: targetNames.join(',') },
        json: { type: 'boolean', default: false },
      },
    });
    const options = {
      rounds: count('rounds', values.rounds),
      seconds: count('seconds', values.seconds),
      only: names(values.only),
      json: values.json,
    };
    return { kind: 'options', options };
  } catch (cause) {
    return { kind: 'usage', because: cause instanceof Error ? cause.message : String(cause) };
  }
}

function count(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`--${name} takes a whole number from 1 to 9999, not "${text}"`);
  return Number(text);
}

/** In the order in which they are always measured. */
function names(text: string): readonly TargetName[] {
  const named = text.split(',').map((name) => name.trim());
  const unknown = named.find((name) => !targetNames.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`there is no target "${unknown}"`);
  return targetNames.filter((name) => named.includes(name));
}
