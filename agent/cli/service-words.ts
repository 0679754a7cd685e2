// What `edgehop service` says, for people.
import type { ServiceStatus } from '../../schemas/service.ts';
import type { Paths } from '../config/paths.ts';
import { printable } from '../log/words.ts';
import type { Installed, NotDone, Uninstalled } from '../machine/service/ports.ts';

const changes = {
  new: 'The service is installed',
  updated: 'The service is updated',
  same: 'The service was installed exactly so already',
} as const;

export function installedInWords(
  { change, unit }: Extract<Installed, { kind: 'installed' }>,
  status: ServiceStatus,
): string {
  const runs = status.state === 'running' && status.port !== undefined;
  return [
    `${changes[change]}: ${printable(unit)}`,
    ...(runs ? [`It runs: the proxy listens on port ${status.port} (process ${status.pid}).`] : []),
    `Its log: ${printable(status.logs)}`,
  ].join('\n');
}

/** `paths`: what no verb of the service removes. */
export function removedInWords(
  { removed, left }: Extract<Uninstalled, { kind: 'removed' }>,
  { config, state, cache }: Paths,
): string {
  const folders = [...new Set([config, state, cache])].join(', ');
  return [
    `Stopped and removed: ${removed.map(printable).join(', ')}`,
    'Left:',
    ...[...left, `configuration, state and cache (${folders})`].map((each) => `  ${printable(each)}`),
  ].join('\n');
}

export function notDoneInWords({ because, advice, left }: NotDone): string {
  return [
    `${printable(because)}.${advice === undefined ? '' : ` ${printable(advice)}`}`,
    ...(left.length === 0 ? [] : ['Left:', ...left.map((each) => `  ${printable(each)}`)]),
  ].join('\n');
}

const supervisors = {
  systemd: 'systemd, as a user unit',
  launchd: 'launchd, as a launch agent',
  'task-scheduler': 'the Task Scheduler',
} as const;

export function statusInWords(status: ServiceStatus): string {
  const { installed, unit, supervisor, atLogin, pid, port, since, restarts, logs, command, notes } = status;
  const where = {
    yes: printable(unit),
    no: 'no: `edgehop service install` does it',
    foreign: `no: ${printable(unit)} is there, but edgehop did not make it`,
    unknown: 'nobody could be asked',
  }[installed];
  const isThere = installed === 'yes';
  const lines: (readonly [string, string | undefined])[] = [
    ['installed', where],
    ['by', supervisors[supervisor]],
    ['state', installed === 'no' && status.state !== 'running' ? undefined : stateInWords(status)],
    ['since', since],
    ['process', pid?.toString()],
    ['port', port?.toString() ?? (pid === undefined ? undefined : 'not known yet: the agent has left no note of it')],
    [
      'restarts',
      restarts === undefined || restarts === 0 ? undefined : `${restarts} since it was last started by hand`,
    ],
    ['at login', !isThere || atLogin === undefined ? undefined : atLogin ? 'started' : 'not started'],
    ['runs', command && printable([command.node, command.bin, 'start', ...command.args].join(' '))],
    ['log', isThere ? printable(logs) : undefined],
  ];
  return [
    ...lines.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(10)}${text}`])),
    ...notes.map((note) => `note      ${printable(note)}`),
  ].join('\n');
}

const states: Readonly<Record<ServiceStatus['state'], string>> = {
  running: 'running',
  waiting: 'waiting',
  stopped: 'not running',
  failed: 'failed',
  unknown: 'not known',
};

function stateInWords({ state, because }: ServiceStatus): string {
  return because === undefined ? states[state] : `${states[state]}: ${printable(because)}`;
}
