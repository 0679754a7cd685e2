// What `systemctl show` tells of the unit, as a status.
import type { Supervised } from './ports.ts';

export const wantedProperties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'MainPID',
  'ActiveEnterTimestamp',
  'NRestarts',
  'Result',
  'ExecMainStatus',
  'NeedDaemonReload',
] as const;

/** `name=value` lines. */
export function properties(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const];
    }),
  );
}

export type UnitState = Pick<Supervised, 'state' | 'because' | 'since' | 'pid' | 'restarts' | 'atLogin'>;

export function stateOf(shown: ReadonlyMap<string, string>): UnitState {
  const of = (name: (typeof wantedProperties)[number]) => shown.get(name) ?? '';
  const pid = Number(of('MainPID'));
  const restarts = Number(of('NRestarts'));
  const isActive = of('ActiveState') === 'active';
  const since = isActive ? timeOf(of('ActiveEnterTimestamp')) : undefined;
  return {
    ...runningOf(of('ActiveState'), of('SubState'), of('Result'), of('ExecMainStatus')),
    ...(of('LoadState') === 'loaded' && { atLogin: of('UnitFileState') === 'enabled' }),
    ...(since !== undefined && { since }),
    ...(Number.isInteger(pid) && pid > 0 && { pid }),
    ...(of('NRestarts') !== '' && Number.isInteger(restarts) && { restarts }),
  };
}

function runningOf(active: string, sub: string, result: string, status: string): Pick<UnitState, 'state' | 'because'> {
  if (active === 'active') return { state: 'running' };
  if (sub === 'auto-restart') return { state: 'waiting', because: `${endInWords(result, status)}; it is tried again` };
  if (active === 'failed') return { state: 'failed', because: endInWords(result, status) };
  if (active === 'inactive') return { state: 'stopped' };
  return { state: 'waiting', because: `systemd says ${active} (${sub})` };
}

/** systemd.exec(5), process exit codes. */
function endInWords(result: string, status: string): string {
  if (status === '203') return 'what it names cannot be run: Node or edgehop was moved or removed';
  if (status === '200') return 'its working directory is missing';
  if (result === 'exit-code') return `the agent ended with ${status}`;
  if (result === 'signal' || result === 'core-dump') return `the agent was ended by signal ${status}`;
  if (result === 'oom-kill') return 'the system ran out of memory and ended the agent';
  return `systemd says ${result}`;
}

/** `Sun 2026-11-22 00:26:55 UTC`, as systemctl prints it where TZ is UTC. */
function timeOf(text: string): string | undefined {
  const found = /^\w+ (\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) UTC$/.exec(text);
  return found === null ? undefined : `${found[1]}T${found[2]}Z`;
}
