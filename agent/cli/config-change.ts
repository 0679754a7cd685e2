// Changes the configuration file on behalf of a verb, and says in words why it could not.
import { join, resolve } from 'node:path';
import { type Edited, editConfigFile } from '../config/edit.ts';
import type { Edit } from '../config/edited-text.ts';
import { mistakesInWords } from '../config/in-effect.ts';
import { fileName, type Loaded, loadConfig, parseConfig, readIfThere } from '../config/load.ts';
import { pathsOf } from '../config/paths.ts';
import { Exit } from './exit.ts';

export interface ConfigFile {
  /** Of the file that `start` would read, or that would be made. */
  readonly path: string;
  readonly loaded: Loaded;
}

/** The file that is named, by option or EDGEHOP_CONFIG, else the one that `start` would read. It need not be there yet. */
export function configFile(option: string | undefined, env: NodeJS.ProcessEnv): ConfigFile {
  const paths = pathsOf(env, process.platform);
  const named = option || env['EDGEHOP_CONFIG'];
  const path = named ? resolve(named) : undefined;
  const loaded = attempted(path ?? fileName, 'read', () =>
    path !== undefined && readIfThere(path) === undefined
      ? parseConfig('', path)
      : loadConfig(path, paths, process.cwd()),
  );
  return { path: path ?? loaded.path ?? join(paths.config, fileName), loaded };
}

/** What the file says. Ends the verb with 78 where it is not right. */
export function rightConfig({ loaded }: ConfigFile): Extract<Loaded, { kind: 'loaded' }>['config'] {
  if (loaded.kind === 'loaded') return loaded.config;
  throw new Exit('configuration', `the configuration is not right.\n${mistakesInWords(loaded)}`);
}

/** Gives the path that was written to. With `isSecret` nobody but its owner may read the file from then on. */
export function changeConfig(path: string, edits: readonly Edit[], isSecret = false): string {
  const edited = attempted(path, 'changed', () => editConfigFile(path, edits, isSecret));
  if (edited.kind === 'refused') throw refused(edited);
  return edited.path;
}

function attempted<T>(path: string, done: 'read' | 'changed', act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'EACCES' || code === 'EPERM' ? 'permission' : 'failed';
    throw new Exit(reason, `${path} cannot be ${done}: ${message}`);
  }
}

function refused({ path, because, mistakes }: Extract<Edited, { kind: 'refused' }>): Exit {
  if (because === 'changed-meanwhile') return new Exit('failed', `${path} was changed by somebody else: try again.`);
  const what =
    because === 'before' ? 'the configuration is not right, so that nothing is written.' : 'this would not be right.';
  return new Exit('configuration', `${what}\n${mistakesInWords({ kind: 'wrong', path, mistakes })}`);
}
