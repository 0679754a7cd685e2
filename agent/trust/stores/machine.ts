// The machine whose stores are changed: its commands and files.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { programRunner, type Ran } from '../../machine/run-program.ts';

export interface Machine {
  readonly platform: string;
  /** The person's folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The Node that runs us. */
  readonly node: string;
  /** Runs a command without input to its end. */
  run(command: string, ...args: readonly string[]): Promise<Ran>;
  /** Nothing where there is no such file or it may not be read. */
  read(path: string): string | undefined;
  /** Throws what the system says. */
  write(path: string, text: string): void;
  /** What is not there is no failure. Throws what the system says. */
  remove(path: string): void;
  /** Names in a folder; none where there is no such folder. */
  list(path: string): readonly string[];
  /** With all that is in it. Throws what the system says. */
  removeFolder(path: string): void;
  /** For its owner, with those above it. Throws what the system says. */
  makeFolder(path: string): void;
  /** In the place of what is there. Throws what the system says. */
  rename(from: string, to: string): void;
  /** Where a path leads over symbolic links; nothing where there is nothing. */
  realPath(path: string): string | undefined;
  /** Another one when a file has changed. */
  stamp(path: string): string | undefined;
  /** The permissions of a file or folder, where it is there. */
  mode(path: string): number | undefined;
}

/** A person may have to answer a window of the system, who wants to know whether this is wanted. */
const commandTimeoutMs = 120_000;

/** The machine that we run on. */
export function thisMachine(env: NodeJS.ProcessEnv): Machine {
  const run = programRunner(env);
  return {
    platform: process.platform,
    home: homedir(),
    env,
    node: process.execPath,
    run: (command, ...args) => run(command, args, { timeoutMs: commandTimeoutMs }),
    read: (path) => orNothing(() => readFileSync(path, 'utf8')),
    write: (path, text) => writeFileSync(path, text, { mode: 0o644 }),
    remove: (path) => rmSync(path, { force: true }),
    list: (path) => orNothing(() => readdirSync(path)) ?? [],
    removeFolder: (path) => rmSync(path, { recursive: true, force: true }),
    makeFolder: (path) => mkdirSync(path, { recursive: true, mode: 0o700 }),
    rename: renameSync,
    realPath: (path) => orNothing(() => realpathSync(path)),
    stamp: (path) => orNothing(() => `${statSync(path).size}-${statSync(path).mtimeMs}`),
    mode: (path) => orNothing(() => statSync(path).mode & 0o7777),
  };
}

function orNothing<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
