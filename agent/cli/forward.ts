// `edgehop forward`: a TCP port of this machine that leads through the running agent to a target.
import { parseAuthority } from '../../http/authority.ts';
import { machineClock } from '../clock.ts';
import { openTunnel, type TunnelAnswer } from './connect-client.ts';
import { Exit } from './exit.ts';
import { startForwarder } from './forwarder.ts';
import { parseListenAddress } from './listen-address.ts';
import {
  addressOf,
  namedProxy,
  type ProxyAddress,
  type ProxyOptions,
  runningAgent,
  runningAgents,
} from './running-agent.ts';
import { onAskedToEnd } from './signals.ts';

const maxConnections = 1_000;
/** The agent answers earlier, by its own limits, and says which. */
const openTimeoutMs = 60_000;
/** The agent cuts an idle tunnel by its `tunnelIdleTimeoutMs`; this bounds what another proxy leaves open. */
const idleTimeoutMs = 24 * 3_600_000;

/** Forwards until the process is asked to end. Everything that is said goes to stderr. */
export async function forward(
  listen: string,
  target: string,
  options: ProxyOptions,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const place = parseListenAddress(listen);
  if (place.kind === 'wrong') throw new Exit('usage', place.because);
  const authority = parseAuthority(target);
  if (authority.kind === 'malformed')
    throw new Exit('usage', `"${target}" is no target such as example.com:5000: ${authority.because}.`);
  const destination = `${authority.host}:${authority.port}`;
  const say = (sentence: string) => console.error(`edgehop: ${sentence}`);
  const clock = machineClock();
  const proxyNow = proxyFinder(options, env, say);
  const first = proxyNow();
  if (first === undefined) runningAgent(options.port, env);
  const ended = new Promise<string>((resolve) => onAskedToEnd(resolve)); // before anyone can tell it to end
  const forwarder = await startForwarder(place, {
    clock,
    say,
    maxConnections,
    idleTimeoutMs,
    open: async (signal) => {
      const proxy = proxyNow();
      return proxy === undefined
        ? noAgent
        : openTunnel({ proxy, target: destination, timeoutMs: openTimeoutMs, signal, clock });
    },
  }).catch((cause) => notListening(cause, place.port));
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  say(`${host}:${forwarder.port} leads to ${destination} through ${first?.name}; end with Ctrl-C`);
  const why = await ended;
  const open = await forwarder.stop();
  say(
    `ended (${why})${open === 0 ? '' : `, ${open} open ${open === 1 ? 'connection was' : 'connections were'} reset`}`,
  );
}

const noAgent: TunnelAnswer = {
  kind: 'failed',
  because: 'no agent is running any more. Start one with `edgehop start`; the next connection finds it.',
};

/**
 * Finds the proxy anew for each connection, for the agent may have been started again, on another port even. One that
 * was used stays chosen while it runs. Nothing when none runs.
 */
function proxyFinder(
  { port, proxy }: ProxyOptions,
  env: NodeJS.ProcessEnv,
  say: (sentence: string) => void,
): () => ProxyAddress | undefined {
  if (proxy !== undefined) {
    const named = namedProxy(proxy);
    return () => named;
  }
  let chosen: number | undefined;
  return () => {
    const agents = runningAgents(port, env);
    const agent = agents.find((each) => each.port === chosen) ?? agents[0];
    if (agent === undefined) return undefined;
    if (chosen === undefined && agents.length > 1)
      say(`${agents.length} agents are running; this is the one on port ${agent.port}, choose another with --port`);
    if (chosen !== undefined && agent.port !== chosen) say(`from here on through the agent on port ${agent.port}`);
    chosen = agent.port;
    return addressOf(agent);
  };
}

function notListening(cause: NodeJS.ErrnoException, port: number): never {
  if (cause.code === 'EADDRINUSE') throw new Exit('failed', `port ${port} is taken. Choose another, or 0 for any.`);
  if (cause.code === 'EACCES')
    throw new Exit('permission', `port ${port} may be opened by the administrator only. Choose one from 1024 on.`);
  throw new Exit('failed', `port ${port} cannot be listened on: ${cause.message}`);
}
