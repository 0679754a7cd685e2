// How a service starts the agent.
import { expect, test } from 'vitest';
import { commandOf, unkeptVariables } from '../../../agent/cli/service-command.ts';

const around = {
  node: '/n',
  bin: '/b',
  env: {},
  paths: { config: '/c', state: '/s', cache: '/x' },
  platform: 'linux',
  home: '/home/u',
  drainTimeoutMs: 30_000,
} as const;

test('options of start are passed on, and what says where folders are', () => {
  const options = {
    port: 1,
    host: '::1',
    controlPort: 2,
    config: '/a b',
    edge: 'none',
    allowPrivate: true,
    cache: false,
    log: 'json',
  } as const;
  expect(
    commandOf(options, {
      ...around,
      env: { EDGEHOP_HOME: '/h', XDG_STATE_HOME: '', EDGEHOP_PORT: '9', HTTPS_PROXY: 'x' },
    }),
  ).toEqual({
    node: '/n',
    bin: '/b',
    args: [
      '--port',
      '1',
      '--host',
      '::1',
      '--control-port',
      '2',
      '--config',
      '/a b',
      '--edge',
      'none',
      '--allow-private',
      '--no-cache',
      '--log',
      'json',
    ],
    environment: { EDGEHOP_HOME: '/h' },
    workingDirectory: '/s',
    stopTimeoutMs: 40_000,
  });
  expect(commandOf({ cache: true, allowPrivate: false }, around).args).toEqual([]);
});

test.each([
  ['linux', undefined],
  ['darwin', '/home/u/Library/Logs/edgehop'],
  ['win32', '/s/logs'],
] as const)('on %s, logs go to %s', (platform, folder) => {
  expect(commandOf({}, { ...around, platform }).logFolder).toBe(folder);
});

test('variables that the service does not see are named', () => {
  const env = {
    EDGEHOP_HOME: '/h',
    EDGEHOP_CONFIG: '/c',
    EDGEHOP_TOKEN: 't',
    EDGEHOP_PORT: '',
    https_proxy: 'p',
    NO_PROXY: 'n',
    PATH: '/bin',
  };
  expect(unkeptVariables(env)).toEqual(['EDGEHOP_TOKEN', 'https_proxy']);
});
