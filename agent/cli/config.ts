// `edgehop config validate | print | schema`: what the configuration says, where it is mistaken, and what it may say.
import type { Config } from '../../schemas/config.ts';
import { configSchema } from '../config/json-schema.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { optionsOf, type StartOptions, withOptions } from '../config/overrides.ts';
import { pathsOf } from '../config/paths.ts';
import { Exit } from './exit.ts';

/** Says on stdout that the file is right; ends with 78 and every mistake's line and column when it is not. */
export function validate(file: string | undefined, env: NodeJS.ProcessEnv): void {
  const { path } = rightOrExit(loadConfig(file, pathsOf(env, process.platform), process.cwd()));
  console.log(path === undefined ? 'There is no configuration file: all is default.' : `${path} is right.`);
}

/** Prints the configuration in effect as JSON. Tokens and credentials are replaced. */
export function print(file: string | undefined, env: NodeJS.ProcessEnv): void {
  const { config } = configInEffect(file === undefined ? {} : { config: file }, env);
  console.log(JSON.stringify(withoutSecrets(config), undefined, 2));
}

/** Prints the configuration's JSON Schema, for the `$schema` of a file. */
export function schema(): void {
  console.log(JSON.stringify(configSchema(), undefined, 2));
}

export interface InEffect {
  readonly config: Config;
  /** Nothing when there is no file. */
  readonly path: string | undefined;
}

/** The configuration of the file, the environment and the options, of which the later wins; or an exit that says what is wrong. */
export function configInEffect(options: StartOptions, env: NodeJS.ProcessEnv): InEffect {
  const given = optionsOf(env);
  if (given.kind === 'wrong') throw new Exit('configuration', given.because);
  const together = { ...given.options, ...options };
  const { config, path } = rightOrExit(loadConfig(together.config, pathsOf(env, process.platform), process.cwd()));
  const configured = withOptions(config, together);
  if (configured.kind === 'wrong') throw new Exit('usage', configured.because);
  const { use } = configured.config.edge;
  if (options.token !== undefined && (use === 'embedded' || use === 'none'))
    throw new Exit(
      'usage',
      `--token is the token of a deployed edge, and the edge is ${use}: add --edge URL or --edge NAME.`,
    );
  return { config: configured.config, path };
}

function rightOrExit(loaded: Loaded): Extract<Loaded, { kind: 'loaded' }> {
  if (loaded.kind === 'loaded') return loaded;
  const mistakes = loaded.mistakes.map(({ line, column, message }) => `${loaded.path}:${line}:${column}: ${message}`);
  throw new Exit('configuration', `the configuration is not right.\n${mistakes.join('\n')}`);
}

const secret = '(secret)';

function withoutSecrets(config: Config): Config {
  const { edge, parents } = config;
  const shown = (url: string | undefined) => url?.replace(/^([a-z0-9]+:\/\/)?[^@]*@/i, `$1${secret}@`);
  const named = Object.entries(parents).map(([key, value]) => [key, typeof value === 'string' ? shown(value) : value]);
  return {
    ...config,
    edge: { ...edge, edges: edge.edges.map((each) => ({ ...each, token: secret })) },
    parents: Object.fromEntries(named) as Config['parents'],
  };
}
