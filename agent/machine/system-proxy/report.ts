// What the operating system has now, whether that leads to an agent of ours, and what the journal holds: for `system-proxy` and `doctor`.
import type { AgentState } from '../../../schemas/api.ts';
import type { ProxyInUse, ProxyWay, SystemProxyReport } from '../../../schemas/system-proxy.ts';
import { judge } from './judge.ts';
import { type SystemProxyPorts, whatStands } from './ports.ts';

/** Changes nothing and never rejects. */
export async function systemProxyReport(
  ports: SystemProxyPorts,
  running: readonly AgentState[],
): Promise<SystemProxyReport> {
  const stands = await whatStands(ports);
  const read = ports.journal.read();
  const { path } = ports.journal;
  const way = read.kind === 'held' ? read.journal.way : undefined;
  const proxies = ports.desktops.flatMap((desktop) => {
    const standing = stands.standing.get(desktop.name);
    return standing === undefined ? [] : desktop.inUse(standing).map((one) => withAgent(one, running, way));
  });
  const common = { proxies, unread: stands.unread };
  if (read.kind === 'none') return { ...common, journal: { kind: 'none' } };
  if (read.kind === 'unreadable') return { ...common, journal: { ...read, path } };
  const { agent, stage, settings } = read.journal;
  const judged = judge(settings, stands.standing);
  return {
    ...common,
    journal: {
      kind: 'held',
      path,
      way: read.journal.way,
      agent: { ...agent, isRunning: runs(agent, running) },
      stage,
      settings: judged.map(({ setting, is, now }) => ({ ...setting, is, ...(now !== undefined && { now }) })),
    },
  };
}

/** Whether an agent that was noted so is among those that run. A number of a process alone may be another's by now. */
export function runs(
  { pid, port }: { readonly pid: number; readonly port: number },
  running: readonly AgentState[],
): boolean {
  return running.some((state) => state.pid === pid && state.port === port);
}

/** Where the PAC of an agent is. It is on loopback, like all of its control port. */
export function pacUrl(controlPort: number): string {
  return `http://127.0.0.1:${controlPort}/proxy.pac`;
}

function withAgent(
  proxy: Omit<ProxyInUse, 'agent'>,
  running: readonly AgentState[],
  way: ProxyWay | undefined,
): ProxyInUse {
  const { kind, to } = proxy;
  const isPac = (url: string) => kind === 'pac' && to === url;
  const isFixed = (host: string, port: number) =>
    kind === 'fixed' && (to === `${host}:${port}` || to === `[${host}]:${port}`);
  const leadsTo = ({ host, port, controlPort }: AgentState) =>
    isPac(pacUrl(controlPort)) || [host, '127.0.0.1', '::1', 'localhost'].some((name) => isFixed(name, port));
  if (running.some(leadsTo)) return { ...proxy, agent: 'running' };
  const isOurs = way?.kind === 'pac' ? isPac(way.url) : way !== undefined && isFixed(way.host, way.port);
  return isOurs ? { ...proxy, agent: 'gone' } : proxy;
}
