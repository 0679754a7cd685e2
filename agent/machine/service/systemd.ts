// The agent as a systemd user service: the commands, in order, and what is undone when one of them fails.
import { posix } from 'node:path';
import type { ServiceCommand } from '../../../schemas/service.ts';
import { markedCommand } from './mark.ts';
import { missingFiles } from './missing-files.ts';
import { attempted, failed, failureOf, foreign } from './not-done.ts';
import type { Installed, Supervised, Supervisor, Surroundings, Uninstalled } from './ports.ts';
import { type Session, userSession } from './systemd-session.ts';
import { properties, stateOf, wantedProperties } from './systemd-state.ts';
import { systemdUnit, unitName, unsuitableForSystemd } from './systemd-unit.ts';

export function systemdSupervisor(around: Surroundings): Supervisor {
  return {
    install: (command) => install(command, around),
    uninstall: () => uninstall(around),
    status: () => status(around),
  };
}

const logs = `journalctl --user -u ${unitName}`;

async function install(command: ServiceCommand, around: Surroundings): Promise<Installed> {
  const unsuitable = unsuitableForSystemd(command);
  if (unsuitable !== undefined) return { kind: 'not-done', what: 'unsuitable', because: unsuitable, left: [] };
  const session = await userSession(around);
  if (session.kind === 'none') return { ...session.notDone, left: [] };
  const path = pathOf(session, around);
  if (!session.unitFolders.includes(posix.dirname(path))) {
    const because = `the systemd of ${around.user.name} does not look for units in ${posix.dirname(path)}`;
    const advice = 'HOME or XDG_CONFIG_HOME are others here than in the session.';
    return { kind: 'not-done', what: 'unsuitable', because, advice, left: [] };
  }
  const before = around.files.find(path);
  if (before.kind === 'other') return foreign(path, before.because);
  if (before.kind === 'file' && markedCommand(before.text) === undefined) return foreign(path);
  const text = systemdUnit(command);
  const notes = [...session.notes];
  const isSame = before.kind === 'file' && before.text === text;
  if (isSame && (await runs(around))) {
    const enabled = await systemctl(around, 'enable', unitName);
    if (enabled !== undefined) return failed(enabled, [`${path} is installed as before`]);
    return { kind: 'installed', change: 'same', unit: path, notes };
  }
  const written = attempted(() => around.files.write(path, text));
  if (written !== undefined) return failed(`${path} cannot be written: ${written}`);
  const done: string[] = [];
  for (const step of [['daemon-reload'], ['enable', unitName], ['restart', unitName]]) {
    const failure = await systemctl(around, ...step);
    if (failure !== undefined)
      return failed(failure, await undone(path, before.kind === 'file' ? before.text : undefined, done, around));
    done.push(step[0] ?? '');
  }
  return { kind: 'installed', change: before.kind === 'file' ? 'updated' : 'new', unit: path, notes };
}

/** Puts back what was there before, and says what could not be. */
async function undone(
  path: string,
  before: string | undefined,
  done: readonly string[],
  around: Surroundings,
): Promise<string[]> {
  const left: string[] = [];
  if (before === undefined && done.includes('enable')) {
    const stopped = await systemctl(around, 'disable', '--now', unitName);
    if (stopped !== undefined) left.push(`the service may be enabled or running: ${stopped}`);
  }
  const restored = attempted(() =>
    before === undefined ? around.files.remove(path) : around.files.write(path, before),
  );
  if (restored !== undefined) left.push(`${path} is the new one: ${restored}`);
  const reloaded = await systemctl(around, 'daemon-reload');
  if (reloaded !== undefined) left.push(`systemd has not read its units again: ${reloaded}`);
  if (before === undefined || !done.includes('enable')) return left; // it was not restarted
  const restarted = await systemctl(around, 'restart', unitName);
  return restarted === undefined ? left : [...left, `the service as it was before does not run: ${restarted}`];
}

async function uninstall(around: Surroundings): Promise<Uninstalled> {
  const session = await userSession(around);
  const path = pathOf(session, around);
  const found = around.files.find(path);
  const link = posix.join(posix.dirname(path), 'default.target.wants', unitName);
  if (found.kind === 'absent') return { kind: 'nothing', unit: path };
  if (found.kind === 'other') return foreign(path, found.because);
  if (markedCommand(found.text) === undefined) return foreign(path);
  const left: string[] = [];
  if (session.kind === 'there') {
    const stopped = await systemctl(around, 'disable', '--now', unitName);
    if (stopped !== undefined) return failed(stopped, [`${path}, and perhaps the running service`]);
  } else {
    left.push(`an agent may still run: systemd could not be asked to stop it (${session.notDone.because})`);
  }
  // Without a session nobody has taken away what `enable` has made.
  const removed = attempted(() => {
    if (around.files.exists(link)) around.files.remove(link);
    around.files.remove(path);
  });
  if (removed !== undefined) return failed(`${path} cannot be removed: ${removed}`, [path, ...left]);
  if (session.kind === 'there') {
    const reloaded = await systemctl(around, 'daemon-reload');
    if (reloaded !== undefined) left.push(`systemd still knows the unit, until it reads its units again: ${reloaded}`);
    await systemctl(around, 'reset-failed', unitName); // it fails where nothing had failed
  }
  const dropIns = `${path}.d`;
  if (around.files.exists(dropIns)) left.push(`${dropIns}, which holds changes of your own`);
  left.push(`the journal, with what the agent has logged: ${logs}`);
  return { kind: 'removed', removed: [path], left };
}

async function status(around: Surroundings): Promise<Supervised> {
  const session = await userSession(around);
  const path = pathOf(session, around);
  const found = around.files.find(path);
  const command = found.kind === 'file' ? markedCommand(found.text) : undefined;
  const installed = found.kind === 'absent' ? 'no' : command === undefined ? 'foreign' : 'yes';
  const known = { supervisor: 'systemd', installed, unit: path, logs, ...(command && { command }) } as const;
  if (session.kind === 'none')
    return { ...known, state: 'unknown', because: session.notDone.because, notes: advice(session) };
  const shown = await around.run('systemctl', ['--user', 'show', unitName, `--property=${wantedProperties.join(',')}`]);
  const failure = failureOf('systemctl --user show', shown);
  if (failure !== undefined || shown.kind !== 'ended')
    return { ...known, state: 'unknown', because: failure ?? '', notes: [...session.notes] };
  const missing = command === undefined ? [] : missingFiles(command, around);
  return { ...known, ...stateOf(properties(shown.stdout)), notes: [...missing, ...session.notes] };
}

function advice(session: Extract<Session, { kind: 'none' }>): string[] {
  return session.notDone.advice === undefined ? [] : [session.notDone.advice];
}

/** Where this user's systemd looks for units: XDG_CONFIG_HOME may be set for us, and not for it. */
function pathOf(session: Session, { user, env }: Surroundings): string {
  const usual = posix.join(user.home, '.config');
  const named = env['XDG_CONFIG_HOME'];
  const folders = [...(named !== undefined && posix.isAbsolute(named) ? [named] : []), usual].map((folder) =>
    posix.join(folder, 'systemd/user'),
  );
  const seen = session.kind === 'there' ? folders.find((folder) => session.unitFolders.includes(folder)) : undefined;
  return posix.join(seen ?? folders[0] ?? '', unitName);
}

async function runs(around: Surroundings): Promise<boolean> {
  return (await systemctl(around, 'is-active', '--quiet', unitName)) === undefined;
}

async function systemctl({ run }: Surroundings, ...args: readonly string[]): Promise<string | undefined> {
  const line = ['--user', ...args];
  return failureOf(`systemctl ${line.join(' ')}`, await run('systemctl', line, { timeoutMs: maxWaitMs }));
}

/** Stopping waits until the agent has drained. */
const maxWaitMs = 300_000;
