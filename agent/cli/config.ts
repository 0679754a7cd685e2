// `edgehop config validate | print`: what the configuration file says, and where it is mistaken.
import { type Loaded, loadConfig } from '../config/load.ts';
import { pathsOf } from '../config/paths.ts';
import { Exit } from './exit.ts';

/** Says on stdout that the file is right; ends with 78 and every mistake's line and column when it is not. */
export function validate(file: string | undefined, env: NodeJS.ProcessEnv): void {
  const { path } = rightOrExit(loadConfig(file, pathsOf(env, process.platform), process.cwd()));
  console.log(path === undefined ? 'There is no configuration file: all is default.' : `${path} is right.`);
}

/** Prints the configuration in effect as JSON. Tokens are replaced. */
export function print(file: string | undefined, env: NodeJS.ProcessEnv): void {
  const { config } = rightOrExit(loadConfig(file, pathsOf(env, process.platform), process.cwd()));
  const edges = config.edge.edges.map((edge) => ({ ...edge, token: '(secret)' }));
  console.log(JSON.stringify({ ...config, edge: { ...config.edge, edges } }, undefined, 2));
}

/** The configuration, or an exit that tells every mistake as `file:line:column: message`. */
export function rightOrExit(loaded: Loaded): Extract<Loaded, { kind: 'loaded' }> {
  if (loaded.kind === 'loaded') return loaded;
  const mistakes = loaded.mistakes.map(({ line, column, message }) => `${loaded.path}:${line}:${column}: ${message}`);
  throw new Exit('configuration', `the configuration is not right.\n${mistakes.join('\n')}`);
}
