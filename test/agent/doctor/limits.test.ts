// Open files and space on disk.
import { expect, test } from 'vitest';
import { diskCheck, openFilesCheck } from '../../../agent/doctor/limits.ts';
import { agentWith, never, situationWith, told } from '../../support/situation.ts';

const need = '10000 clients and 256 connections to an edge take 10320';

test.each([
  ['enough', [], 10_320, undefined, 'linux', `pass open files: edgehop may have 10320 open; ${need}`],
  ['one too few', [], 10_319, undefined, 'linux', `fail open files: edgehop may have 10319 open; ${need}`],
  [
    'no end',
    [],
    Number.POSITIVE_INFINITY,
    undefined,
    'darwin',
    `pass open files: edgehop may have any number open; ${need}`,
  ],
  ['nobody tells', [], undefined, undefined, 'linux', 'skip open files: the system does not tell the limit'],
  ['Windows', [], 1, undefined, 'win32', 'skip open files: Windows has no such limit'],
  [
    'a running agent with few',
    [agentWith()],
    20_000,
    1_024,
    'linux',
    `fail open files: the agent on port 8080 may have 1024 open; ${need}`,
  ],
  [
    'a running agent that tells nothing',
    [agentWith()],
    20_000,
    undefined,
    'darwin',
    `pass open files: edgehop may have 20000 open; ${need}`,
  ],
] as const)('%s', async (_, agents, own, ofAgent, platform, expected) => {
  const openFiles = (pid?: number) => (pid === undefined ? own : ofAgent);
  expect(told(await openFilesCheck(situationWith({ agents }), { openFiles, platform }).run(never))).toBe(expected);
});

const cache = (parts: object) => ({ cache: { agent: parts } });
const gib = 1024 ** 3;

test.each([
  ['enough', {}, 2 * gib, true, 'pass disk: 2.00 GiB are free for /home/me/cache; the cache may take 1.00 GiB'],
  [
    'too little',
    {},
    1024 * 1024,
    true,
    'fail disk: 1.00 MiB are free for /home/me/cache; one response alone may take 128 MiB',
  ],
  ['none', {}, 0, true, 'fail disk: 0 octets are free for /home/me/cache; one response alone may take 128 MiB'],
  ['read-only', {}, 2 * gib, false, 'fail disk: /home cannot be written to, so that the cache is in memory alone'],
  ['memory only', cache({ diskBytes: 0 }), 0, false, 'skip disk: the cache is in memory alone: diskBytes is 0'],
  ['no cache', { cache: { agent: false } }, 0, false, 'skip disk: the agent stores nothing: cache.agent is false'],
])('%s', async (_, config, freeBytes, isWritable, expected) => {
  const check = diskCheck(situationWith({ config }), { space: () => ({ folder: '/home', freeBytes, isWritable }) });
  expect(told(await check.run(never))).toBe(expected);
});
