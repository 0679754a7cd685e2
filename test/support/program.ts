// Another program of this machine, run to its end.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export interface Ran {
  /** Of the process; nothing when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  /** The working directory. */
  readonly folder?: string;
  /** Added to the environment, in which nothing else names a proxy. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Whether a program is installed; says so on the terminal when it is not. */
export function isInstalled(program: string, ...args: readonly string[]): boolean {
  const found = spawnSync(program, args.length === 0 ? ['--version'] : args).error === undefined;
  if (!found) process.stderr.write(`skipped: ${program} is not installed\n`);
  return found;
}

/** Runs a program that needs no input, with an environment that names no proxy. */
export function run(program: string, ...args: readonly string[]): Promise<Ran> {
  return runIn({}, program, ...args);
}

/** The same in other surroundings. */
export async function runIn(
  { folder, environment }: Surroundings,
  program: string,
  ...args: readonly string[]
): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !/_?proxy$/i.test(name));
  const env = { ...Object.fromEntries(inherited), ...environment };
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(folder !== undefined && { cwd: folder }),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
