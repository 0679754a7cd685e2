// `edgehop edge add NAME URL`: puts a deployed edge with its token into the configuration, once it has answered.
import type { Config, NamedEdge } from '../../schemas/config.ts';
import { machineClock } from '../clock.ts';
import type { Edit } from '../config/edited-text.ts';
import { changeConfig, configFile, rightConfig } from './config-change.ts';
import { edgeFromHere } from './edge-from-here.ts';
import { greet } from './edge-greeting.ts';
import { indexOfEdge, judgedUrl, judgeName, judgeToken } from './edge-names.ts';
import { givenToken, type TokenOptions } from './edge-token.ts';
import { helloInWords } from './edge-words.ts';
import { Exit } from './exit.ts';

export interface AddOptions extends TokenOptions {
  readonly config?: string;
  readonly replace?: boolean;
  /** False stores without asking the edge. */
  readonly verify: boolean;
}

/** Says on stdout what was added where. */
export async function addEdge(name: string, text: string, options: AddOptions, env: NodeJS.ProcessEnv): Promise<void> {
  judgeName(name);
  const url = judgedUrl(text);
  const file = configFile(options.config, env);
  const config = rightConfig(file);
  const known = indexOfEdge(config.edge.edges, name) !== -1;
  if (known && options.replace !== true)
    throw new Exit('usage', `there is an edge "${name}" already: --replace puts this one in its place.`);
  const token = await givenToken(options, env, url);
  judgeToken(token);
  const edge = { name, url, token };
  const words = options.verify ? await verified(edge, config, env) : 'not asked';
  const written = changeConfig(file.path, storing(edge, config.edge.edges), true);
  console.log(`${name} is ${known ? 'replaced in' : 'added to'} ${written}: ${words}.`);
  if (config.edge.use !== name) console.error(`edgehop: \`edgehop edge use ${name}\` lets exchanges go by it.`);
}

/** The edits that put an edge into the list, or give the one of its name another URL and token. */
export function storing(edge: NamedEdge, edges: readonly NamedEdge[]): readonly Edit[] {
  const index = indexOfEdge(edges, edge.name);
  const path = ['edge', 'edges', index];
  if (index === -1) return [{ path, value: edge }];
  return [
    { path: [...path, 'url'], value: edge.url },
    { path: [...path, 'token'], value: edge.token },
  ];
}

async function verified(edge: NamedEdge, config: Config, env: NodeJS.ProcessEnv): Promise<string> {
  const clock = machineClock();
  await using link = edgeFromHere(edge, config, env, clock);
  const greeting = await greet(link, clock);
  if (greeting.kind === 'answers') return helloInWords(greeting.hello);
  throw new Exit(
    'unavailable',
    `nothing is stored, for ${edge.url} could not be verified. ${greeting.because} --no-verify stores it all the same.`,
  );
}
