// `edgehop edge status`: every edge of the configuration, asked at once, and which of them is in use.
import { readiness } from '../../schemas/api.ts';
import type { Config, NamedEdge } from '../../schemas/config.ts';
import type { EdgeGreeting, EdgeStatus } from '../../schemas/edge-status.ts';
import { type Clock, machineClock } from '../clock.ts';
import { configInEffect } from './config.ts';
import { edgeFromHere } from './edge-from-here.ts';
import { greet } from './edge-greeting.ts';
import { whyNotUsed } from './edge-names.ts';
import { statusInWords } from './edge-words.ts';
import { Exit } from './exit.ts';
import { runningAgents } from './running-agent.ts';
import { trustAsConfigured } from './trust-as-configured.ts';

export interface StatusOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** Prints the report. Ends with 69 where the edge in use does not answer. */
export async function edgeStatus(options: StatusOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const { config, path } = configInEffect(options.config === undefined ? {} : { config: options.config }, env);
  trustAsConfigured(config, path, env);
  const clock = machineClock();
  const { edges, use } = config.edge;
  const inUse = edges.find(({ name, url }) => name === use || url === use)?.name ?? use;
  const because = whyNotUsed(inUse, config);
  if (because !== undefined) throw new Exit('configuration', because);
  const [greeted, agents] = await Promise.all([
    Promise.all(edges.map((edge) => greetedEdge(edge, config, env, clock))),
    Promise.all(runningAgents(undefined, env).map(agentStatus)),
  ]);
  const status: EdgeStatus = { inUse, edges: greeted, agents };
  const hasColour = process.stdout.isTTY === true && !env['NO_COLOR'];
  console.log(options.json === true ? JSON.stringify(status) : statusInWords(status, hasColour));
  const failing = failureOf(status);
  if (failing !== undefined) throw new Exit('unavailable', failing);
}

async function greetedEdge(
  edge: NamedEdge,
  config: Config,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<EdgeStatus['edges'][number]> {
  const { name, url } = edge;
  try {
    await using link = edgeFromHere(edge, config, env, clock);
    return { name, url, greeting: await greet(link, clock) };
  } catch (cause) {
    const greeting: EdgeGreeting = {
      kind: 'unavailable',
      because: cause instanceof Error ? cause.message : String(cause),
    };
    return { name, url, greeting };
  }
}

/** `/ready` asks for no token, and answers 503 with the same content where the agent is not ready. */
async function agentStatus(agent: {
  readonly port: number;
  readonly controlPort: number;
}): Promise<EdgeStatus['agents'][number]> {
  const answer = await fetch(`http://127.0.0.1:${agent.controlPort}/ready`).catch(() => undefined);
  const state = readiness.safeParse(await answer?.json().catch(() => undefined));
  return { port: agent.port, edge: state.success ? state.data.edge : 'unknown' };
}

/** Why what is in use cannot be used; an embedded edge that no agent has started yet is no failure. */
function failureOf({ inUse, edges, agents }: EdgeStatus): string | undefined {
  const used = edges.find(({ name }) => name === inUse);
  if (used?.greeting.kind === 'unavailable') return `the edge in use, ${used.name}, does not answer.`;
  if (inUse === 'embedded' && agents.some(({ edge }) => edge === 'unavailable'))
    return 'the edge in use, embedded, is not available.';
  return undefined;
}
