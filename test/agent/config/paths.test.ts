// Configuration and state lie where the operating system keeps such things, or all under EDGEHOP_HOME.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pathsOf } from '../../../agent/config/paths.ts';

const home = homedir();

test.each(['linux', 'darwin', 'win32'] as const)('EDGEHOP_HOME holds everything, on %s too', (platform) => {
  const env = { EDGEHOP_HOME: '/e', XDG_CONFIG_HOME: '/c', LOCALAPPDATA: '/l' };
  expect(pathsOf(env, platform)).toEqual({ config: '/e', state: join('/e', 'state') });
});

test.each([
  ['linux', {}, join(home, '.config', 'edgehop'), join(home, '.local', 'state', 'edgehop')],
  ['linux', { EDGEHOP_HOME: '' }, join(home, '.config', 'edgehop'), join(home, '.local', 'state', 'edgehop')],
  ['freebsd', { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }, join('/c', 'edgehop'), join('/s', 'edgehop')],
  [
    'linux: an empty or relative one does not count (XDG base directories)',
    { XDG_CONFIG_HOME: '', XDG_STATE_HOME: 'relative' },
    join(home, '.config', 'edgehop'),
    join(home, '.local', 'state', 'edgehop'),
  ],
])('%s with %j', (platform, env, config, state) => {
  expect(pathsOf(env, platform.split(':')[0] as NodeJS.Platform)).toEqual({ config, state });
});

test.each([
  ['darwin', {}, join(home, 'Library', 'Application Support', 'edgehop')],
  ['win32', { LOCALAPPDATA: '/l' }, join('/l', 'edgehop')],
  ['win32', {}, join(home, 'AppData', 'Local', 'edgehop')],
] as const)('%s with %j has state below configuration', (platform, env, folder) => {
  expect(pathsOf(env, platform)).toEqual({ config: folder, state: join(folder, 'state') });
});
