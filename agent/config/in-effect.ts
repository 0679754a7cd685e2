// The configuration in effect: what a file says, and over it what the environment and the command line say.
import type { Config } from '../../schemas/config.ts';
import { type Loaded, loadConfig, parseConfig } from './load.ts';
import { type Environment, optionsOf, type StartOptions, withOptions } from './overrides.ts';
import { pathsOf } from './paths.ts';

export type InEffect =
  /** `path`: nothing when there is no file. */
  | { readonly kind: 'configured'; readonly config: Config; readonly path: string | undefined }
  /** Sentences. `usage`: it is not the file that is wrong, but the options. */
  | { readonly kind: 'wrong'; readonly what: 'configuration' | 'usage'; readonly because: string };

/** The configuration of the file, the environment and the options of the command line, of which the later wins. */
export function configInEffect(options: StartOptions, env: Environment, workingDirectory: string): InEffect {
  const together = allOptions(options, env);
  if (together.kind === 'wrong') return together;
  const loaded = loadConfig(together.options.config, pathsOf(env, process.platform), workingDirectory);
  return inEffect(loaded, together.options, options);
}

/** The same where the file says this text. */
export function textInEffect(text: string, path: string, options: StartOptions, env: Environment): InEffect {
  const together = allOptions(options, env);
  return together.kind === 'wrong' ? together : inEffect(parseConfig(text, path), together.options, options);
}

/** The mistakes of a file, a line each. */
export function mistakesInWords({ path, mistakes }: Extract<Loaded, { kind: 'wrong' }>): string {
  return mistakes.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`).join('\n');
}

type AllOptions = { readonly kind: 'options'; readonly options: StartOptions } | Extract<InEffect, { kind: 'wrong' }>;

function allOptions(options: StartOptions, env: Environment): AllOptions {
  const given = optionsOf(env);
  if (given.kind === 'wrong') return { kind: 'wrong', what: 'configuration', because: given.because };
  return { kind: 'options', options: { ...given.options, ...options } };
}

function inEffect(loaded: Loaded, options: StartOptions, given: StartOptions): InEffect {
  if (loaded.kind === 'wrong') {
    const because = `the configuration is not right.\n${mistakesInWords(loaded)}`;
    return { kind: 'wrong', what: 'configuration', because };
  }
  const configured = withOptions(loaded.config, options);
  if (configured.kind === 'wrong') return { kind: 'wrong', what: 'usage', because: configured.because };
  const { use } = configured.config.edge;
  if (given.token !== undefined && (use === 'embedded' || use === 'none')) {
    const because = `--token is the token of a deployed edge, and the edge is ${use}: add --edge URL or --edge NAME.`;
    return { kind: 'wrong', what: 'usage', because };
  }
  return { kind: 'configured', config: configured.config, path: loaded.path };
}
