// The local authority and the stores that trust it.
import { expect, test } from 'vitest';
import { type TrustFacts, trustCheck } from '../../../agent/doctor/trust.ts';
import { never, told } from '../../support/situation.ts';

const now = Date.parse('2026-11-22T00:00:00Z');
const day = 86_400_000;
const well: TrustFacts = {
  authority: { folder: '/ca', folderMode: 0o700, keyMode: 0o600, notBefore: now - day, notAfter: now + 365 * day },
  stores: [{ name: 'the system', state: 'trusted' }],
};

async function found(facts: TrustFacts | undefined): Promise<string> {
  return told(await trustCheck({ trust: async () => facts, wallTime: () => now }).run(never));
}

const kept = "pass authority: its key is its owner's alone, its certificate valid until 2027-11-22";
const trusted = 'pass trust stores: trusted by the system';

test('one that is not set up is skipped', async () => {
  expect(await found(undefined)).toBe(
    'skip authority: it is not set up\nskip trust stores: there is no authority to trust',
  );
});

test.each([
  ['as it should be', {}, kept],
  ['on Windows', { keyMode: undefined, folderMode: undefined }, kept],
  ['with an open key', { keyMode: 0o644 }, 'fail authority: others of this machine may reach the key in /ca (0644)'],
  [
    'in an open folder',
    { folderMode: 0o755 },
    'fail authority: others of this machine may reach its folder in /ca (0755)',
  ],
  ['that has ended', { notAfter: now - day }, 'fail authority: its certificate ended on 2026-11-21'],
  ['that ends soon', { notAfter: now + 29 * day }, 'fail authority: its certificate ends on 2026-12-21'],
  [
    'before its time',
    { notBefore: now + day },
    "fail authority: by this machine's clock its certificate is not valid yet",
  ],
])('an authority %s', async (_, parts, expected) => {
  expect(await found({ ...well, authority: { ...well.authority, ...parts } })).toBe(`${expected}\n${trusted}`);
});

test.each([
  [
    [
      { name: 'a', state: 'trusted' },
      { name: 'b', state: 'untrusted' },
      { name: 'c', state: 'untrusted' },
    ],
    'fail trust stores: not trusted by b, c',
  ],
  [
    [
      { name: 'a', state: 'trusted' },
      { name: 'b', state: 'missing' },
      { name: 'c', state: 'unknown' },
    ],
    'pass trust stores: trusted by a; nobody tells of c',
  ],
  [[{ name: 'b', state: 'missing' }], 'skip trust stores: no store was found that could tell'],
] as const)('%j', async (stores, expected) => {
  expect(await found({ ...well, stores })).toBe(`${kept}\n${expected}`);
});
