// Which proxy a verb speaks to: the running agent that the notes in the state folder tell of, or a named one.
import type { AgentState } from '../../schemas/api.ts';
import { hostFromHere } from '../access/listen-hosts.ts';
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
  /** Name and password, as they stand in a URL. Absent where the proxy is shown none. */
  readonly userinfo?: string;
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

/** Where a running agent is reached. The verbs of its own machine show its token where others show credentials. */
export function addressOf({ host, port, controlToken }: AgentState): ProxyAddress {
  return {
    host: hostFromHere(host),
    port,
    name: `the agent on port ${port}`,
    userinfo: `:${controlToken}`,
  };
}

/** Where the proxy of a URL listens. Ends the verb with 2 when a client cannot speak to it. */
export function namedProxy(text: string): ProxyAddress {
  const url = urlOf(text);
  if (url.protocol !== 'http:') throw new Exit('usage', `the proxy "${text}" is not spoken to by http://.`);
  const [host, port] = [hostOfUrl(url), portOfUrl(url)];
  const userinfo = url.username === '' && url.password === '' ? {} : { userinfo: `${url.username}:${url.password}` };
  return { host, port, name: `the proxy ${url.host}`, ...userinfo };
}

/** The URL of a proxy, with what it is shown as credentials. */
export function urlOfProxy({ host, port, userinfo }: Omit<ProxyAddress, 'name'>): string {
  return `http://${userinfo === undefined ? '' : `${userinfo}@`}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The field in which a proxy is shown the name and password of its URL; none where there are none. RFC 7617 2. */
export function proxyAuthorization(userinfo: string | undefined): { readonly 'Proxy-Authorization'?: string } {
  if (userinfo === undefined || userinfo === ':') return {};
  const [name = '', password = ''] = userinfo.split(':').map(decoded);
  return { 'Proxy-Authorization': `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
