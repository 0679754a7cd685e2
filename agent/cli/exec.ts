// `edgehop exec -- CMD`: runs a program with the variables by which it uses the agent, and ends as it ends.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { thisMachine } from '../trust/stores/machine.ts';
import {
  browserOf,
  browserPlaces,
  chromiumArguments,
  firefoxArguments,
  firefoxPreferences,
  namedProfile,
} from './browser-launch.ts';
import { type ClientOptions, type ClientSetup, clientSetup } from './client-setup.ts';
import { isTerminal } from './signals.ts';
import { windowsCommand } from './windows-command.ts';

interface Launch extends Disposable {
  readonly command: string;
  readonly args: readonly string[];
}

/** Runs the command to its end. The exit status is its own; 128 and the signal's number where one ended it. */
export async function exec(
  commandLine: readonly string[],
  options: ClientOptions,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const [command = '', ...args] = commandLine;
  const setup = await clientSetup(options, env);
  using launch = await launchOf(command, args, setup, env);
  process.exitCode = await run(launch, { ...env, ...setup.variables });
}

async function launchOf(
  command: string,
  args: readonly string[],
  setup: ClientSetup,
  env: NodeJS.ProcessEnv,
): Promise<Launch> {
  const browser = browserOf(command);
  if (browser === undefined) return { command, args, [Symbol.dispose]: () => undefined };
  if (setup.proxy.userinfo !== undefined)
    console.error('edgehop: browsers ask for user name and password of the proxy themselves');
  const program = browserPlaces(command, process.platform, env).find((place) => existsSync(place)) ?? command;
  const named = browser === 'chromium' ? namedProfile(args) : undefined;
  const profile = named ?? mkdtempSync(join(tmpdir(), 'edgehop-profile-'));
  const options =
    browser === 'chromium'
      ? chromiumArguments({ ...setup, profile, ...(setup.authority && { keyHash: setup.authority.keyHash }) })
      : await firefoxOptions(profile, setup, env);
  return {
    command: program,
    args: [...options, ...args],
    [Symbol.dispose]: () => {
      // What the browser has left running may write for a moment yet.
      if (named === undefined) rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** A profile that has the proxy in its preferences, and the authority in its database where NSS's tool is here. */
async function firefoxOptions(profile: string, setup: ClientSetup, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  writeFileSync(join(profile, 'user.js'), firefoxPreferences(setup.proxy));
  const { authority } = setup;
  const machine = thisMachine(env);
  if (authority === undefined || process.platform === 'win32') return firefoxArguments(profile);
  const database = ['-d', `sql:${profile}`];
  const made = await machine.run('certutil', '-N', '--empty-password', ...database);
  const trust = ['-A', '-n', authority.name, '-t', 'C,,', '-i', authority.path];
  const added = made.kind === 'absent' ? made : await machine.run('certutil', ...trust, ...database);
  if (added.kind !== 'ended' || added.code !== 0)
    console.error(
      `edgehop: this profile does not trust the local CA, for NSS's certutil is missing or failed; import ${authority.path} in Firefox (Settings, Privacy & Security, Certificates)`,
    );
  return firefoxArguments(profile);
}

/** What a program that is not there, or that is none, ends with in a shell. POSIX, 2.8.2. */
const notFound = 127;
const notExecutable = 126;

function run({ command, args }: Launch, env: NodeJS.ProcessEnv): Promise<number> {
  const line = windowsCommand(command, args, process.platform, env, existsSync);
  const child = spawn(line.command, line.args, {
    stdio: 'inherit',
    env,
    windowsVerbatimArguments: line.isVerbatim,
  });
  const pass = (signal: NodeJS.Signals) => {
    // A terminal tells the whole group of Ctrl-C, the program included. Twice is more than the person meant.
    if ((signal === 'SIGINT' || signal === 'SIGQUIT') && isTerminal()) return;
    child.kill(signal);
  };
  for (const signal of passed) process.on(signal, pass);
  process.on('disconnect', () => void child.kill('SIGTERM')); // the launcher was killed
  process.channel?.unref();
  return new Promise((resolve) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      console.error(
        `edgehop: ${command} cannot be run: ${cause.code === 'ENOENT' ? 'there is no such program' : cause.message}`,
      );
      resolve(cause.code === 'ENOENT' ? notFound : notExecutable);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

const passed: readonly NodeJS.Signals[] =
  process.platform === 'win32'
    ? ['SIGINT', 'SIGBREAK', 'SIGHUP']
    : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGCONT'];
