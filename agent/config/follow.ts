// Follows the configuration file: what it says is put in force while the agent runs, and what is wrong leaves all as it was.
import { join, resolve } from 'node:path';
import { stripComments } from 'jsonc-parser';
import type { Config } from '../../schemas/config.ts';
import { textInEffect } from './in-effect.ts';
import { fileName } from './load.ts';
import { type Environment, optionsOf, type StartOptions } from './overrides.ts';
import { pathsOf } from './paths.ts';
import type { WatchPorts } from './watch.ts';

/** What can be told of the configuration while it runs. */
export interface FollowPorts {
  /** Of the command line: they stay in force over whatever the file says. */
  readonly options: StartOptions;
  readonly env: Environment;
  /** Puts another one in force. */
  readonly reload: (
    config: Config,
    path: string,
  ) => Promise<
    | { readonly kind: 'applied'; readonly later: readonly string[] }
    | { readonly kind: 'unchanged' }
    | { readonly kind: 'refused'; readonly because: string }
  >;
  /** Notes why the file, as it stands, is not in force. */
  readonly kept: (problem: string) => void;
  readonly say: (sentence: string) => void;
}

/** What the watch of the file is to tell. */
export type Following = Pick<WatchPorts, 'onText' | 'onGone'>;

export function follow({ options, env, reload, kept, say }: FollowPorts): Following {
  let isKept = false;
  const keep = (path: string, because: string) => {
    isKept = true;
    kept(because);
    say(`${path}: ${because}\nWhat was in force before stays so.`);
  };
  return {
    onGone: (path, because) => keep(path, `${because}.`),
    onText: (text, path, isAsked) => {
      // Written in two steps it is empty in between, and an empty one would be all defaults.
      if (stripComments(text).trim() === '') return keep(path, 'it is empty; all defaults would be {}.');
      const read = textInEffect(text, path, options, env);
      if (read.kind === 'wrong') return keep(path, read.because);
      void reload(read.config, path).then((reloaded) => {
        if (reloaded.kind === 'refused') return keep(path, reloaded.because);
        const wasKept = isKept;
        isKept = false;
        if (reloaded.kind === 'unchanged') return wasKept || isAsked ? say(`${path} says what is in force`) : undefined;
        const { later } = reloaded;
        const rest = later.length === 0 ? '' : `; heeded from the next start on: ${later.join(', ')}`;
        return say(`${path} has changed and is in force${rest}`);
      });
    },
  };
}

/** The files that the configuration may come from, as the start looks for them: `path` where one was found. */
export function watchedPaths(
  path: string | undefined,
  options: StartOptions,
  env: Environment,
  workingDirectory: string,
): readonly string[] {
  if (path !== undefined) return [path];
  const given = optionsOf(env);
  const named = options.config ?? (given.kind === 'read' ? given.options.config : undefined);
  if (named !== undefined) return [resolve(workingDirectory, named)];
  return [workingDirectory, pathsOf(env, process.platform).config].map((folder) => join(folder, fileName));
}
