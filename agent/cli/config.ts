// `edgehop config validate | print | schema`: what the configuration says, where it is mistaken, and what it may say.
import type { Config } from '../../schemas/config.ts';
import { configInEffect as inEffect, mistakesInWords } from '../config/in-effect.ts';
import { configSchema } from '../config/json-schema.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import type { StartOptions } from '../config/overrides.ts';
import { pathsOf } from '../config/paths.ts';
import { withoutSecrets } from '../config/secrets.ts';
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
  const read = inEffect(options, env, process.cwd());
  if (read.kind === 'wrong') throw new Exit(read.what, read.because);
  return read;
}

function rightOrExit(loaded: Loaded): Extract<Loaded, { kind: 'loaded' }> {
  if (loaded.kind === 'loaded') return loaded;
  throw new Exit('configuration', `the configuration is not right.\n${mistakesInWords(loaded)}`);
}
