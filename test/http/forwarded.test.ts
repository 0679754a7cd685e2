// RFC 7239: one element of Forwarded, as its grammar has it.
import { expect, test } from 'vitest';
import { type ForwardedElement, forwardedElement, obfuscatedIdentifier } from '../../http/forwarded.ts';

test.each<[string, ForwardedElement, string]>([
  ['4: an IPv4 address as it is', { for: '192.0.2.60', proto: 'http' }, 'for=192.0.2.60;proto=http'],
  ['6: IPv6 in brackets and quotes', { for: '2001:db8:cafe::17' }, 'for="[2001:db8:cafe::17]"'],
  ['6: brackets that are there already', { for: '[2001:DB8:CAFE::17]' }, 'for="[2001:db8:cafe::17]"'],
  ['an IPv4 address that a socket calls IPv6', { for: '::ffff:192.0.2.60' }, 'for=192.0.2.60'],
  ['6.3: an obfuscated identifier', { for: '_hidden', by: '_SEVKISEK' }, 'for=_hidden;by=_SEVKISEK'],
  ['6.2: what is neither', { for: 'client.example' }, 'for=unknown'],
  ['6.2: nothing that could break out', { for: '_a";proto=x' }, 'for=unknown'],
  ['5.3: a host without port is a token', { host: 'www.example' }, 'host=www.example'],
  ['5.3: a host with port is quoted', { host: 'www.example:8080' }, 'host="www.example:8080"'],
  ['5.3: a host that is an IPv6 address', { host: '[2001:db8::1]' }, 'host="[2001:db8::1]"'],
  ['a host that could break out', { host: 'a";for=1,\\\r\nx: y' }, 'host="a\\";for=1,\\\\x: y"'],
  ['the order', { proto: 'https', host: 'h', by: '_b', for: '_f' }, 'for=_f;by=_b;host=h;proto=https'],
  ['nothing', {}, ''],
])('%s', (_, element, text) => {
  expect(forwardedElement(element)).toBe(text);
});

test('6.3: any text becomes an identifier', () => {
  expect(obfuscatedIdentifier('edgehop-1a2b')).toBe('_edgehop-1a2b');
  expect(obfuscatedIdentifier('a b;c"')).toBe('_a_b_c_');
});
