// The command as a person runs it: a process of its own, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AgentState, agentState } from '../../schemas/api.ts';

const command = fileURLToPath(new URL('../../bin/edgehop.js', import.meta.url));

/** A folder that is working directory, configuration and state of the commands that run in it. */
export interface Home extends Disposable {
  readonly path: string;
  /** Writes a file there and gives its path. */
  write(name: string, text: string): string;
  read(name: string): Buffer;
  /** Runs a verb to its end. */
  run(args: readonly string[], input?: string): Promise<Result>;
  /** Starts an agent and waits until it listens. Ports are chosen by the system. */
  start(...args: string[]): Promise<RunningAgent>;
  /** Starts another verb that goes on until it is told to end. */
  begin(...args: string[]): RunningVerb;
}

export interface Result {
  /** Of the process; the signal's name where that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningVerb extends AsyncDisposable {
  signal(signal: NodeJS.Signals): void;
  /** Resolves when this has been printed on stderr, with all that was printed there until then. */
  says(text: string): Promise<string>;
  readonly ended: Promise<Result>;
}

export interface RunningAgent extends RunningVerb {
  readonly state: AgentState;
  readonly port: number;
}

export interface HomeOptions {
  /** The most file descriptors that a command may have open at once; the system's own limit when it is not given. */
  readonly maxOpenFiles?: number;
  /** A program that runs the command, with its arguments. */
  readonly before?: readonly string[];
}

/** Makes an empty folder, which goes away with all that is in it. */
export function makeHome(
  env: Readonly<Record<string, string>> = {},
  { maxOpenFiles, before = [] }: HomeOptions = {},
): Home {
  const path = mkdtempSync(join(tmpdir(), 'edgehop-'));
  const spawned = (args: readonly string[]) => {
    const own = [...before, process.execPath, command, ...args];
    const limited = ['sh', '-c', `ulimit -n ${maxOpenFiles} && exec "$@"`, 'sh', ...own];
    const [file = '', ...rest] = maxOpenFiles === undefined ? own : limited;
    const child = spawn(file, rest, {
      cwd: path,
      env: { ...withoutProxies(process.env), EDGEHOP_HOME: path, NO_COLOR: '1', ...env },
    });
    // A test that is out of time never comes to its end, and its agent would stay.
    const end = () => void child.kill('SIGTERM');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    return child;
  };
  return {
    path,
    write: (name, text) => {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    read: (name) => readFileSync(join(path, name)),
    run: (args, input = '') => {
      const child = spawned(args);
      child.stdin.end(input);
      return follow(child).ended;
    },
    start: async (...args) => {
      const child = spawned(['start', '--port', '0', '--control-port', '0', ...args]);
      const followed = follow(child);
      const listens = followed.says('configured by').then(() => true);
      if (!(await Promise.race([listens, followed.ended.then(() => false)])))
        throw new Error(`the agent ended: ${(await followed.ended).stderr}`);
      const state = stateOf(join(path, 'state'), child.pid as number);
      return {
        state,
        port: state.port,
        signal: (signal) => void child.kill(signal),
        says: followed.says,
        ended: followed.ended,
        [Symbol.asyncDispose]: async () => {
          child.kill('SIGTERM');
          const impatience = setTimeout(() => killAll(child, state.edgePid), stopTimeoutMs);
          await followed.ended;
          clearTimeout(impatience);
        },
      };
    },
    begin: (...args) => {
      const child = spawned(args);
      const { says, ended } = follow(child);
      return {
        signal: (signal) => void child.kill(signal),
        says,
        ended,
        [Symbol.asyncDispose]: async () => {
          child.kill('SIGKILL');
          await ended;
        },
      };
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Whoever runs the tests may be behind a proxy, which is no part of them. */
function withoutProxies(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/_proxy$/i.test(name)));
}

const stopTimeoutMs = 5_000;

function killAll(child: ChildProcess, edgePid: number | undefined): void {
  child.kill('SIGKILL');
  try {
    if (edgePid !== undefined) process.kill(edgePid, 'SIGKILL');
  } catch (_ended) {
    // The agent had ended it, and hangs in something else.
  }
}

/** Keeps what a process prints, and tells when it has ended and its pipes are empty. */
function follow(child: ChildProcess) {
  let [stdout, stderr] = ['', ''];
  const listeners = new Set<() => void>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  child.stdin?.on('error', () => undefined);
  const ended = once(child, 'close').then(([code, signal]): Result => ({ code: code ?? signal, stdout, stderr }));
  const says = (text: string) =>
    new Promise<string>((resolve) => {
      const check = () => {
        if (stderr.includes(text)) resolve(stderr);
      };
      listeners.add(check);
      check();
    });
  return { ended, says };
}

function stateOf(folder: string, pid: number): AgentState {
  for (const name of readdirSync(folder)) {
    const state = agentState.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')));
    if (state.pid === pid) return state;
  }
  throw new Error('the agent left no note of its state');
}
