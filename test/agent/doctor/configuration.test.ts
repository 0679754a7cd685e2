// A configuration and who may read it.
import { expect, test } from 'vitest';
import { configurationCheck } from '../../../agent/doctor/configuration.ts';
import type { Situation } from '../../../agent/doctor/situation.ts';
import { never, situationWith, told } from '../../support/situation.ts';

const file: Situation['read'] = { kind: 'right', path: '/f.jsonc' };
const secretive = { edge: { edges: [{ name: 'home', url: 'https://e.example', token: 'x'.repeat(16) }] } };
const right = 'pass configuration: /f.jsonc is right\n';

test.each([
  [
    'no file',
    { kind: 'right', path: undefined } as const,
    {},
    0o644,
    'linux',
    'pass configuration: there is no file: all is default',
  ],
  [
    'a wrong one',
    { kind: 'wrong', because: 'f:1:1: Unknown key.' } as const,
    {},
    0o644,
    'linux',
    'fail configuration: f:1:1: Unknown key.',
  ],
  ['one without secrets', file, {}, 0o644, 'linux', `${right}skip configuration file: it holds no secret`],
  [
    'one of the owner',
    file,
    secretive,
    0o600,
    'linux',
    `${right}pass configuration file: it holds secrets, and only its owner may read it (0600)`,
  ],
  [
    'one that all may read',
    file,
    secretive,
    0o644,
    'linux',
    `${right}fail configuration file: it holds secrets, and others of this machine may read or change it (0644)`,
  ],
  [
    'one that a group may write',
    file,
    secretive,
    0o620,
    'darwin',
    `${right}fail configuration file: it holds secrets, and others of this machine may read or change it (0620)`,
  ],
  [
    'one with a password of a parent',
    file,
    { parents: { http: 'http://a:long-password@p' } },
    0o604,
    'linux',
    `${right}fail configuration file: it holds secrets, and others of this machine may read or change it (0604)`,
  ],
  [
    'one on Windows',
    file,
    secretive,
    0o666,
    'win32',
    `${right}skip configuration file: who may read a file is not told by permissions on Windows`,
  ],
  [
    'one that nobody may look at',
    file,
    secretive,
    undefined,
    'linux',
    `${right}skip configuration file: its permissions cannot be read`,
  ],
] as const)('%s', async (_, read, config, mode, platform, expected) => {
  const check = configurationCheck(situationWith({ read, config }), { mode: () => mode, platform });
  expect(told(await check.run(never))).toBe(expected);
});
