// Runs another program of this machine to its end, and tells what it printed; the port by which verbs ask the system.
import { execFile } from 'node:child_process';

export type Ran =
  | { readonly kind: 'ended'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** There is no such program, or nobody may run it. */
  | { readonly kind: 'absent'; readonly because: string }
  /** It took too long, printed too much, or was ended by a signal. */
  | { readonly kind: 'cut'; readonly because: string };

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

export type RunProgram = (program: string, args: readonly string[], options?: RunOptions) => Promise<Ran>;

const defaultTimeoutMs = 30_000;
const maxOutputBytes = 32 * 1024 * 1024;

/** Never rejects. What programs print is English, with times in UTC, wherever they let themselves be told. */
export function programRunner(env: NodeJS.ProcessEnv): RunProgram {
  return (program, args, { input, timeoutMs = defaultTimeoutMs } = {}) =>
    new Promise((resolve) => {
      const options = {
        env: { ...env, LC_ALL: 'C', LANG: 'C', LANGUAGE: 'C', TZ: 'UTC', SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' },
        timeout: timeoutMs,
        maxBuffer: maxOutputBytes,
        killSignal: 'SIGKILL',
        windowsHide: true,
        encoding: 'utf8',
      } as const;
      try {
        const child = execFile(program, args, options, (failure, stdout, stderr) => {
          if (failure === null) resolve({ kind: 'ended', code: 0, stdout, stderr });
          else if (typeof failure.code === 'number') resolve({ kind: 'ended', code: failure.code, stdout, stderr });
          else if (failure.code === 'ENOENT') resolve({ kind: 'absent', because: `${program} was not found` });
          else if (failure.code === 'EACCES') resolve({ kind: 'absent', because: `${program} may not be run` });
          else resolve({ kind: 'cut', because: cutInWords(program, failure, timeoutMs) });
        });
        child.stdin?.on('error', () => undefined); // it may end before it has read all
        child.stdin?.end(input ?? '');
      } catch (cause) {
        resolve({ kind: 'absent', because: (cause as Error).message });
      }
    });
}

function cutInWords(program: string, failure: Error & { readonly killed?: boolean }, timeoutMs: number): string {
  return failure.killed === true
    ? `${program} did not end within ${timeoutMs / 1000} s`
    : `${program} did not come to its end: ${failure.message}`;
}
