// Makes changes of settings: command after command, and then tells the programs that run.
import { type Change, type Desktop, failureOf, type Run, type Standing } from './desktop.ts';

export interface Applied {
  /** Why the first command failed that did. */
  readonly failure?: string;
  /** What running programs could not be told by. */
  readonly untold: readonly string[];
}

/**
 * Makes the changes of one desktop, in their order. Never rejects. Whoever sets settings stops where one fails (`all`);
 * whoever restores them goes on, for the rest is worth no less (`each`).
 */
export async function apply(
  desktop: Desktop,
  run: Run,
  changes: readonly Change[],
  standing: readonly Standing[],
  wanted: 'all' | 'each',
  signal?: AbortSignal,
): Promise<Applied> {
  if (changes.length === 0) return { untold: [] };
  let failure: string | undefined;
  for (const command of desktop.commands(changes, standing)) {
    const because = signal?.aborted === true ? 'interrupted' : failureOf(command, await run(command));
    failure ??= because;
    if (failure !== undefined && wanted === 'all') break;
  }
  const untold: string[] = [];
  for (const command of desktop.notify) {
    const because = failureOf(command, await run(command));
    if (because !== undefined) untold.push(because);
  }
  return { untold, ...(failure !== undefined && { failure }) };
}

/** What changes make of a desktop that stands so; settings that it has not are left out. */
export function differing(changes: readonly Change[], standing: readonly Standing[]): readonly Change[] {
  return changes.filter(({ place, name, to }) => {
    const now = standing.find((one) => one.place === place && one.name === name)?.value;
    return now !== undefined && now !== to;
  });
}
