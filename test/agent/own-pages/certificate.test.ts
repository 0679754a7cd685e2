// A certificate goes out as itself and nothing else, whatever else its file holds.
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { certificateOf } from '../../../agent/own-pages/certificate.ts';
import { selfSigned } from '../../support/certificate.ts';

const { cert, key } = selfSigned('a.example');

test('both forms are the same certificate, and the fingerprint is that of its octets', () => {
  const { pem, der, fingerprint } = certificateOf(cert);
  expect(new X509Certificate(pem).raw).toEqual(der);
  expect(new X509Certificate(cert).fingerprint256).toBe(fingerprint);
});

test.each([`${key}${cert}`, `${cert}${key}`, `a comment\n${cert}`])('a key or a comment beside it stays', (text) => {
  expect(certificateOf(text).pem).toBe(new X509Certificate(cert).toString());
});

test.each(['', 'x', key])('what holds none is a fault', (text) => {
  expect(() => certificateOf(text)).toThrow();
});
