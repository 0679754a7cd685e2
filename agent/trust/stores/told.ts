// What stores say alike of commands that failed, and the handshake that they are proved by.
import type { StoreProblem, TrustProof } from '../../../schemas/trust.ts';
import type { Ran } from '../../machine/run-program.ts';

/** Shakes hands with the server at this port of loopback as a client that trusts these certificates (PEM) and no others. */
export type Handshake = (port: number, trusted: string) => Promise<Pick<TrustProof, 'result' | 'because'>>;

/** What to say of a command that did not do what it should; nothing where it did. */
export function failureOf(program: string, ran: Ran): StoreProblem | undefined {
  if (ran.kind === 'absent') return { kind: 'tool-missing', because: `there is no ${program} on this machine` };
  if (ran.kind === 'cut') return { kind: 'failed', because: `${program} was broken off: ${ran.because}` };
  if (ran.code === 0) return undefined;
  return { kind: 'failed', because: `${program} ended with ${ran.code}: ${lastLine(ran.stderr, ran.stdout)}` };
}

const maxSaidCharacters = 300;

/** Programs say last what went wrong. */
function lastLine(...texts: readonly string[]): string {
  for (const text of texts) {
    const line = text.trim().split(/\r?\n/).at(-1);
    if (line !== undefined && line !== '') return line.slice(0, maxSaidCharacters);
  }
  return 'it said nothing';
}
