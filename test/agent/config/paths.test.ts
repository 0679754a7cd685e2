// Configuration, state and cache lie where the operating system keeps such things, or all under EDGEHOP_HOME.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathsOf } from '../../../agent/config/paths.ts';

const home = homedir();
const inHome = [
  join(home, '.config', 'edgehop'),
  join(home, '.local', 'state', 'edgehop'),
  join(home, '.cache', 'edgehop'),
] as const;

test.each(['linux', 'darwin', 'win32'] as const)('EDGEHOP_HOME holds everything, on %s too', (platform) => {
  const env = { EDGEHOP_HOME: '/e', XDG_CONFIG_HOME: '/c', LOCALAPPDATA: '/l' };
  expect(pathsOf(env, platform)).toEqual({ config: '/e', state: join('/e', 'state'), cache: join('/e', 'cache') });
});

test.each([
  ['linux', {}, ...inHome],
  ['linux', { EDGEHOP_HOME: '' }, ...inHome],
  [
    'freebsd',
    { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/k' },
    join('/c', 'edgehop'),
    join('/s', 'edgehop'),
    join('/k', 'edgehop'),
  ],
  [
    'linux: an empty or relative one does not count (XDG base directories)',
    { XDG_CONFIG_HOME: '', XDG_STATE_HOME: 'relative', XDG_CACHE_HOME: 'relative' },
    ...inHome,
  ],
] as const)('%s with %j', (platform, env, config, state, cache) => {
  expect(pathsOf(env, platform.split(':')[0] as NodeJS.Platform)).toEqual({ config, state, cache });
});

test.each([
  ['darwin', {}, join(home, 'Library', 'Application Support', 'edgehop'), join(home, 'Library', 'Caches', 'edgehop')],
  ['win32', { LOCALAPPDATA: '/l' }, join('/l', 'edgehop'), join('/l', 'edgehop', 'cache')],
  ['win32', {}, join(home, 'AppData', 'Local', 'edgehop'), join(home, 'AppData', 'Local', 'edgehop', 'cache')],
] as const)('%s with %j has state below configuration', (platform, env, folder, cache) => {
  expect(pathsOf(env, platform)).toEqual({ config: folder, state: join(folder, 'state'), cache });
});
