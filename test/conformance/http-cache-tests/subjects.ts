// The caches that the suite is run against, each started as its owner would start it, on loopback.
import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { version } from '../../../agent/version.ts';
import { freePort, untilAnswered } from '../../../bench/probe.ts';
import { type Running, searchEnvironment, startProcess } from '../../../bench/process.ts';

export const subjectNames = ['none', 'squid', 'both', 'agent', 'edge', 'socket'] as const;

export type SubjectName = (typeof subjectNames)[number];

/** Whether it is a mode of edgehop. */
export function isOurs(name: SubjectName): name is Exclude<SubjectName, 'none' | 'squid'> {
  return name !== 'none' && name !== 'squid';
}

/** As the page calls them. */
export const titles: Readonly<Record<SubjectName, string>> = {
  none: 'no cache',
  squid: 'Squid',
  both: 'edgehop',
  agent: 'agent alone',
  edge: 'edge alone',
  socket: 'edge by socket',
};

/** How each was set up, for the page. */
export const conditions: Readonly<Record<SubjectName, string>> = {
  none: 'the origin asked without a proxy',
  squid: "Debian's package as a forward proxy with its defaults, memory only",
  both: '`"cache": { "edge": "on" }`: agent and embedded edge cache',
  agent: '`--edge none`: the agent caches, and asks the origin itself',
  edge: '`"cache": { "agent": false }`: only the embedded edge caches, and asks by `fetch`',
  socket: 'the same with `"edge": { "upstream": "socket" }`: it asks by connections of its own',
};

export interface Subject extends AsyncDisposable {
  readonly version: string;
  /** Of 127.0.0.1; none for the origin itself. */
  readonly proxyPort?: number;
  /** Whether it still runs. */
  readonly isRunning: () => boolean;
}

interface EdgehopMode {
  /** Of the configuration file, beside what is the same in all of them. */
  readonly config: object;
  readonly args: readonly string[];
}

const modes: Readonly<Record<Exclude<SubjectName, 'none' | 'squid'>, EdgehopMode>> = {
  both: { config: { cache: { edge: 'on' } }, args: ['--edge', 'embedded'] },
  agent: { config: {}, args: ['--edge', 'none'] },
  edge: { config: { cache: { agent: false } }, args: ['--edge', 'embedded'] },
  socket: { config: { cache: { agent: false }, edge: { upstream: 'socket' } }, args: ['--edge', 'embedded'] },
};

const command = fileURLToPath(new URL('../../../bin/edgehop.js', import.meta.url));
const pollMs = 50;

export async function startSubject(name: SubjectName, scratch: string, signal: AbortSignal): Promise<Subject> {
  if (name === 'none') {
    return { version: '', isRunning: () => true, [Symbol.asyncDispose]: async () => undefined };
  }
  const home = await mkdtemp(join(scratch, `${name}-`));
  return isOurs(name) ? startEdgehop(modes[name], home, signal) : startSquid(home, signal);
}

async function startSquid(home: string, signal: AbortSignal): Promise<Subject> {
  const port = await freePort();
  const file = join(home, 'squid.conf');
  const lines = [
    `http_port 127.0.0.1:${port}`,
    'acl loopback src 127.0.0.1',
    'http_access allow loopback',
    'http_access deny all',
    'access_log none',
    'cache_log /dev/null',
    'pid_filename none',
    'pinger_enable off',
    'visible_hostname edgehop-conformance',
    'shutdown_lifetime 0 seconds',
    'max_filedescriptors 4096',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const version = await squidVersion(signal);
  const running = await startProcess({ file: 'squid', args: ['-N', '-f', file], cwd: home });
  const asked = { port, method: 'GET', target: '/', fields: {} } as const;
  await untilAnswered(asked, ({ status }) => status > 0, { running, pollMs, signal });
  return subject(running, version, port);
}

async function squidVersion(signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('squid', ['-v'], { env: searchEnvironment(), signal });
    return /Version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
  } catch (cause) {
    throw new Error("squid does not start: install Debian's package squid, or leave it out with --only", { cause });
  }
}

async function startEdgehop({ config, args }: EdgehopMode, home: string, signal: AbortSignal): Promise<Subject> {
  const [port, controlPort] = [await freePort(), await freePort()];
  const file = join(home, 'edgehop.jsonc');
  await writeFile(file, JSON.stringify({ parents: { use: 'none' }, ...config }));
  const ports = ['--port', String(port), '--control-port', String(controlPort)];
  const running = await startProcess({
    file: process.execPath,
    args: [command, 'start', '--config', file, '--log', 'quiet', '--allow-private', ...ports, ...args],
    cwd: home,
    env: { ...process.env, EDGEHOP_HOME: home },
    channel: true,
  });
  const ready = { port: controlPort, method: 'GET', target: '/ready', fields: {} } as const;
  await untilAnswered(ready, ({ status }) => status === 200, { running, pollMs, signal });
  return subject(running, version(), port);
}

function subject(running: Running, version: string, proxyPort: number): Subject {
  const { child } = running;
  return {
    version,
    proxyPort,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    [Symbol.asyncDispose]: running[Symbol.asyncDispose],
  };
}
