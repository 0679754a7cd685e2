// Which proxy a verb speaks to: the running agent that the notes in the state folder tell of, or a named one.
import type { AgentState } from '../../schemas/api.ts';
import { pathsOf } from '../config/paths.ts';
import { readStates } from '../control/state-file.ts';
import { processExists } from '../machine/processes.ts';
import { Exit } from './exit.ts';
import { hostOfUrl, portOfUrl, urlOf } from './url-of.ts';

export interface ProxyOptions {
  /** Of an agent on this machine. */
  readonly port?: number;
  /** URL of another agent or HTTP proxy. */
  readonly proxy?: string;
}

/** Where a proxy listens. */
export interface ProxyAddress {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** For people: `the agent on port 8080`. */
  readonly name: string;
}

/** The agents that run on this machine, on this port where one is named, lowest port first. */
export function runningAgents(port: number | undefined, env: NodeJS.ProcessEnv): readonly AgentState[] {
  const { running } = readStates(pathsOf(env, process.platform).state, processExists);
  return running
    .filter((state) => port === undefined || state.port === port)
    .sort((one, other) => one.port - other.port);
}

/** The agent that runs on this port, or on the lowest; ends the verb with 69 when none does. `otherwise` ends the sentence. */
export function runningAgent(port: number | undefined, env: NodeJS.ProcessEnv, otherwise = ''): AgentState {
  const [agent] = runningAgents(port, env);
  if (agent !== undefined) return agent;
  const which = port === undefined ? 'no agent is running' : `no agent is running on port ${port}`;
  throw new Exit('unavailable', `${which}. Start one with \`edgehop start\`${otherwise}.`);
}

/** Where a running agent listens. */
export function addressOf({ host, port }: AgentState): ProxyAddress {
  return { host, port, name: `the agent on port ${port}` };
}

/** Where the proxy of a URL listens. Ends the verb with 2 when a client cannot speak to it. */
export function namedProxy(text: string): ProxyAddress {
  const url = urlOf(text);
  if (url.protocol !== 'http:') throw new Exit('usage', `the proxy "${text}" is not spoken to by http://.`);
  if (url.username !== '' || url.password !== '')
    throw new Exit('usage', 'a proxy is named without userinfo: credentials are not sent.');
  const [host, port] = [hostOfUrl(url), portOfUrl(url)];
  return { host, port, name: `the proxy ${url.host}` };
}

/** The URL of a proxy. */
export function urlOfProxy({ host, port }: Pick<ProxyAddress, 'host' | 'port'>): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
