// The agent as a scheduled task of Windows: the commands, in order, and what is undone when one of them fails.
import { win32 } from 'node:path';
import * as z from 'zod';
import { keptAgent, type ServiceCommand, serviceCommand } from '../../../schemas/service.ts';
import { windowsFolder } from '../facts.ts';
import { keptAgentName, logName } from './keep.ts';
import { markedCommand } from './mark.ts';
import { missingFiles } from './missing-files.ts';
import { attempted, failed, failureOf, foreign } from './not-done.ts';
import type { Installed, Supervised, Supervisor, Surroundings, Uninstalled } from './ports.ts';
import { scheduledTask, taskName, unsuitableForTasks } from './scheduled-task.ts';

export function taskSupervisor(around: Surroundings): Supervisor {
  return {
    install: (command) => install(command, around),
    uninstall: () => uninstall(around),
    status: () => status(around),
  };
}

/** Numbers, not words, which Windows prints in its user's language. */
const query = `$task = Get-ScheduledTask -TaskPath '\\' -TaskName '${taskName}' -ErrorAction SilentlyContinue
if ($null -eq $task) { 'null' } else {
$info = $task | Get-ScheduledTaskInfo
@{ description = [string]$task.Description; state = [int]$task.State; enabled = [bool]$task.Settings.Enabled; result = [long]$info.LastTaskResult } | ConvertTo-Json -Compress }`;

const taskFound = z.strictObject({
  description: z.string(),
  state: z.int(),
  enabled: z.boolean(),
  result: z.int(),
});

type Task =
  | ({ readonly kind: 'there' } & z.infer<typeof taskFound>)
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly because: string };

/** TASK_STATE_RUNNING of the Task Scheduler. */
const runningState = 4;

async function install(command: ServiceCommand, around: Surroundings): Promise<Installed> {
  const unsuitable = unsuitableForTasks(command);
  if (unsuitable !== undefined) return { kind: 'not-done', what: 'unsuitable', because: unsuitable, left: [] };
  const task = await taskOf(around);
  if (task.kind === 'unknown') return failed(task.because);
  const before = task.kind === 'there' ? markedCommand(task.description) : undefined;
  if (task.kind === 'there' && before === undefined) return foreign(unit);
  const isRunning = task.kind === 'there' && task.state === runningState;
  if (isRunning && JSON.stringify(before) === JSON.stringify(serviceCommand.parse(command)))
    return { kind: 'installed', change: 'same', unit, notes: [] };
  const created = await create(command, around);
  if (created !== undefined) return failed(created, isRunning ? ['the task as it was before'] : []);
  const ended = isRunning ? await schtasks(around, '/End', '/TN', taskName) : undefined;
  const started = ended ?? (await schtasks(around, '/Run', '/TN', taskName));
  if (started === undefined)
    return { kind: 'installed', change: before === undefined ? 'new' : 'updated', unit, notes: [] };
  return failed(started, await undone(before, around));
}

const unit = `the scheduled task "${taskName}"`;

async function undone(before: ServiceCommand | undefined, around: Surroundings): Promise<string[]> {
  if (before === undefined) {
    const deleted = await schtasks(around, '/Delete', '/TN', taskName, '/F');
    return deleted === undefined ? [] : [`${unit}: ${deleted}`];
  }
  const failure = (await create(before, around)) ?? (await schtasks(around, '/Run', '/TN', taskName));
  return failure === undefined ? [] : [`${unit} is not as it was before: ${failure}`];
}

async function create(command: ServiceCommand, around: Surroundings): Promise<string | undefined> {
  const folder = command.logFolder ?? command.workingDirectory;
  const path = win32.join(folder, 'service-task.xml');
  const xml = scheduledTask(command, userOf(around));
  const written = attempted(() => {
    around.files.makeFolder(folder);
    around.files.write(path, Buffer.from(`\ufeff${xml}`, 'utf16le'));
  });
  if (written !== undefined) return `${path} cannot be written: ${written}`;
  const created = await schtasks(around, '/Create', '/TN', taskName, '/XML', path, '/F');
  attempted(() => around.files.remove(path)); // only schtasks had to read it
  return created;
}

async function uninstall(around: Surroundings): Promise<Uninstalled> {
  const task = await taskOf(around);
  if (task.kind === 'absent') return { kind: 'nothing', unit };
  if (task.kind === 'unknown') return failed(task.because);
  const command = markedCommand(task.description);
  if (command === undefined) return foreign(unit);
  const ended = task.state === runningState ? await schtasks(around, '/End', '/TN', taskName) : undefined;
  if (ended !== undefined) return failed(ended, [unit, 'the running agent']);
  const deleted = await schtasks(around, '/Delete', '/TN', taskName, '/F');
  if (deleted !== undefined) return failed(deleted, [unit]);
  attempted(() => around.files.remove(win32.join(logFolderOf(command), keptAgentName)));
  return { kind: 'removed', removed: [unit], left: [`the logs in ${logFolderOf(command)}`] };
}

async function status(around: Surroundings): Promise<Supervised> {
  const task = await taskOf(around);
  const command = task.kind === 'there' ? markedCommand(task.description) : undefined;
  const logs = command === undefined ? '' : win32.join(logFolderOf(command), logName);
  const known = { supervisor: 'task-scheduler', unit, logs, notes: [] } as const;
  if (task.kind === 'unknown') return { ...known, installed: 'unknown', state: 'unknown', because: task.because };
  if (task.kind === 'absent') return { ...known, installed: 'no', state: 'stopped' };
  const kept = command === undefined ? undefined : keptOf(command, around);
  const isRunning = task.state === runningState;
  return {
    ...known,
    installed: command === undefined ? 'foreign' : 'yes',
    atLogin: task.enabled,
    state: isRunning ? 'running' : task.result === 0 ? 'stopped' : 'failed',
    ...(!isRunning && task.result !== 0 && { because: `Windows says 0x${(task.result >>> 0).toString(16)}` }),
    ...(isRunning && kept && { pid: kept.pid, since: kept.startedAt }),
    ...(command !== undefined && { command }),
    notes: command === undefined ? [] : missingFiles(command, around),
  };
}

function keptOf(command: ServiceCommand, { files }: Surroundings): z.infer<typeof keptAgent> | undefined {
  const found = files.find(win32.join(logFolderOf(command), keptAgentName));
  if (found.kind !== 'file') return undefined;
  try {
    return keptAgent.parse(JSON.parse(found.text));
  } catch {
    return undefined;
  }
}

async function taskOf({ run }: Surroundings): Promise<Task> {
  const powershell = `${windowsFolder}\\WindowsPowerShell\\v1.0\\powershell.exe`;
  const script = `[Console]::OutputEncoding=[Text.Encoding]::UTF8; ${query}`;
  const ran = await run(powershell, ['-NoProfile', '-NonInteractive', '-Command', script]);
  const failure = failureOf('Get-ScheduledTask', ran);
  if (failure !== undefined || ran.kind !== 'ended') return { kind: 'unknown', because: failure ?? '' };
  const text = ran.stdout.replace(/^\ufeff/, '').trim();
  if (text === 'null') return { kind: 'absent' };
  try {
    return { kind: 'there', ...taskFound.parse(JSON.parse(text)) };
  } catch {
    return { kind: 'unknown', because: 'what Get-ScheduledTask answered could not be read' };
  }
}

async function schtasks({ run }: Surroundings, ...args: readonly string[]): Promise<string | undefined> {
  return failureOf(`schtasks ${args.join(' ')}`, await run(`${windowsFolder}\\schtasks.exe`, args));
}

function logFolderOf({ logFolder, workingDirectory }: ServiceCommand): string {
  return logFolder ?? workingDirectory;
}

function userOf({ env, user }: Surroundings): string {
  const domain = env['USERDOMAIN'];
  return domain === undefined || domain === '' ? user.name : `${domain}\\${user.name}`;
}
