// That the worker deploys: wrangler builds it from wrangler.toml, and serves it with nothing but a token.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compatibilityDate } from '../agent/edge/runtime.ts';
import { hello } from '../schemas/api.ts';
import { call, testToken } from './support/edge.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const wrangler = fileURLToPath(new URL('../node_modules/wrangler/bin/wrangler.js', import.meta.url));
const maxGzipBytes = 1024 * 1024;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgehop-wrangler-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Nothing of the user's own login or telemetry, and no question asked. */
const environment = () => ({
  PATH: process.env['PATH'],
  HOME: folder,
  XDG_CONFIG_HOME: folder,
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_LOG_PATH: folder,
});

test('the date of wrangler.toml is the date that the embedded edge runs with', async () => {
  const toml = await readFile(join(root, 'wrangler.toml'), 'utf8');
  expect(/^compatibility_date = "([^"]*)"$/m.exec(toml)?.[1]).toBe(compatibilityDate);
});

test('the worker builds for a deployment, small enough, and with no binding that has to be made first', async () => {
  const outdir = join(folder, 'built');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--outdir', outdir],
    { cwd: root, env: environment() },
  );
  expect(stdout.match(/^env\.\w+/gm)).toEqual(['env.IMAGES']);
  expect(stdout).toContain('--dry-run: exiting now.');
  expect(await readdir(outdir)).toContain('index.js');
  expect((await stat(join(outdir, 'index.js'))).size).toBeLessThan(maxGzipBytes); // before gzip even
});

describe('wrangler dev', () => {
  let child: ChildProcess;
  let origin: string;
  beforeAll(async () => {
    const secret = ['--var', `EDGEHOP_TOKENS:tests=${testToken}`];
    const ports = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'];
    const folders = ['--persist-to', join(folder, 'state')];
    child = spawn(process.execPath, [wrangler, 'dev', ...ports, ...secret, ...folders], {
      cwd: root,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    origin = await readyAt(child);
  });
  afterAll(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGINT');
    await once(child, 'exit');
  });

  test('serves hello to the token', async () => {
    const reply = await call(`${origin}/v1/hello`, { fields: { authorization: `Bearer ${testToken}` } });
    expect(reply.status).toBe(200);
    expect(hello.parse(JSON.parse(reply.content.toString()))).toMatchObject({ version: 1, tunnels: false });
  });

  test('serves nobody else', async () => {
    expect((await call(`${origin}/v1/hello`)).status).toBe(401);
  });
});

/** The origin at which wrangler says it is ready. Rejects with all it has said when it ends before. */
async function readyAt({ stdout, stderr }: ChildProcess): Promise<string> {
  if (stdout === null || stderr === null) throw new Error('wrangler has no output');
  const said: string[] = [];
  createInterface({ input: stderr }).on('line', (line) => said.push(line));
  for await (const line of createInterface({ input: stdout })) {
    said.push(line);
    const ready = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (ready === undefined) continue;
    stdout.resume();
    return ready;
  }
  throw new Error(said.join('\n'));
}
