// The token of an edge as a verb is given it: never as an argument, which every user of the machine could read.
import { createInterface } from 'node:readline/promises';
import { Exit } from './exit.ts';

export interface TokenOptions {
  readonly tokenStdin?: boolean;
}

/** By stdin where that is asked for, else by EDGEHOP_TOKEN, else asked for in a terminal, which shows nothing of it. */
export async function givenToken({ tokenStdin }: TokenOptions, env: NodeJS.ProcessEnv, edge: string): Promise<string> {
  if (tokenStdin === true) {
    for await (const line of createInterface({ input: process.stdin })) return line.trim();
    throw new Exit('usage', 'the token is the first line of stdin, and there is none.');
  }
  const given = env['EDGEHOP_TOKEN'];
  if (given !== undefined && given !== '') return given;
  if (process.stdin.isTTY !== true)
    throw new Exit('usage', 'there is no terminal to ask for the token: give it by --token-stdin or EDGEHOP_TOKEN.');
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message: `Token of ${edge} (nothing is shown)`, mask: '', output: process.stderr });
  if (isCancel(answer)) throw new Exit('interrupted', 'nothing was stored.');
  return (answer ?? '').trim();
}
