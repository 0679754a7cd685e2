// Pseudonyms of clients: the same for one run, other ones for the next.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createClientPseudonym } from '../../agent/client-pseudonym.ts';

test('one address has one pseudonym for the run, and each its own', () => {
  const pseudonymOf = createClientPseudonym();
  const addresses = Array.from({ length: 3_000 }, (_, i) => `10.0.${i >> 8}.${i & 0xff}`);
  const first = addresses.map(pseudonymOf);
  expect(addresses.map(pseudonymOf)).toEqual(first); // also where the first ones have been forgotten meanwhile
  expect(new Set(first).size).toBe(addresses.length);
});

test('another run has other ones, so that no table of addresses leads back', () => {
  const [one, other] = [createClientPseudonym(), createClientPseudonym()];
  expect(one('192.0.2.1')).not.toBe(other('192.0.2.1'));
  for (const encoding of ['hex', 'base64url'] as const) {
    expect(createHash('sha256').update('192.0.2.1').digest(encoding)).not.toContain(one('192.0.2.1'));
  }
});

test('it is an identifier of RFC 7239 6.3', () => {
  expect(createClientPseudonym()('2001:db8::1')).toMatch(/^[A-Za-z0-9_-]{16}$/);
});
