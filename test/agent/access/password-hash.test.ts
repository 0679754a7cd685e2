// Passwords are held as scrypt says, with a salt of their own, and what a hash may cost is bounded.
import { describe, expect, test } from 'vitest';
import { hashOf, isPasswordOf, parseHash } from '../../../agent/access/password-hash.ts';
import { config } from '../../../schemas/config.ts';

const cheap = { cost: 2, parallelism: 1 };

/** RFC 7914 12. */
const vector = Buffer.from(
  'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  'hex',
);

test('it is scrypt', async () => {
  const text = `scrypt:1024:8:16:${Buffer.from('NaCl').toString('base64url')}:${vector.toString('base64url')}`;
  expect(parseHash(text)).toBeUndefined(); // so short a salt is not taken
  const hash = { cost: 1024, blockSize: 8, parallelism: 16, salt: Buffer.from('NaCl'), key: vector };
  expect(await isPasswordOf('password', hash)).toBe(true);
  expect(await isPasswordOf('passwore', hash)).toBe(false);
});

test('a password is the one of its hash, and no other is', async () => {
  const hash = parseHash(await hashOf('pass:wörd', cheap));
  expect(hash).toBeDefined();
  if (hash === undefined) return;
  expect(await isPasswordOf('pass:wörd', hash)).toBe(true);
  expect(await isPasswordOf('pass:wo\u0308rd', hash)).toBe(true); // RFC 7617 2.1: the same text
  for (const other of ['', 'pass:word', 'pass:wörd ', 'PASS:WÖRD']) expect(await isPasswordOf(other, hash)).toBe(false);
});

test('two hashes of one password differ, and both are what the configuration takes', async () => {
  const hashes = await Promise.all([hashOf('a', cheap), hashOf('a', cheap)]);
  expect(hashes[0]).not.toBe(hashes[1]);
  const credentials = hashes.map((hash, i) => ({ name: String(i), hash }));
  expect(config.safeParse({ admit: { credentials } }).success).toBe(true);
});

test('ours takes some work', async () => {
  const hash = parseHash(await hashOf('a'));
  expect(hash).toMatchObject({ blockSize: 8, parallelism: 3 });
  expect(hash?.cost).toBeGreaterThanOrEqual(2 ** 15);
});

describe('is no hash', () => {
  const salt = Buffer.alloc(16).toString('base64url');
  const key = Buffer.alloc(32).toString('base64url');
  test.each([
    ['another kind', `bcrypt:1024:8:1:${salt}:${key}`],
    ['a cost that is no power of two', `scrypt:1023:8:1:${salt}:${key}`],
    ['no cost', `scrypt:1:8:1:${salt}:${key}`],
    ['more memory than there may be', `scrypt:${2 ** 20}:64:1:${salt}:${key}`],
    ['more work than there may be', `scrypt:1024:8:1000:${salt}:${key}`],
    ['a short salt', `scrypt:1024:8:1:AAAA:${key}`],
    ['a short key', `scrypt:1024:8:1:${salt}:AAAA`],
    ['a part too few', `scrypt:1024:8:1:${salt}`],
    ['a part too many', `scrypt:1024:8:1:${salt}:${key}:x`],
    ['a password', 'secret'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(parseHash(text)).toBeUndefined();
  });
});
