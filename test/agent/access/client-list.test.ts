// Who is let in by address: deny wins, an empty list means nobody is left out, and an address has one spelling only.
import { describe, expect, test } from 'vitest';
import { clientKey, createClientList, isLoopback } from '../../../agent/access/client-list.ts';
import { clientAddress } from '../../../http/address.ts';

const list = (allow: readonly string[], deny: readonly string[] = []) => createClientList({ allow, deny });

describe('a client', () => {
  test.each([
    ['without lists', [], [], '203.0.113.9', true],
    ['of an unknown address without lists', [], [], 'unknown', true],
    ['that is named', ['192.0.2.7'], [], '192.0.2.7', true],
    ['within a range', ['192.0.2.0/24'], [], '192.0.2.255', true],
    ['beyond a range', ['192.0.2.0/24'], [], '192.0.3.0', false],
    ['of this machine, which a list does not name', ['192.0.2.0/24'], [], '127.0.0.1', false],
    ['of an unknown address, beside a list', ['0.0.0.0/0', '::/0'], [], 'unknown', false],
    ['that is denied', [], ['192.0.2.7'], '192.0.2.7', false],
    ['that is not denied', [], ['192.0.2.7'], '192.0.2.8', true],
    ['that is allowed and denied: deny wins', ['192.0.2.0/24'], ['192.0.2.7'], '192.0.2.7', false],
    ['that is denied within a wide range and named: deny wins', ['192.0.2.7'], ['192.0.0.0/16'], '192.0.2.7', false],
    ['of IPv6 within a range', ['2001:db8::/32'], [], '2001:db8:ffff::1', true],
    ['of IPv6 beyond a range', ['2001:db8::/32'], [], '2001:db9::1', false],
    ['of IPv6, spelled otherwise', ['2001:DB8:0:0::1'], [], '2001:db8::1', true],
    ['of IPv4 written as IPv6', ['192.0.2.0/24'], [], '::ffff:192.0.2.7', true],
    ['of IPv4 written as IPv6 in hexadecimal', ['192.0.2.0/24'], [], '::ffff:c000:207', true],
    ['of IPv4 in a range written as IPv6', ['::ffff:192.0.2.0/120'], [], '192.0.2.7', true],
    ['of IPv4 written as IPv6 that is denied', [], ['192.0.2.0/24'], '::ffff:192.0.2.7', false],
    ['of IPv4, where all of IPv6 is denied', [], ['::/0'], '::ffff:192.0.2.7', true],
    ['of IPv6, where all of IPv4 is denied', [], ['0.0.0.0/0'], '2001:db8::1', true],
    ['with a zone', ['fe80::/10'], [], 'fe80::1%eth0', true],
    ['with a zone that is denied', [], ['fe80::1'], 'fe80::1%eth0', false],
  ] as const)('%s', (_, allow, deny, address, isAllowed) => {
    expect(list(allow, deny).isAllowed(address)).toBe(isAllowed);
  });

  test.each([
    ['is not named by an empty list', [], [], false],
    ['is named by its range', ['192.0.2.0/24'], [], true],
    ['is not named by another', ['192.0.3.0/24'], [], false],
    ['is not named where it is denied', ['192.0.2.0/24'], ['192.0.2.7'], false],
  ] as const)('%s', (_, allow, deny, isNamed) => {
    expect(list(allow, deny).isNamed('192.0.2.7')).toBe(isNamed);
  });
});

test.each(['192.0.2.1/24', '192.0.2', 'example.com', '', '192.0.2.0/33', '[::1]'])('%j is no range', (text) => {
  expect(() => list([text])).toThrow(expect.objectContaining({ type: 'proxy_configuration_error' }));
  expect(() => list([], [text])).toThrow(/admit\.clients\.deny/);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:1::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80::1'],
  ['fe80::2%eth0', 'fe80::2'],
])('%s counts as the client %s', (address, key) => {
  expect(clientKey(address)).toBe(key);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::2', false],
  ['unknown', false],
])('%s is of this machine: %s', (address, isOurs) => {
  expect(isLoopback(address)).toBe(isOurs);
});

test('what is no address stays what it is', () => {
  expect(clientAddress('unknown')).toBe('unknown');
});
