// `edgehop service run`: what the scheduled task of Windows runs. It starts the agent, starts it again when it fails, and keeps its log.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launcherPath } from '../machine/launcher.ts';
import { type AgentEnd, keepRunning, keptAgentName, logName } from '../machine/service/keep.ts';
import { Exit, exitCodes } from './exit.ts';
import { onAskedToEnd } from './signals.ts';

export interface RunOptions {
  /** Folder of the log. */
  readonly logs: string;
  /** `NAME=VALUE`. */
  readonly set?: readonly string[];
}

/** At this size the log becomes `edgehop.log.1`, in the place of the one before it. */
const maxLogBytes = 10 * 1024 * 1024;

/** Resolves when the agent has ended for good, or this was told to end. */
export async function serviceRun(args: readonly string[], options: RunOptions, env: NodeJS.ProcessEnv): Promise<void> {
  mkdirSync(options.logs, { recursive: true, mode: 0o700 });
  const log = logFile(join(options.logs, logName));
  const note = join(options.logs, keptAgentName);
  const environment = { ...env, ...Object.fromEntries((options.set ?? []).map(variable)) };
  const asked = new AbortController();
  onAskedToEnd(() => asked.abort());
  const end = await keepRunning({
    start: () => agentOnce(args, environment, { log, note, asked: asked.signal }),
    pause: (ms) => pause(ms, asked.signal),
    say: (sentence) => log(`${new Date().toISOString()} edgehop service: ${sentence}\n`),
    isAskedToEnd: () => asked.signal.aborted,
  });
  process.exitCode = typeof end === 'number' ? end : exitCodes.failed;
}

interface Surroundings {
  readonly log: (text: string | Uint8Array) => void;
  /** Path of the note that tells of the agent. */
  readonly note: string;
  readonly asked: AbortSignal;
}

/** By the ipc channel the agent notices when this process is killed, and ends. */
function agentOnce(args: readonly string[], env: NodeJS.ProcessEnv, around: Surroundings): Promise<AgentEnd> {
  const { log, note, asked } = around;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [launcherPath(), 'start', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      windowsHide: true,
    });
    const disconnect = () => {
      if (child.connected) child.disconnect();
      // While it starts, it does not listen to that yet. On Windows a signal would cut what goes on.
      if (process.platform !== 'win32') child.kill('SIGTERM');
    };
    asked.addEventListener('abort', disconnect, { once: true });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (octets: Buffer) => log(octets));
    if (child.pid !== undefined)
      writeFileSync(note, JSON.stringify({ pid: child.pid, startedAt: new Date().toISOString() }));
    const ended = (end: AgentEnd) => {
      asked.removeEventListener('abort', disconnect);
      rmSync(note, { force: true });
      resolve(end);
    };
    child.once('error', (cause) => ended(`the message "${cause.message}"`));
    // Not `close`: an edge that outlives its agent may hold the pipes.
    child.once('exit', (code, signal) => ended(code ?? signal ?? 'an unknown status'));
  });
}

function logFile(path: string): (text: string | Uint8Array) => void {
  let octets = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return (text) => {
    try {
      if (octets > maxLogBytes) {
        renameSync(path, `${path}.1`);
        octets = 0;
      }
      appendFileSync(path, text, { mode: 0o600 });
      octets += text.length;
    } catch {
      // A full disk is no reason to end the agent.
    }
  };
}

function variable(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Exit('usage', `--set is NAME=VALUE, not "${text}".`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function pause(ms: number, asked: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (asked.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    asked.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
