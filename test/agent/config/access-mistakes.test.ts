// Ranges that are none, hashes that cannot be verified and users that stand twice are told with their place.
import { describe, expect, test } from 'vitest';
import { hashOf } from '../../../agent/access/password-hash.ts';
import { accessMistakes } from '../../../agent/config/access-mistakes.ts';
import { parseConfig } from '../../../agent/config/load.ts';
import { config } from '../../../schemas/config.ts';

const hash = await hashOf('secret', { cost: 2, parallelism: 1 });
const mistakes = (admit: object) => accessMistakes(config.parse({ admit }));

describe('ranges of clients', () => {
  test.each(['192.0.2.7', '192.0.2.0/24', '0.0.0.0/0', '2001:db8::/32', '::1', '::ffff:192.0.2.0/120'])(
    '%s is one',
    (text) => {
      expect(mistakes({ clients: { allow: [text] } })).toEqual([]);
    },
  );

  test.each([
    ['192.0.2.1/24', 'the bits behind its prefix are 0'],
    ['192.0.2', 'neither an address'],
    ['192.0.2.0/33', 'neither an address'],
    ['example.com', 'neither an address'],
    ['192.0.2.0/24/8', 'neither an address'],
    ['', 'neither an address'],
  ])('%j is none', (text, because) => {
    const [mistake, ...others] = mistakes({ clients: { allow: ['192.0.2.7', text] } }).concat();
    expect(others).toEqual([]);
    expect(mistake?.path).toEqual(['admit', 'clients', 'allow', 1]);
    expect(mistake?.message).toContain(because);
  });
});

test('a hash that cannot be verified, and a user that stands twice', () => {
  const credentials = [
    { name: 'a', hash },
    { name: 'b', hash: 'scrypt:3:8:1:AAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAA' },
    { name: 'a', hash },
  ];
  expect(mistakes({ credentials }).map(({ path }) => path)).toEqual([
    ['admit', 'credentials', 1, 'hash'],
    ['admit', 'credentials', 2, 'name'],
  ]);
});

test('the file says where', () => {
  expect(parseConfig('{ "admit": { "clients": {\n "deny": ["10.0.0.1/8"] } } }', 'f')).toMatchObject({
    kind: 'wrong',
    mistakes: [
      { line: 2, column: 11, message: expect.stringMatching(/^"admit\.clients\.deny\[0\]": a CIDR range begins/) },
    ],
  });
});
