// Where wrangler is looked for, and what of the environment it gets.
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { wranglerCandidates, wranglerEnvironment } from '../../../agent/cli/wrangler.ts';

test('wrangler is looked for as a module that Node runs, before what a shell would run', () => {
  const path = ['/project/node_modules/.bin', '', '/usr/bin'].join(delimiter);
  expect(wranglerCandidates(path, 'linux')).toEqual([
    '/project/node_modules/wrangler/bin/wrangler.js',
    '/project/node_modules/.bin/node_modules/wrangler/bin/wrangler.js',
    '/project/node_modules/.bin/wrangler',
    '/usr/wrangler/bin/wrangler.js',
    '/usr/bin/node_modules/wrangler/bin/wrangler.js',
    '/usr/bin/wrangler',
  ]);
});

test('on Windows only as a module: what a shell would run is no program there', () => {
  const candidates = wranglerCandidates(join('/npm'), 'win32');
  expect(candidates).toEqual(['/wrangler/bin/wrangler.js', '/npm/node_modules/wrangler/bin/wrangler.js']);
});

test('wrangler gets the login of the user, and nothing that is ours', () => {
  const given = {
    PATH: '/bin',
    CLOUDFLARE_API_TOKEN: 'of-cloudflare',
    EDGEHOP_TOKEN: 'of-the-edge',
    EDGEHOP_HOME: '/x',
  };
  expect(wranglerEnvironment(given, '/tmp/output')).toEqual({
    PATH: '/bin',
    CLOUDFLARE_API_TOKEN: 'of-cloudflare',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_LOG_SANITIZE: 'true',
    WRANGLER_OUTPUT_FILE_PATH: '/tmp/output',
  });
});

test('a user who wants telemetry has it, but nobody has secrets written to the log', () => {
  const env = wranglerEnvironment({ WRANGLER_SEND_METRICS: 'true', WRANGLER_LOG_SANITIZE: 'false' }, '/tmp/output');
  expect(env).toMatchObject({ WRANGLER_SEND_METRICS: 'true', WRANGLER_LOG_SANITIZE: 'true' });
});
