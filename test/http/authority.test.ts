// What CONNECT and the Host field may say, and the one text that a host has afterwards.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorityAt, originOf, parseAuthority, parseHost, parseHostField, parsePort } from '../../http/authority.ts';

const label63 = 'a'.repeat(63);
const name253 = `${label63}.${label63}.${label63}.${'a'.repeat(61)}`;

test.each([
  ['o.example', 'o.example:443'],
  ['192.0.2.1', '192.0.2.1:443'],
  ['[2001:db8::1]', '[2001:db8::1]:443'],
  ['2001:db8::1', '[2001:db8::1]:443'],
])('%s is asked for as %s', (host, authority) => {
  expect(authorityAt(host, 443)).toBe(authority);
});

test.each([
  ['http://o.example/a', 'http', 'o.example', 80],
  ['https://o.example/', 'https', 'o.example', 443],
  ['https://o.example:80/', 'https', 'o.example', 80],
  ['http://[2001:db8::1]:8080', 'http', '[2001:db8::1]', 8080],
])('the origin of %s (RFC 9110 4.3.1)', (url, scheme, host, port) => {
  expect(originOf(new URL(url))).toEqual({ scheme, host, port });
});

describe('the authority of CONNECT (RFC 9112 3.2.3)', () => {
  test.each([
    ['example.com:443', 'example.com', 443],
    ['EXAMPLE.com:443', 'example.com', 443],
    ['example.com.:443', 'example.com', 443],
    ['_dmarc.example.com:443', '_dmarc.example.com', 443],
    ['xn--fiqs8s.example.org:443', 'xn--fiqs8s.example.org', 443],
    ['127.0.0.1.example.com:443', '127.0.0.1.example.com', 443],
    ['localhost:1', 'localhost', 1],
    ['8.8.8.8:65535', '8.8.8.8', 65535],
    ['[2001:DB8:0:0::1]:443', '[2001:db8::1]', 443],
    ['[::ffff:127.0.0.1]:443', '[::ffff:7f00:1]', 443],
    [`${label63}.example:443`, `${label63}.example`, 443],
    [`${name253}:443`, name253, 443],
    [`${name253}.:443`, name253, 443],
  ])('%s is taken', (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ kind: 'authority', host, port });
  });

  const badPort = 'the port is not a number from 1 to 65535 without leading zeros';
  const badIpv4 = 'the host is an IPv4 address not written as four decimal numbers';
  const badText = 'it has white space, control characters or characters outside ASCII';
  test.each([
    ['', 'it is empty'],
    ['example.com', 'the port is missing'],
    ['example.com:', 'the port is missing'],
    ['example.com:0', badPort],
    ['example.com:65536', badPort],
    ['example.com:100000', badPort],
    ['example.com:0443', badPort],
    ['example.com:-1', badPort],
    ['example.com:+1', badPort],
    ['example.com:0x1bb', badPort],
    ['example.com:443:443', badPort],
    [':443', 'the host is empty'],
    ['.:443', 'the host is empty'],
    ['..:443', 'the host has an empty label'],
    ['.example.com:443', 'the host has an empty label'],
    ['example..com:443', 'the host has an empty label'],
    ['example.com..:443', 'the host has an empty label'],
    [`${label63}a.example:443`, 'a label of the host is longer than 63 characters'],
    [`${name253}a:443`, 'the host is longer than 253 characters'],
    ['0:443', badIpv4],
    ['0x7f.1:443', badIpv4],
    ['0177.0.0.1:443', badIpv4],
    ['010.8.8.8:443', badIpv4],
    ['8.8.8.010:443', badIpv4],
    ['8.8.8.08:443', 'the host is neither a name nor an address'],
    ['127.1:443', badIpv4],
    ['127.0.0.1.:443', badIpv4],
    ['2130706433:443', badIpv4],
    ['256.256.256.256:443', 'the host is neither a name nor an address'],
    ['1.2.3.4.5:443', 'the host is neither a name nor an address'],
    ['example.1:443', 'the host is neither a name nor an address'],
    ['127%2e0.0.1:443', 'the host is percent-encoded'],
    ['exa<mple>.com:443', 'the host has a character that no name has'],
    ['a;b.com:443', 'the host has a character that no name has'],
    ['[::1:443', 'colons and brackets do not make a host and a port'],
    ['::1:443', 'the host is empty'],
    ['[::1]443', 'colons and brackets do not make a host and a port'],
    ['a[::1]:443', 'colons and brackets do not make a host and a port'],
    ['[]:443', 'the host is not an IPv6 address'],
    ['[127.0.0.1]:443', 'the host is not an IPv6 address'],
    ['[::1::]:443', 'the host is not an IPv6 address'],
    ['[fe80::1%25lo]:443', 'the host is not an IPv6 address'],
    ['[v1.fe80::1]:443', 'the host is not an IPv6 address'],
    ['user:pw@example.com:443', 'it has userinfo'],
    ['@example.com:443', 'it has userinfo'],
    ['http://example.com:443', 'it has more than a host and a port'],
    ['example.com:443/', 'it has more than a host and a port'],
    ['example.com:443#x', 'it has more than a host and a port'],
    ['example.com:443?x', 'it has more than a host and a port'],
    ['example.com\\x:443', 'it has more than a host and a port'],
    ['example.com:4 43', badText],
    [' example.com:443', badText],
    ['example.com\t:443', badText],
    ['example.com\u0000:443', badText],
    ['１２７.0.0.1:443', badText],
    ['m\u00fcnchen.example:443', badText],
  ])('%j is malformed: %s', (text, because) => {
    expect(parseAuthority(text)).toEqual({ kind: 'malformed', because });
  });
});

describe('the Host field (RFC 9110 7.2)', () => {
  test.each([
    ['example.com', 'example.com', undefined],
    ['Example.COM.', 'example.com', undefined],
    ['example.com:', 'example.com', undefined],
    ['example.com:8080', 'example.com', 8080],
    ['127.0.0.1:80', '127.0.0.1', 80],
    ['[::1]', '[::1]', undefined],
    ['[::1]:8080', '[::1]', 8080],
  ])('%s is taken', (text, host, port) => {
    expect(parseHostField(text)).toEqual({ kind: 'authority', host, port });
  });

  test.each([
    ...['', ':80', 'user@example.com', 'example.com/x', 'http://example.com', 'a b', ' a', 'a ', 'a,b', 'a\tb', 'a?b'],
    ...['a#b', 'a\\b', 'a:0', 'a:080', 'a:x', '127.1', '::1', '[::1', 'a%41', 'b\u00fccher.example'],
  ])('%j is malformed', (text) => {
    expect(parseHostField(text).kind).toBe('malformed');
  });
});

describe('a host', () => {
  test('every IPv4 address is taken in its canonical spelling and malformed in every other', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.constantFrom(...spellings), (address, spell) => {
        const canonical = octetsOf(address).join('.');
        const spelled = spell(address);
        expect(parseHost(canonical)).toEqual({ kind: 'host', host: canonical });
        expect(spelled).not.toBe(canonical);
        expect(parseHost(spelled).kind).toBe('malformed');
        expect(parseAuthority(`${spelled}:443`).kind).toBe('malformed');
      }),
    );
  });

  test('is its own canonical text', () => {
    const texts = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom('', '.'), (text, dot) => {
        const parsed = parseHost(text.startsWith('[') ? text : text.toUpperCase() + dot);
        if (parsed.kind === 'host') expect(parseHost(parsed.host)).toEqual(parsed);
      }),
    );
  });

  test('a reason never repeats what was sent', () => {
    fc.assert(
      fc.property(fc.string(), (chance) => {
        const parsed = parseAuthority(`secret${chance}\u00e9:443`);
        expect(parsed.kind === 'malformed' && parsed.because.includes('secret')).toBe(false);
      }),
    );
  });
});

test.each([
  ['1', 1],
  ['443', 443],
  ['65535', 65535],
  ['65536', undefined],
  ['0', undefined],
  ['00', undefined],
  ['', undefined],
  ['1e3', undefined],
  [' 1', undefined],
])('the port %j is %s', (digits, port) => {
  expect(parsePort(digits)).toBe(port);
});

function octetsOf(address: number): readonly number[] {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
}

const spellings: readonly ((address: number) => string)[] = [
  (address) => String(address),
  (address) => `0x${address.toString(16)}`,
  (address) => `0${address.toString(8)}`,
  (address) =>
    octetsOf(address)
      .map((octet) => `0x${octet.toString(16)}`)
      .join('.'),
  (address) =>
    octetsOf(address)
      .map((octet) => `0${octet.toString(8)}`)
      .join('.'),
  (address) =>
    octetsOf(address)
      .map((octet) => String(octet).padStart(4, '0'))
      .join('.'),
  (address) => `${octetsOf(address).join('.')}.`,
  (address) => `${address >>> 24}.${address & 0xffffff}`,
  (address) => `${address >>> 24}.${(address >>> 16) & 0xff}.${address & 0xffff}`,
  (address) => `${address >>> 24}.0x${((address >>> 16) & 0xff).toString(16)}.${address & 0xffff}`,
];
