// The packed tarball works where nothing of the checkout is: installed in an empty folder, under the machine's own Node.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentState, agentState, getReport } from '../schemas/api.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const installTimeoutMs = 300_000;
const startTimeoutMs = 60_000;
const stopTimeoutMs = 45_000;
const pollMs = 100;

let scratch: string;
let folder: string;
let command: string;
let env: NodeJS.ProcessEnv;
let launcher: ChildProcess | undefined;
let running: AgentState | undefined;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'edgehop-package-'));
  folder = join(scratch, 'installed');
  command = join(folder, 'node_modules/edgehop/bin/edgehop.js');
  env = { ...environmentOutside(), EDGEHOP_HOME: join(scratch, 'home') };
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await run('npm', ['pack', '--pack-destination', scratch], root);
  const tarball = (await readdir(scratch)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack left no tarball');
  await run('npm', ['install', '--prefer-offline', join(scratch, tarball)], folder);
}, installTimeoutMs);

afterAll(async () => {
  if (launcher !== undefined && !hasEnded(launcher)) {
    launcher.kill('SIGKILL');
    await once(launcher, 'exit');
  }
  if (running !== undefined) end(running.pid);
  if (running?.edgePid !== undefined) end(running.edgePid);
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
});

test('the tarball holds what runs, and neither sources nor declarations', async () => {
  const files = await readdir(join(folder, 'node_modules/edgehop'), { recursive: true });
  expect(files).toEqual(
    expect.arrayContaining(['bin/edgehop.js', 'dist/agent/main.ts.js', 'dist/worker.js', 'LICENSE']),
  );
  expect(files.filter((file) => /\.tsx?$|\.tsbuildinfo$/.test(file))).toEqual([]);
});

test('the command starts under the Node of the machine, however old', async () => {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { stdout } = await run('node', [command, '--version'], folder);
  expect(stdout.trim()).toContain(version);
});

test('the worker of the tarball is one that wrangler deploys', async () => {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
  const quiet = { ...env, HOME: scratch, XDG_CONFIG_HOME: scratch, CI: '1', WRANGLER_LOG_PATH: scratch };
  const args = [command, 'edge', 'deploy', '--dry-run', '--wrangler', wrangler];
  const { stdout } = await promisify(execFile)('node', args, { cwd: folder, env: quiet });
  expect(stdout).toBe('The worker builds. Nothing was deployed and nothing stored.\n');
});

test('without wrangler the command says how to bring it', async () => {
  const failing = run('node', [command, 'edge', 'deploy', '--accept-terms'], folder);
  await expect(failing).rejects.toThrow(/npx --package wrangler@\d+\.\d+\.\d+ -- edgehop edge deploy/);
});

/** npx ends on SIGTERM without passing it on beyond its shell, so there the agent itself is told. */
const ways = [
  { name: 'npx edgehop', run: () => ['npx', 'edgehop'], told: (state: AgentState) => state.pid },
  { name: 'the launcher under the old Node', run: () => ['node', command], told: () => launcher?.pid },
] as const;

test.each(ways)(
  'started by $name, an installed edgehop carries an exchange over its embedded edge, and stops when told',
  {
    timeout: startTimeoutMs + stopTimeoutMs + 30_000,
  },
  async (way) => {
    const origin = createServer((_request, response) => response.end('hello from the origin\n'));
    await once(origin.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port: originPort } = origin.address() as AddressInfo;
      running = await start(way.run());

      const url = `http://127.0.0.1:${originPort}/`;
      const { stdout } = await run('npx', ['edgehop', 'get', '--json', url, '--port', String(running.port)], folder);
      const report = getReport.parse(JSON.parse(stdout));
      expect(report.response).toMatchObject({ status: 200, text: 'hello from the origin\n' });
      expect(report.exchange?.route?.kind).toBe('edge');

      expect(await stop(way.told(running))).toEqual({ code: 0, signal: null });
      expect(isAlive(running.pid), 'the agent outlives its launcher').toBe(false);
      running = undefined;
    } finally {
      origin.closeAllConnections();
      origin.close();
    }
  },
);

/** Starts the agent and answers its state once both halves work. */
async function start([program, ...before]: readonly string[]): Promise<AgentState> {
  const talk: string[] = [];
  const options = ['--port', '0', '--control-port', '0', '--allow-private', '--log', 'json'];
  launcher = spawn(program as string, [...before, 'start', ...options], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  launcher.stderr?.setEncoding('utf8').on('data', (text: string) => talk.push(text));
  const deadline = AbortSignal.timeout(startTimeoutMs);
  while (!deadline.aborted) {
    if (hasEnded(launcher)) break;
    running = await stateLeft();
    if (running !== undefined && (await isReady(running))) return running;
    await pause(pollMs);
  }
  throw new Error(`the installed agent is not ready. It said:\n${talk.join('')}`);
}

async function stop(told: number | undefined): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (launcher === undefined || told === undefined) throw new Error('nothing was started');
  const ended = once(launcher, 'exit', { signal: AbortSignal.timeout(stopTimeoutMs) });
  process.kill(told, 'SIGTERM');
  const [code, signal] = await ended;
  return { code, signal };
}

/** What the agent left in its state folder, once that is there and whole. */
async function stateLeft(): Promise<AgentState | undefined> {
  const state = join(scratch, 'home/state');
  try {
    const name = (await readdir(state)).find((file) => /^agent-.*\.json$/.test(file));
    return name === undefined ? undefined : agentState.parse(JSON.parse(await readFile(join(state, name), 'utf8')));
  } catch {
    return undefined;
  }
}

async function isReady({ controlPort }: AgentState): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${controlPort}/ready`, { signal: AbortSignal.timeout(5_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

/** The environment of a shell outside the checkout: without its tools, and without what npm and vitest have added. */
function environmentOutside(): NodeJS.ProcessEnv {
  const added =
    /^(?:npm_(?:lifecycle_|package_|command$|execpath$|node_execpath$|config_local_prefix$)|VITEST|NODE$|NODE_ENV$|NODE_OPTIONS$|INIT_CWD$|TEST$)/;
  const kept = Object.entries(process.env).filter(([name]) => !added.test(name));
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((place) => !/node_modules[\\/]\.bin[\\/]?$/.test(place));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter) };
}

function run(command: string, args: readonly string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(command, args, { cwd, env, maxBuffer: 16 * 1024 * 1024 });
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, as it should.
  }
}
