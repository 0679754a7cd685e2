// `edgehop system-proxy on | off | status`: leads the operating system's programs to the agent, and puts back what stood before.
import type { AgentState } from '../../schemas/api.ts';
import type { ProxyWay, SystemProxyReport } from '../../schemas/system-proxy.ts';
import { pathsOf } from '../config/paths.ts';
import type { SystemProxyPorts } from '../machine/system-proxy/ports.ts';
import { pacUrl, runs, systemProxyReport } from '../machine/system-proxy/report.ts';
import { type Restored, restoreSystemProxy } from '../machine/system-proxy/restore.ts';
import { type SwitchedOn, switchOn } from '../machine/system-proxy/switch-on.ts';
import { thisMachine } from '../machine/system-proxy/this-machine.ts';
import { Exit } from './exit.ts';
import { addressOf, runningAgent, runningAgents } from './running-agent.ts';
import { onAskedToEnd } from './signals.ts';
import { restoredInWords, statusInWords, switchedOnInWords, withoutDesktopInWords } from './system-proxy-words.ts';

export interface SystemProxyOptions {
  readonly json?: boolean;
}

export interface OnOptions extends SystemProxyOptions {
  /** Of the agent on this machine. */
  readonly port?: number;
  /** Host and port instead of a PAC. */
  readonly fixed?: boolean;
}

export interface OffOptions extends SystemProxyOptions {
  readonly force?: boolean;
}

/** Sets it for the running agent. What stood before is journalled first; what was journalled already stays. */
export async function on(options: OnOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const state = runningAgent(options.port, env);
  const way = wayTo(state, options.fixed === true);
  const ports = portsOf(env);
  const given = new AbortController();
  onAskedToEnd(() => given.abort());
  const agent = { pid: state.pid, port: state.port };
  const switched = await switchOn(ports, { way, agent, signal: given.signal }).catch(unwritable(ports));
  if (switched.kind !== 'on') throw refusal(switched, way, given.signal.aborted);
  for (const note of switched.notes) console.error(`edgehop: running programs may have to be restarted: ${note}`);
  if (way.kind === 'fixed' && !runs(agent, runningAgents(undefined, env))) {
    await restoreSystemProxy(ports);
    throw new Exit(
      'unavailable',
      `the agent on port ${state.port} has ended meanwhile. What stood before stands again.`,
    );
  }
  await print(ports, env, options, (report) => switchedOnInWords(report, way));
}

/** Restores what stood before, and leaves what somebody else has set since. */
export async function off(options: OffOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const ports = portsOf(env);
  onAskedToEnd(() => undefined); // it comes to its end: half of it would be no use to anybody
  const restored = await restoreSystemProxy(ports, { force: options.force === true }).catch(unwritable(ports));
  if (restored.kind === 'busy') throw new Exit('failed', busy);
  if (restored.kind === 'unreadable') throw new Exit('failed', unreadable(restored));
  if (restored.kind === 'restored' && restored.failures.length > 0)
    throw new Exit(
      'failed',
      `not all is as it was: ${restored.failures.join('; ')}. What stood before is kept in ${ports.journal.path}: run \`edgehop system-proxy off\` again.`,
    );
  await print(ports, env, options, (report) => restoredInWords(restored, report));
}

/** Says what stands; nothing that it finds is a failure. */
export async function status(options: SystemProxyOptions, env: NodeJS.ProcessEnv): Promise<void> {
  await print(portsOf(env), env, options, statusInWords);
}

function portsOf(env: NodeJS.ProcessEnv): SystemProxyPorts {
  return thisMachine(pathsOf(env, process.platform).state, env, process.platform);
}

function wayTo(state: AgentState, isFixed: boolean): ProxyWay {
  if (!isFixed) return { kind: 'pac', url: pacUrl(state.controlPort) };
  const { host, port } = addressOf(state);
  return { kind: 'fixed', host, port };
}

async function print(
  ports: SystemProxyPorts,
  env: NodeJS.ProcessEnv,
  { json }: SystemProxyOptions,
  inWords: (report: SystemProxyReport) => string,
): Promise<void> {
  const report = await systemProxyReport(ports, runningAgents(undefined, env));
  console.log(json === true ? JSON.stringify(report) : inWords(report));
}

function refusal(switched: Exclude<SwitchedOn, { kind: 'on' }>, way: ProxyWay, isInterrupted: boolean): Exit {
  if (switched.kind === 'no-desktop') return new Exit('failed', withoutDesktopInWords(way));
  if (switched.kind === 'busy') return new Exit('failed', busy);
  if (switched.kind === 'unreadable') return new Exit('failed', unreadable(switched));
  if (switched.kind === 'refused') return new Exit('failed', `nothing was changed: ${switched.because}`);
  const undone =
    switched.notUndone.length === 0
      ? 'What was set is undone.'
      : `Not all could be undone (${switched.notUndone.join('; ')}): run \`edgehop system-proxy off\`.`;
  return new Exit(isInterrupted ? 'interrupted' : 'failed', `${switched.because}. ${undone}`);
}

const busy = 'another edgehop is changing the system proxy at this moment. Try again.';

function unreadable({ path, because }: Extract<Restored, { kind: 'unreadable' }>): string {
  return `nothing was changed: what stood before the system proxy was set is kept in ${path}, which cannot be read (${because}). Set the proxy in the system's settings as you want it, and then delete that file.`;
}

function unwritable({ journal }: SystemProxyPorts): (cause: Error) => never {
  return ({ message }) => {
    throw new Exit(
      'permission',
      `nothing was changed: what stands now has to be kept in ${journal.path} first, and cannot be (${message}). Give yourself the right to write there.`,
    );
  };
}
