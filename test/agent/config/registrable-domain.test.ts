// The public suffix list as rules see it.
import { expect, test } from 'vitest';
import { registrableDomain } from '../../../agent/config/registrable-domain.ts';

test.each([
  ['example.com', 'example.com'],
  ['www.example.com', 'example.com'],
  ['a.b.example.co.uk', 'example.co.uk'],
  ['co.uk', undefined],
  ['com', undefined],
  ['localhost', undefined],
  ['192.0.2.1', undefined],
  ['[2001:db8::1]', undefined],
  ['corp.internal', 'corp.internal'],
  ['github.io', 'github.io'],
  ['www.xn--bcher-kva.de', 'xn--bcher-kva.de'],
])('of %s it is %s', (host, expected) => {
  expect(registrableDomain(host)).toBe(expected);
});
