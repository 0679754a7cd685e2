// Why an installation did not come about, from what a program or the disk has answered.
import type { Ran } from '../run-program.ts';
import type { NotDone } from './ports.ts';

/** What a program answered that did not do its work; nothing where it did. */
export function failureOf(command: string, ran: Ran): string | undefined {
  if (ran.kind !== 'ended') return `\`${command}\` failed: ${ran.because}`;
  if (ran.code === 0) return undefined;
  const said = (ran.stderr.trim() || ran.stdout.trim()).replaceAll(/\s*\n\s*/g, ' · ').replace(/\.$/, '');
  return `\`${command}\` failed with ${ran.code}${said === '' ? '' : `: ${said}`}`;
}

/** What is answered where permission lacks, by the words of the systems. */
export function isPermission(because: string): boolean {
  return /permission denied|access denied|access is denied|not permitted|operation not allowed|EACCES|EPERM|EROFS/i.test(
    because,
  );
}

export function failed(because: string, left: readonly string[] = []): NotDone {
  return { kind: 'not-done', what: isPermission(because) ? 'permission' : 'failed', because, left };
}

/** Does a thing of the disk; gives the failure as a sentence. */
export function attempted(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** A unit of our name that is not ours. */
export function foreign(unit: string, because = 'it was not made by edgehop'): NotDone {
  return {
    kind: 'not-done',
    what: 'foreign',
    because: `${unit} is left as it is: ${because}`,
    advice: 'Remove or rename it yourself, and try again.',
    left: [],
  };
}
