// Starts the peers with the least configuration that lets them compete: no log, no cache, loopback only.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, untilAnswered } from './probe.ts';
import { type Running, searchEnvironment, startProcess, startScript } from './process.ts';
import { isContent, proxied, type StartPorts, type Target, type TargetName } from './target.ts';

export type PeerName = Extract<TargetName, 'squid' | 'squid-log' | 'tinyproxy' | 'mitmproxy' | 'proxy-chain'>;

export type StartedPeer =
  | { readonly kind: 'started'; readonly target: Target }
  | { readonly kind: 'skipped'; readonly because: string };

interface Program {
  readonly file: string;
  readonly debianPackage: string;
  readonly versionOption: string;
  readonly version: RegExp;
  /** The file that it reads, if any. */
  readonly config?: (port: number, folder: string) => readonly string[];
  /** The log that it writes, by its name in the folder. */
  readonly log?: string;
  readonly closesUnannounced?: boolean;
  readonly args: (port: number, folder: string, config: string) => readonly string[];
}

const pollMs = 50;
const versionTimeoutMs = 30_000;

const programs: Readonly<Record<Exclude<PeerName, 'proxy-chain'>, Program>> = {
  squid: squid(() => ['cache deny all', 'access_log none']),
  'squid-log': {
    ...squid((folder) => [`access_log stdio:${folder}/access.log squid`]),
    log: 'access.log',
  },
  tinyproxy: {
    file: 'tinyproxy',
    debianPackage: 'tinyproxy-bin',
    versionOption: '-v',
    version: /tinyproxy (\S+)/,
    config: (port, folder) => [
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Allow 127.0.0.1',
      'MaxClients 200',
      'Timeout 600',
      'Syslog Off',
      `LogFile "${folder}/tinyproxy.log"`,
      'LogLevel Critical',
    ],
    args: (_port, _folder, config) => ['-d', '-c', config],
    closesUnannounced: true,
  },
  mitmproxy: {
    file: 'mitmdump',
    debianPackage: 'mitmproxy',
    versionOption: '--version',
    version: /Mitmproxy: (\S+)/,
    args: (port, folder) => ['-q', '--listen-host', '127.0.0.1', '-p', String(port), '--set', `confdir=${folder}`],
  },
};

/** Starts a peer, or says why it cannot take part. Throws only when everything is to stop. */
export async function startPeer(name: PeerName, ports: StartPorts): Promise<StartedPeer> {
  try {
    return name === 'proxy-chain' ? await startProxyChain(ports) : await startProgram(name, ports);
  } catch (cause) {
    ports.signal.throwIfAborted();
    return skipped(`it does not start: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Starts Squid with a cache in memory only, or says why it cannot take part. */
export function startCachingSquid(memoryBytes: number, ports: StartPorts): Promise<StartedPeer> {
  const mebibytes = memoryBytes / (1024 * 1024);
  const options = [`cache_mem ${mebibytes} MB`, 'maximum_object_size_in_memory 1 MB', 'access_log none'];
  return startProgram(
    'squid',
    ports,
    squid(() => options),
  );
}

/** Starts mitmproxy without verification of origins, or says why it cannot take part. */
export function startInterceptingMitmproxy(ports: StartPorts): Promise<StartedPeer> {
  const { mitmproxy } = programs;
  const args = (...given: Parameters<typeof mitmproxy.args>) => [
    ...mitmproxy.args(...given),
    '--set',
    'ssl_insecure=true',
  ];
  return startProgram('mitmproxy', ports, { ...mitmproxy, args });
}

async function startProgram(
  name: keyof typeof programs,
  { folder, originPort, signal }: StartPorts,
  program: Program = programs[name],
): Promise<StartedPeer> {
  const version = await versionOf(program, signal);
  if (version === undefined) {
    return skipped(`${program.file} is not installed; it is in the Debian package ${program.debianPackage}`);
  }
  const home = await mkdtemp(join(folder, `${name}-`));
  const config = join(home, `${name}.conf`);
  const port = await freePort();
  if (program.config !== undefined) await writeFile(config, `${program.config(port, home).join('\n')}\n`);
  if (program.log !== undefined) await letAnyoneWrite(folder, home, program.log);
  const running = await startProcess({ file: program.file, args: program.args(port, home, config), cwd: home });
  const { closesUnannounced } = program;
  const request = proxied(port, originPort);
  return onceReady(running, { name, version, request, ...(closesUnannounced && { closesUnannounced }) }, signal);
}

/** Squid that is started by root goes on as another user. */
async function letAnyoneWrite(folder: string, home: string, log: string): Promise<void> {
  for (const passed of [folder, home]) await chmod(passed, 0o711);
  await writeFile(join(home, log), '');
  await chmod(join(home, log), 0o666);
}

async function startProxyChain({ folder, originPort, signal }: StartPorts): Promise<StartedPeer> {
  const version = packagedVersion('proxy-chain');
  if (version === undefined) return skipped('it is not installed; `npm ci` installs it');
  const { running, message } = await startScript<{ port: number }>('proxy-chain.ts', [], folder, signal);
  return onceReady(running, { name: 'proxy-chain', version, request: proxied(message.port, originPort) }, signal);
}

async function onceReady(
  running: Running,
  peer: Omit<Target, typeof Symbol.asyncDispose | 'processId'>,
  signal: AbortSignal,
): Promise<StartedPeer> {
  await untilAnswered(peer.request, isContent, { running, pollMs, signal });
  const processId = running.child.pid as number;
  return { kind: 'started', target: { ...peer, processId, [Symbol.asyncDispose]: running[Symbol.asyncDispose] } };
}

/** Undefined when the program is not installed. */
async function versionOf({ file, versionOption, version }: Program, signal: AbortSignal): Promise<string | undefined> {
  try {
    const options = { env: searchEnvironment(), signal, timeout: versionTimeoutMs };
    const { stdout } = await promisify(execFile)(file, [versionOption], options);
    return version.exec(stdout)?.[1] ?? 'of unknown version';
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

function packagedVersion(name: string): string | undefined {
  try {
    const manifest = findPackageJSON(name, import.meta.url);
    return manifest === undefined ? undefined : JSON.parse(readFileSync(manifest, 'utf8')).version;
  } catch {
    return undefined;
  }
}

function skipped(because: string): StartedPeer {
  return { kind: 'skipped', because };
}

function squid(options: (folder: string) => readonly string[]): Program {
  return {
    file: 'squid',
    debianPackage: 'squid',
    versionOption: '-v',
    version: /Version (\S+)/,
    config: (port, folder) => [
      `http_port 127.0.0.1:${port}`,
      'acl loopback src 127.0.0.1',
      'http_access allow loopback',
      'http_access deny all',
      ...options(folder),
      'cache_log /dev/null',
      'pid_filename none',
      'pinger_enable off',
      'visible_hostname edgehop-bench',
      'shutdown_lifetime 0 seconds',
      'max_filedescriptors 16384',
    ],
    // The name keeps the shared memory of several apart.
    args: (port, _folder, config) => ['-N', '-n', `bench${port}`, '-f', config],
  };
}
