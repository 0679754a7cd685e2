// `edgehop service install | uninstall | status`: the agent as a service of this user, by the system's own supervisor.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { type ServiceCommand, type ServiceStatus, serviceStatus } from '../../schemas/service.ts';
import { configInEffect } from '../config/in-effect.ts';
import { fileName } from '../config/load.ts';
import type { StartOptions } from '../config/overrides.ts';
import { type Paths, pathsOf } from '../config/paths.ts';
import { launcherPath } from '../machine/launcher.ts';
import { programRunner } from '../machine/run-program.ts';
import { launchdSupervisor } from '../machine/service/launchd.ts';
import type { NotDone, Supervisor, Surroundings } from '../machine/service/ports.ts';
import { systemdSupervisor } from '../machine/service/systemd.ts';
import { taskSupervisor } from '../machine/service/task-scheduler.ts';
import { unitFiles } from '../machine/service/unit-files.ts';
import { Exit } from './exit.ts';
import { runningAgents } from './running-agent.ts';
import { commandOf, unkeptVariables } from './service-command.ts';
import { installedInWords, notDoneInWords, removedInWords, statusInWords } from './service-words.ts';
import { restoreWithoutService } from './system-proxy-left.ts';

/** Installs or updates the service, and tells whether the agent came up. */
export async function install(options: StartOptions, env: NodeJS.ProcessEnv): Promise<void> {
  notBySudo(env);
  if (options.token !== undefined)
    throw new Exit(
      'usage',
      'a token in a command line is there for every user of this machine to see: put the edge with its token into the configuration file (edge.edges), and name it with --edge.',
    );
  const paths = pathsOf(env, process.platform);
  const { command, port } = commandFor(options, env, paths);
  const supervisor = supervisorOf(env);
  await notTaken(port, supervisor, env);
  mkdirSync(paths.state, { recursive: true, mode: 0o700 });
  const installed = await supervisor.install(command);
  if (installed.kind === 'not-done') throw refused(installed);
  for (const name of unkeptVariables(env))
    console.error(
      `edgehop: ${name} is set here, and the service does not see it: put what it says into the configuration file.`,
    );
  for (const note of installed.notes) console.error(`edgehop: ${note}`);
  const status = await settled(supervisor, env);
  console.log(installedInWords(installed, status));
  if (status.state !== 'running' || status.port === undefined)
    throw new Exit(
      'failed',
      `the service is installed, but its agent is not there yet${status.because === undefined ? '' : `: ${status.because}`}. Its log: ${status.logs}. To take the service away: \`edgehop service uninstall\`.`,
    );
}

/** Stops the agent, removes the service, and says what is left. */
export async function uninstall(env: NodeJS.ProcessEnv): Promise<void> {
  notBySudo(env);
  const removed = await supervisorOf(env).uninstall();
  if (removed.kind === 'not-done') throw refused(removed);
  if (removed.kind === 'nothing') console.error(`edgehop: nothing is installed (${removed.unit}).`);
  else console.log(removedInWords(removed, pathsOf(env, process.platform)));
  await restoreWithoutService(pathsOf(env, process.platform).state, env, (words) => console.error(`edgehop: ${words}`));
}

/** Prints whether the service is installed and runs. */
export async function status(options: { readonly json?: boolean }, env: NodeJS.ProcessEnv): Promise<void> {
  const told = await statusOf(supervisorOf(env), env);
  if (options.json === true) console.log(JSON.stringify(serviceStatus.parse(told)));
  else console.log(statusInWords(told));
}

function supervisorOf(env: NodeJS.ProcessEnv): Supervisor {
  const { uid, username } = userInfo();
  const around: Surroundings = {
    run: programRunner(env),
    files: unitFiles,
    pause: (ms) => new Promise((done) => setTimeout(done, ms)),
    user: { id: uid < 0 ? undefined : uid, name: username, home: homedir() },
    env,
  };
  if (process.platform === 'linux') return systemdSupervisor(around);
  if (process.platform === 'darwin') return launchdSupervisor(around);
  if (process.platform === 'win32') return taskSupervisor(around);
  throw new Exit('failed', `edgehop knows no supervisor of ${process.platform}: let yours run \`edgehop start\`.`);
}

function commandFor(options: StartOptions, env: NodeJS.ProcessEnv, paths: Paths): Prepared {
  const here = process.cwd();
  const named = options.config ?? (env['EDGEHOP_CONFIG'] || undefined);
  const given = { ...options, ...(named !== undefined && { config: resolve(here, named) }) };
  const ignored = new Set(unkeptVariables(env));
  const seen = Object.fromEntries(Object.entries(env).filter(([name]) => !ignored.has(name)));
  // As the service will read it: its working directory is the state folder.
  const read = configInEffect(given, seen, paths.state);
  if (read.kind === 'wrong') throw new Exit(read.what, read.because);
  if (named === undefined && read.path !== join(here, fileName) && existsSync(join(here, fileName)))
    console.error(
      `edgehop: the service does not read the ${fileName} of this folder: to let it, add --config ${fileName}.`,
    );
  const command = commandOf(given, {
    node: process.execPath,
    bin: lasting(launcherPath()),
    env,
    paths,
    platform: process.platform,
    home: homedir(),
    drainTimeoutMs: read.config.limits.drainTimeoutMs,
  });
  return { command, port: read.config.listen.port };
}

interface Prepared {
  readonly command: ServiceCommand;
  /** Of the proxy; 0 where the system chooses one. */
  readonly port: number;
}

function lasting(bin: string): string {
  if (/[\\/]_npx[\\/]/.test(bin))
    throw new Exit('usage', 'npx keeps edgehop for a while only: run `npm install --global edgehop`, and then this.');
  return bin;
}

/** Another agent on the port would let the service's fail again and again. */
async function notTaken(port: number, supervisor: Supervisor, env: NodeJS.ProcessEnv): Promise<void> {
  const [other] = port === 0 ? [] : runningAgents(port, env);
  if (other === undefined || other.pid === (await supervisor.status()).pid) return;
  throw new Exit('failed', `an agent runs on port ${port} already (process ${other.pid}): end it, and try again.`);
}

const maxSettleAttempts = 75;
const settlePauseMs = 200;

/** Once the agent has left its note, or has failed, or has taken too long for either. */
async function settled(supervisor: Supervisor, env: NodeJS.ProcessEnv): Promise<ServiceStatus> {
  let told = await statusOf(supervisor, env);
  for (let attempt = 0; attempt < maxSettleAttempts; attempt++) {
    const hasSettled = (told.state === 'running' && told.port !== undefined) || told.state === 'failed';
    if (hasSettled || (told.state === 'waiting' && told.because?.includes('tried again'))) return told;
    await new Promise((resolved) => setTimeout(resolved, settlePauseMs));
    told = await statusOf(supervisor, env);
  }
  return told;
}

async function statusOf(supervisor: Supervisor, env: NodeJS.ProcessEnv): Promise<ServiceStatus> {
  const told = await supervisor.status();
  const agents = runningAgents(undefined, { ...env, ...told.command?.environment });
  const port = told.pid === undefined ? undefined : agents.find(({ pid }) => pid === told.pid)?.port;
  return { ...told, ...(port !== undefined && { port }) };
}

function notBySudo({ SUDO_USER }: NodeJS.ProcessEnv): void {
  if (SUDO_USER !== undefined && process.getuid?.() === 0 && SUDO_USER !== 'root')
    throw new Exit('usage', `the service is one of a user, not of the system: run this as ${SUDO_USER}, without sudo.`);
}

function refused(notDone: NotDone): Exit {
  return new Exit(notDone.what === 'permission' ? 'permission' : 'failed', notDoneInWords(notDone));
}
