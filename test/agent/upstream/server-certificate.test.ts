// What is refused about a server's certificate although OpenSSL takes it.
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { mistrust } from '../../../agent/upstream/server-certificate.ts';
import { type LeafWish, startAuthority, type TestAuthority } from '../../support/authority.ts';

let root: TestAuthority;

beforeAll(async () => {
  root = await startAuthority();
});

async function judged(host: string, wish: LeafWish): Promise<string | undefined> {
  const { cert } = await root.leaf(wish);
  return mistrust(host, new X509Certificate(cert), [new X509Certificate(root.cert)]);
}

describe.each<[string, string[], [string, string | undefined][]]>([
  [
    'a name',
    ['a.test'],
    [
      ['a.test', undefined],
      ['A.test', undefined],
      ['b.test', 'it is for DNS:a.test'],
      ['www.a.test', 'it is for DNS:a.test'],
    ],
  ],
  [
    'a wildcard',
    ['*.a.test'],
    [
      ['www.a.test', undefined],
      ['a.test', 'it is for DNS:*.a.test'],
      ['x.www.a.test', 'it is for DNS:*.a.test'],
    ],
  ],
  ['part of a label', ['f*.a.test'], [['foo.a.test', 'it is for DNS:f*.a.test']]],
  [
    'an address',
    ['192.0.2.1'],
    [
      ['192.0.2.1', undefined],
      ['192.0.2.2', 'it is for IP Address:192.0.2.1'],
    ],
  ],
])('for %s', (_, names, cases) => {
  test.each(cases)('to %s: %s', async (host, because) => expect(await judged(host, { names })).toBe(because));
});

test('H02: names in the CN are none', async () => {
  expect(await judged('a.test', { names: [], commonName: 'a.test' })).toBe('it names its host in no subjectAltName');
});

test('H03: short RSA keys, H05: old hashes', async () => {
  expect(await judged('a.test', { names: ['a.test'], rsaBits: 1024 })).toBe('its RSA key has only 1024 bits');
  expect(await judged('a.test', { names: ['a.test'], rsaBits: 2048 })).toBeUndefined();
  expect(await judged('a.test', { names: ['a.test'], hash: 'SHA-1' })).toBe('it is signed with SHA1');
});
