// The agent as a launchd agent of macOS: the commands, in order, and what is undone when one of them fails.
import { posix } from 'node:path';
import type { ServiceCommand } from '../../../schemas/service.ts';
import { label, launchAgent, unsuitableForLaunchd } from './launch-agent.ts';
import { markedCommand } from './mark.ts';
import { missingFiles } from './missing-files.ts';
import { attempted, failed, failureOf, foreign } from './not-done.ts';
import type { Installed, NotDone, Supervised, Supervisor, Surroundings, Uninstalled } from './ports.ts';

export function launchdSupervisor(around: Surroundings): Supervisor {
  return {
    install: (command) => install(command, around),
    uninstall: () => uninstall(around),
    status: () => status(around),
  };
}

const launchctl = '/bin/launchctl';

async function install(command: ServiceCommand, around: Surroundings): Promise<Installed> {
  const unsuitable = unsuitableForLaunchd(command);
  if (unsuitable !== undefined) return { kind: 'not-done', what: 'unsuitable', because: unsuitable, left: [] };
  const path = pathOf(around);
  const before = around.files.find(path);
  if (before.kind === 'other') return foreign(path, before.because);
  if (before.kind === 'file' && markedCommand(before.text) === undefined) return foreign(path);
  const text = launchAgent(command);
  const shown = await print(around);
  if (before.kind === 'file' && before.text === text && shown.loaded && shown.pid !== undefined)
    return { kind: 'installed', change: 'same', unit: path, notes: [] };
  const written = attempted(() => {
    if (command.logFolder !== undefined) around.files.makeFolder(command.logFolder);
    around.files.write(path, text);
  });
  if (written !== undefined) return failed(`${path} cannot be written: ${written}`);
  const started = await load(path, shown.loaded, around);
  if (started === undefined)
    return { kind: 'installed', change: before.kind === 'file' ? 'updated' : 'new', unit: path, notes: [] };
  return refused(started, await undone(path, before.kind === 'file' ? before.text : undefined, around));
}

/** Loads the property list, and with it starts the agent. What is loaded does not follow its file. */
async function load(path: string, isLoaded: boolean, around: Surroundings): Promise<string | undefined> {
  if (isLoaded) {
    const ended = await asked(around, 'bootout', target(around));
    if (ended !== undefined) return ended;
    await untilGone(around);
  }
  const enabled = await asked(around, 'enable', target(around)); // what `disable` had said of this label outlives its file
  return enabled ?? (await asked(around, 'bootstrap', domain(around), path));
}

async function undone(path: string, before: string | undefined, around: Surroundings): Promise<string[]> {
  const restored = attempted(() =>
    before === undefined ? around.files.remove(path) : around.files.write(path, before),
  );
  if (restored !== undefined) return [`${path} is the new one: ${restored}`];
  if (before === undefined) {
    const isLoaded = (await print(around)).loaded;
    const ended = isLoaded ? await asked(around, 'bootout', target(around)) : undefined;
    return ended === undefined ? [] : [`the agent may be running: ${ended}`];
  }
  const isLoaded = (await print(around)).loaded;
  const again = isLoaded ? undefined : await asked(around, 'bootstrap', domain(around), path);
  return again === undefined ? [] : [`the service as it was before does not run: ${again}`];
}

async function uninstall(around: Surroundings): Promise<Uninstalled> {
  const path = pathOf(around);
  const found = around.files.find(path);
  if (found.kind === 'absent') return { kind: 'nothing', unit: path };
  if (found.kind === 'other') return foreign(path, found.because);
  const command = markedCommand(found.text);
  if (command === undefined) return foreign(path);
  const shown = await print(around);
  if (shown.loaded) {
    const ended = await asked(around, 'bootout', target(around));
    if (ended !== undefined) return refused(ended, [`${path}, and perhaps the running agent`]);
    await untilGone(around);
  }
  const removed = attempted(() => around.files.remove(path));
  if (removed !== undefined) return failed(`${path} cannot be removed: ${removed}`, [path]);
  const left = command.logFolder === undefined ? [] : [`the logs in ${command.logFolder}`];
  return { kind: 'removed', removed: [path], left };
}

async function status(around: Surroundings): Promise<Supervised> {
  const path = pathOf(around);
  const found = around.files.find(path);
  const command = found.kind === 'file' ? markedCommand(found.text) : undefined;
  const installed = found.kind === 'absent' ? 'no' : command === undefined ? 'foreign' : 'yes';
  const logs = `${command?.logFolder ?? posix.join(around.user.home, 'Library/Logs/edgehop')}/edgehop.log`;
  const shown = await print(around);
  const since = shown.pid === undefined ? undefined : await startOf(shown.pid, around);
  return {
    supervisor: 'launchd',
    installed,
    unit: path,
    logs,
    ...(command !== undefined && { command }),
    ...stateOf(shown),
    ...(installed === 'yes' && { atLogin: true }),
    ...(since !== undefined && { since }),
    notes: command === undefined ? [] : missingFiles(command, around),
  };
}

export interface Printed {
  readonly loaded: boolean;
  readonly pid?: number;
  readonly state?: string;
  readonly lastExitCode?: string;
  readonly runs?: number;
  /** Why launchctl did not answer. */
  readonly failure?: string;
}

/** `launchctl print`: its own lines stand one tab deep. Its status 113 says that there is no such service. */
export function launchctlPrinted(text: string): Omit<Printed, 'loaded' | 'failure'> {
  const of = (name: string) => new RegExp(`^\\t${name} = (.+)$`, 'm').exec(text)?.[1]?.trim();
  const [pid, runs, state, lastExitCode] = [of('pid'), of('runs'), of('state'), of('last exit code')];
  return {
    ...(pid !== undefined && { pid: Number(pid) }),
    ...(runs !== undefined && { runs: Number(runs) }),
    ...(state !== undefined && { state }),
    ...(lastExitCode !== undefined && { lastExitCode }),
  };
}

type State = Pick<Supervised, 'state' | 'because' | 'pid' | 'restarts'>;

function stateOf({ loaded, pid, runs, lastExitCode, failure }: Printed): State {
  const restarts = runs === undefined ? {} : { restarts: Math.max(0, runs - 1) };
  if (failure !== undefined) return { state: 'unknown', because: failure };
  if (!loaded) return { state: 'stopped' };
  if (pid !== undefined) return { state: 'running', pid, ...restarts };
  if (lastExitCode === undefined || /^0\b|never exited/.test(lastExitCode)) return { state: 'stopped', ...restarts };
  return { state: 'waiting', because: `the agent ended with ${lastExitCode}; it is tried again`, ...restarts };
}

async function print(around: Surroundings): Promise<Printed> {
  const ran = await around.run(launchctl, ['print', target(around)]);
  if (ran.kind === 'ended' && ran.code === 0) return { loaded: true, ...launchctlPrinted(ran.stdout) };
  if (ran.kind === 'ended' && ran.code === noSuchService) return { loaded: false };
  return { loaded: false, failure: failureOf('launchctl print', ran) ?? '' };
}

const noSuchService = 113;
const maxGoneAttempts = 100;
const gonePauseMs = 500;

/** bootout may answer before the agent has drained, and bootstrap fails until it has. */
async function untilGone(around: Surroundings): Promise<void> {
  for (let attempt = 0; attempt < maxGoneAttempts; attempt++) {
    if (!(await print(around)).loaded) return;
    await around.pause(gonePauseMs);
  }
}

/** `ps -o lstart=`: `Sun Nov 22 00:26:55 2026`, in UTC as our programs are run. */
async function startOf(pid: number, { run }: Surroundings): Promise<string | undefined> {
  const ran = await run('/bin/ps', ['-o', 'lstart=', '-p', String(pid)]);
  const time = ran.kind === 'ended' ? Date.parse(`${ran.stdout.trim()} UTC`) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** 125 and 150: this domain does not exist, or not for this user. */
function refused(because: string, left: readonly string[]): NotDone {
  const isWithoutScreen = /failed with (?:112|125|150)\b/.test(because);
  if (!isWithoutScreen) return failed(because, left);
  const advice = 'Log in at the screen of this Mac, and try again there: a login by ssh alone has no such session.';
  return { kind: 'not-done', what: 'no-supervisor', because, advice, left };
}

async function asked({ run }: Surroundings, ...args: readonly string[]): Promise<string | undefined> {
  return failureOf(`launchctl ${args.join(' ')}`, await run(launchctl, args, { timeoutMs: maxWaitMs }));
}

const maxWaitMs = 120_000;

function pathOf({ user }: Surroundings): string {
  return posix.join(user.home, 'Library/LaunchAgents', `${label}.plist`);
}

function domain({ user }: Surroundings): string {
  return `gui/${user.id}`;
}

function target(around: Surroundings): string {
  return `${domain(around)}/${label}`;
}
