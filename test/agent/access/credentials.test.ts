// A name and password are verified once and then known; guesses are few at once, few a second, and tell nothing.
import { describe, expect, test } from 'vitest';
import { createBuckets } from '../../../agent/access/buckets.ts';
import { createVerify, maxVerifications } from '../../../agent/access/credentials.ts';
import { hashOf } from '../../../agent/access/password-hash.ts';
import { stillClock } from '../../support/walk.ts';

const cheap = { cost: 2, parallelism: 1 };
const anna = { name: 'anna', hash: await hashOf('secret', cheap) };
const bob = { name: 'bob', hash: await hashOf('other', cheap) };

function verifier({ reserve = 100, ownSecret }: { readonly reserve?: number; readonly ownSecret?: string } = {}) {
  const clock = stillClock();
  const guesses = createBuckets({ perSecond: 1, reserve, maxClients: 100 }, clock);
  return { clock, guesses, verify: createVerify({ config: [anna, bob], guesses, ownSecret }) };
}

describe('a name and password', () => {
  test.each([
    ['anna', 'secret', 'right'],
    ['bob', 'other', 'right'],
    ['anna', 'other', 'wrong'],
    ['anna', '', 'wrong'],
    ['carl', 'secret', 'wrong'],
    ['Anna', 'secret', 'wrong'],
    ['', 'secret', 'wrong'],
    ['', '', 'wrong'],
    // HMAC takes keys with and without NUL octets behind them for the same.
    ['anna', 'secret\0', 'wrong'],
    ['anna', 'secret\0\0', 'wrong'],
    ['anna', 'secret\n', 'wrong'],
  ])('%s with %j is %s', async (name, password, verdict) => {
    expect(await verifier().verify('c', name, password)).toBe(verdict);
  });

  test('is verified once, and then known at once', async () => {
    const { verify } = verifier();
    const first = verify('c', 'anna', 'secret');
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe('right');
    expect(verify('c', 'anna', 'secret')).toBe('right');
    expect(verify('another client', 'anna', 'secret')).toBe('right');
    expect(verify('c', 'anna', 'secreT')).toBeInstanceOf(Promise);
  });

  test('is verified once, though many ask at once', async () => {
    const { verify } = verifier();
    const all = Array.from({ length: 50 }, () => verify('c', 'anna', 'secret'));
    expect(new Set(all).size).toBe(1);
    expect(await Promise.all(all)).toEqual(Array(50).fill('right'));
  });

  test('is not mistaken for another that reads the same without its colon', async () => {
    const { verify } = verifier();
    await verify('c', 'anna', 'secret');
    expect(await verify('c', 'ann', 'asecret')).toBe('wrong');
    expect(await verify('c', 'anna\0', 'secret')).toBe('wrong');
  });
});

describe('guessing', () => {
  test(`no more than ${maxVerifications} are verified at once, and beyond that nothing is`, async () => {
    const { verify } = verifier();
    const crowd = Array.from({ length: 20 }, (_, i) => verify(`client ${i}`, 'anna', `guess ${i}`));
    const verdicts = await Promise.all(crowd);
    expect(verdicts.filter((verdict) => verdict === 'wrong')).toHaveLength(maxVerifications);
    expect(verdicts.filter((verdict) => verdict === 'too-many')).toHaveLength(20 - maxVerifications);
    expect(await verify('client 0', 'anna', 'secret')).toBe('right');
  });

  test('a client that has guessed too often waits; who is known, and other clients, do not', async () => {
    const { verify, clock } = verifier({ reserve: 3 });
    await verify('guesser', 'bob', 'other');
    for (let i = 0; i < 3; i++) expect(await verify('guesser', 'anna', `guess ${i}`)).toBe('wrong');
    expect(verify('guesser', 'anna', 'secret')).toBe('too-many');
    expect(verify('guesser', 'bob', 'other')).toBe('right');
    expect(await verify('somebody', 'anna', 'secret')).toBe('right');
    clock.at += 1_000;
    expect(await verify('guesser', 'anna', 'guess')).toBe('wrong');
    expect(verify('guesser', 'anna', 'another guess')).toBe('too-many');
  });

  test('what was right does not count as a guess', async () => {
    const { verify } = verifier({ reserve: 1 });
    expect(await verify('c', 'anna', 'secret')).toBe('right');
    expect(await verify('c', 'bob', 'other')).toBe('right');
    expect(await verify('c', 'bob', 'wrong')).toBe('wrong');
    expect(verify('c', 'bob', 'wrong again')).toBe('too-many');
  });
});

test('the verbs of this machine show a secret of their own under no name', () => {
  const { verify } = verifier({ ownSecret: 'token' });
  expect(verify('c', '', 'token')).toBe('right');
  expect(verify('c', '', 'tokem')).toBe('wrong');
  expect(verifier().verify('c', '', 'token')).toBe('wrong');
});

test.each([
  ['a hash that is none', [{ name: 'a', hash: 'scrypt:3:1:1:AAAA:AAAA' }]],
  ['a user that stands twice', [anna, anna]],
])('%s stops the start', (_, config) => {
  const { guesses } = verifier();
  expect(() => createVerify({ config, guesses, ownSecret: undefined })).toThrow(
    expect.objectContaining({ type: 'proxy_configuration_error' }),
  );
});
