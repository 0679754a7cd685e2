// Starts a child process, notes what it complains about, and ends it by its id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** An open file for its stdout, which is otherwise thrown away. */
  readonly stdout?: number;
  /** A channel by which it tells things and notices when this process has gone. */
  readonly channel?: boolean;
}

export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves with how it ended and the last that it said on stderr. */
  readonly ended: Promise<string>;
}

export interface Script<Message> {
  readonly running: Running;
  /** The first that it told. */
  readonly message: Message;
}

const toldTimeoutMs = 60_000;
const endTimeoutMs = 15_000;
const maxComplaintOctets = 2_000;

/** Runs a command in the background. Rejects with the system's error, ENOENT when there is no such file. */
export async function startProcess({ file, args, cwd, env, stdout, channel }: Command): Promise<Running> {
  const child = spawn(file, args, {
    cwd,
    env: env ?? searchEnvironment(),
    stdio: ['ignore', stdout ?? 'ignore', 'pipe', ...(channel === true ? ['ipc' as const] : [])],
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-maxComplaintOctets);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(`${signal ?? `exit code ${code}`}. ${complaint}`.trim()));
  });
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return { child, ended, [Symbol.asyncDispose]: () => end(child, ended) };
}

/** Runs a script beside this file until it tells where it listens. It ends when this process does. */
export async function startScript<Message>(
  script: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
): Promise<Script<Message>> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const running = await startProcess({ file: process.execPath, args: [file, ...args], cwd, channel: true });
  try {
    return { running, message: await told<Message>(running, signal) };
  } catch (cause) {
    await running[Symbol.asyncDispose]();
    throw cause;
  }
}

/** The next message of a script. Throws when it ends instead, says nothing for long, or all is to stop. */
export async function told<Message>({ child, ended }: Running, signal: AbortSignal): Promise<Message> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(toldTimeoutMs)]);
  const end = ended.then((how) => {
    throw new Error(`a child process ended: ${how}`);
  });
  const [message] = await Promise.race([once(child, 'message', { signal: deadline }), end]);
  return message as Message;
}

/** What a process has in memory, as Linux counts it. */
export async function residentKilobytes(processId: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${processId}/status`, 'utf8'))?.[1]);
}

/** Debian keeps Squid where only the administrator's shells look. */
export function searchEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
}

/** SIGTERM, and SIGKILL to who does not heed it. */
async function end(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
  await ended;
  clearTimeout(timer);
}
