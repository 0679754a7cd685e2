// Wrangler, the tool that deploys: where it is on this machine, and running it without showing it more than it needs.
import { spawn } from 'node:child_process';
import { accessSync, constants, cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wranglerVersion } from '../version.ts';
import { Exit } from './exit.ts';

/** What is deployed, and the tool that does it. */
export interface Wrangler extends Disposable {
  /** The tool and the first of its arguments. */
  readonly command: readonly string[];
  /** Of wrangler. */
  readonly configuration: string;
  /** The worker's main module. */
  readonly script: string;
  /** Whether the worker is bundled already, as in a package. */
  readonly isBundled: boolean;
  /** A folder for what wrangler leaves; it goes away with this. */
  readonly folder: string;
}

export interface WranglerOptions {
  /** Another program than the wrangler that is found. */
  readonly wrangler?: string;
  /** Another configuration of wrangler than ours. */
  readonly wranglerConfig?: string;
}

/** Finds all that a deployment needs. Ends the verb where something is missing, and says how to get it. */
export function findWrangler(options: WranglerOptions, env: NodeJS.ProcessEnv): Wrangler {
  const command = commandOf(options.wrangler ?? ownWrangler() ?? onPath(env['PATH'] ?? ''));
  const isBundled = !import.meta.url.endsWith('.ts');
  const root = fileURLToPath(new URL(isBundled ? '../../../' : '../../', import.meta.url));
  const script = join(root, isBundled ? 'dist/worker.js' : 'worker/index.ts');
  const named = options.wranglerConfig === undefined ? undefined : resolve(options.wranglerConfig);
  if (named !== undefined && !existsSync(named)) throw new Exit('usage', `there is no file ${named}.`);
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-deploy-'));
  const own = join(root, 'wrangler.toml');
  // Wrangler leaves a folder beside its configuration, which the folder of a package may refuse.
  const configuration = named ?? (isBundled ? join(folder, 'wrangler.toml') : own);
  if (named === undefined && isBundled) cpSync(own, configuration);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { command, configuration, script, isBundled, folder, [Symbol.dispose]: remove };
}

/** Files that may be wrangler, by the folders of PATH; the module of a package before the script that a shell needs. */
export function wranglerCandidates(path: string, platform: NodeJS.Platform): readonly string[] {
  const inPackage = (folder: string) => join(folder, 'wrangler', 'bin', 'wrangler.js');
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => [
      inPackage(dirname(folder)), // node_modules/.bin
      inPackage(join(folder, 'node_modules')), // what npm installs globally on Windows
      ...(platform === 'win32' ? [] : [join(folder, 'wrangler')]),
    ]);
}

function ownWrangler(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin', 'wrangler.js');
  } catch {
    return undefined;
  }
}

function onPath(path: string): string | undefined {
  return wranglerCandidates(path, process.platform).find(isRunnable);
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, file.endsWith('.js') ? constants.R_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** JavaScript is run by the Node that runs this: wrangler refuses older ones, of which the machine may have one. */
function commandOf(file: string | undefined): readonly string[] {
  if (file === undefined) {
    const withIt = `npx --package wrangler@${wranglerVersion()} -- edgehop edge deploy`;
    throw new Exit('failed', `wrangler, which deploys workers, is not on this machine. Run \`${withIt}\`.`);
  }
  if (!existsSync(file)) throw new Exit('usage', `there is no file ${file}.`);
  const path = realpathSync(file);
  return /\.[cm]?js$/.test(path) ? [process.execPath, path] : [path];
}

export interface WranglerRun {
  /** Nothing where a signal ended it. */
  readonly code: number | null;
  /** What it printed on stdout; empty where the terminal has it. */
  readonly stdout: string;
  readonly stderr: string;
  /** What it wrote for programs. */
  readonly records: string;
}

/**
 * Runs it. With `input` it gets that on stdin and its output is kept; without, it has the terminal, and prints on stderr.
 * Rejects where it does not start, and with `signal`'s reason once that has ended it.
 */
export async function runWrangler(
  { command, configuration, folder }: Wrangler,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { input, signal }: { readonly input?: string; readonly signal: AbortSignal },
): Promise<WranglerRun> {
  const output = join(mkdtempSync(join(folder, 'run-')), 'output.ndjson');
  const [file = '', ...before] = command;
  const child = spawn(file, [...before, ...args], {
    cwd: dirname(configuration),
    env: wranglerEnvironment(env, output),
    stdio: input === undefined ? ['inherit', 2, 2] : 'pipe',
    signal,
  });
  const [stdout, stderr] = [kept(child.stdout), kept(child.stderr)];
  child.stdin?.on('error', () => undefined).end(input); // it may end without having read
  const code = await new Promise<number | null>((done, fail) => {
    child.on('close', done).on('error', fail);
  });
  signal.throwIfAborted();
  return { code, stdout: stdout(), stderr: stderr(), records: existsSync(output) ? readFileSync(output, 'utf8') : '' };
}

/** Nothing of ours, no telemetry unless the user wants it, and nothing of what is sent in wrangler's log of debugging. */
export function wranglerEnvironment(env: NodeJS.ProcessEnv, outputPath: string): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith('EDGEHOP_'));
  return {
    WRANGLER_SEND_METRICS: 'false',
    ...Object.fromEntries(others),
    WRANGLER_LOG_SANITIZE: 'true',
    WRANGLER_OUTPUT_FILE_PATH: outputPath,
  };
}

const maxKeptCharacters = 1024 * 1024;

function kept(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (part: string) => {
    if (text.length < maxKeptCharacters) text += part;
  });
  return () => text;
}
