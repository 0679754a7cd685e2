// What the schema cannot see in the section on PAC: what is written as no destination is.
import { parseException } from '../../http/destination.ts';
import type { Config } from '../../schemas/config.ts';

export interface PacMistake {
  readonly path: readonly (string | number)[];
  /** A fragment without its full stop. */
  readonly message: string;
}

export function pacMistakes({ pac }: Pick<Config, 'pac'>): readonly PacMistake[] {
  return pac.direct.flatMap((text, index) => {
    const parsed = parseException(text);
    if (parsed.kind !== 'malformed') return [];
    return [{ path: ['pac', 'direct', index], message: `this is no destination: ${parsed.because}` }];
  });
}
