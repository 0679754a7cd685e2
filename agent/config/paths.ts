// Where configuration, state and cache live: under EDGEHOP_HOME, else where the operating system keeps such things.
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Paths {
  /** Where `edgehop.jsonc` is looked for after the working directory. */
  readonly config: string;
  readonly state: string;
  /** What may be thrown away at any time while no agent runs. */
  readonly cache: string;
}

/** The folders, by the XDG base directories, `Library` or `AppData`. */
export function pathsOf(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Paths {
  const home = env['EDGEHOP_HOME'];
  if (home !== undefined && home !== '')
    return { config: home, state: join(home, 'state'), cache: join(home, 'cache') };
  if (platform === 'darwin') {
    const folder = join(homedir(), 'Library', 'Application Support', 'edgehop');
    return { config: folder, state: join(folder, 'state'), cache: join(homedir(), 'Library', 'Caches', 'edgehop') };
  }
  if (platform === 'win32') {
    const folder = join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'edgehop');
    return { config: folder, state: join(folder, 'state'), cache: join(folder, 'cache') };
  }
  return {
    config: join(xdgFolder(env['XDG_CONFIG_HOME']) ?? join(homedir(), '.config'), 'edgehop'),
    state: join(xdgFolder(env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state'), 'edgehop'),
    cache: join(xdgFolder(env['XDG_CACHE_HOME']) ?? join(homedir(), '.cache'), 'edgehop'),
  };
}

/** An empty or relative one does not count, says the specification. */
function xdgFolder(folder: string | undefined): string | undefined {
  return folder !== undefined && isAbsolute(folder) ? folder : undefined;
}
