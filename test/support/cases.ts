// The cases of hostile octets and destinations that lie outside the repository, for whoever has them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `EDGEHOP_CASES` names another folder. */
const folder = process.env['EDGEHOP_CASES'] ?? fileURLToPath(new URL('../../../shared/cases', import.meta.url));

export interface FramingCase {
  readonly id: string;
  /** `req`: what a client sends. `res`: what an origin answers. */
  readonly dir: 'req' | 'res';
  readonly expect: 'accept' | 'reject' | 'reject-or-safe' | 'no-desync';
  readonly note: string;
  /** Octets, with `{{ORIGIN}}` and `{{ID}}` to fill in. */
  readonly raw_b64: string;
}

export interface DestinationCase {
  /** A URL, or an authority where the form is `connect`. */
  readonly url: string;
  readonly form?: 'connect';
  readonly expect: 'deny' | 'allow';
  readonly why: string;
  /** What a resolver answers: addresses, or a list of them for each time that it is asked. */
  readonly dns?: readonly (string | readonly string[])[];
}

/** Nothing, with a word on the terminal, where the file is not. */
export function framingCases(): readonly FramingCase[] | undefined {
  return textOf('framing.jsonl')
    ?.trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Nothing, with a word on the terminal, where the file is not. */
export function destinationCases(): readonly DestinationCase[] | undefined {
  const text = textOf('destinations.json');
  return text === undefined ? undefined : JSON.parse(text);
}

function textOf(name: string): string | undefined {
  const path = join(folder, name);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  process.stderr.write(`skipped: the cases of ${path}, which is not there; EDGEHOP_CASES names another folder\n`);
  return undefined;
}
