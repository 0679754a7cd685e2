// Classes of addresses at the edges of their blocks, and canonical texts against Node's own parsers.
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress, canonicalRange, classifyAddress, inRange } from '../../http/address.ts';

describe('the class of an address', () => {
  test.each([
    ['0.0.0.0', 'this network (0.0.0.0/8)'],
    ['0.255.255.255', 'this network (0.0.0.0/8)'],
    ['10.0.0.0', 'private use (10.0.0.0/8)'],
    ['10.255.255.255', 'private use (10.0.0.0/8)'],
    ['100.64.0.0', 'shared address space (100.64.0.0/10)'],
    ['100.100.100.200', 'shared address space (100.64.0.0/10)'],
    ['100.127.255.255', 'shared address space (100.64.0.0/10)'],
    ['127.0.0.0', 'loopback (127.0.0.0/8)'],
    ['127.255.255.255', 'loopback (127.0.0.0/8)'],
    ['168.63.129.16', 'metadata service of Azure (168.63.129.16)'],
    ['169.254.169.254', 'link-local (169.254.0.0/16)'],
    ['172.16.0.0', 'private use (172.16.0.0/12)'],
    ['172.31.255.255', 'private use (172.16.0.0/12)'],
    ['192.0.0.0', 'IETF protocol assignments (192.0.0.0/24)'],
    ['192.0.0.9', 'IETF protocol assignments (192.0.0.0/24)'],
    ['192.0.0.255', 'IETF protocol assignments (192.0.0.0/24)'],
    ['192.0.2.1', 'documentation (192.0.2.0/24)'],
    ['192.88.99.1', 'deprecated 6to4 relay anycast (192.88.99.0/24)'],
    ['192.168.0.0', 'private use (192.168.0.0/16)'],
    ['192.168.255.255', 'private use (192.168.0.0/16)'],
    ['198.18.0.0', 'benchmarking (198.18.0.0/15)'],
    ['198.19.255.255', 'benchmarking (198.18.0.0/15)'],
    ['198.51.100.1', 'documentation (198.51.100.0/24)'],
    ['203.0.113.1', 'documentation (203.0.113.0/24)'],
    ['224.0.0.0', 'multicast (224.0.0.0/4)'],
    ['239.255.255.255', 'multicast (224.0.0.0/4)'],
    ['240.0.0.0', 'reserved (240.0.0.0/4)'],
    ['255.255.255.254', 'reserved (240.0.0.0/4)'],
    ['255.255.255.255', 'limited broadcast (255.255.255.255)'],
    ['::', 'unspecified (::)'],
    ['::1', 'loopback (::1)'],
    ['0:0:0:0:0:0:0:1', 'loopback (::1)'],
    ['::2', 'IPv4-compatible (::/96)'],
    ['::127.0.0.1', 'IPv4-compatible (::/96)'],
    ['::a9fe:a9fe', 'IPv4-compatible (::/96)'],
    ['::1:0:0', 'outside global unicast (2000::/3)'],
    ['::ffff:127.0.0.1', 'IPv4-mapped (::ffff:0:0/96)'],
    ['::ffff:8.8.8.8', 'IPv4-mapped (::ffff:0:0/96)'],
    ['::ffff:0:a9fe:a9fe', 'IPv4-translated (::ffff:0:0:0/96)'],
    ['64:ff9b::7f00:1', 'loopback (127.0.0.0/8) behind NAT64 (64:ff9b::/96)'],
    ['64:ff9b::169.254.169.254', 'link-local (169.254.0.0/16) behind NAT64 (64:ff9b::/96)'],
    ['64:ff9b::1:808:808', 'outside global unicast (2000::/3)'],
    ['64:ff9b:1::808:808', 'local-use NAT64 (64:ff9b:1::/48)'],
    ['64:ff9a::808:808', 'outside global unicast (2000::/3)'],
    ['100::1', 'discard-only (100::/64)'],
    ['100:0:0:1::1', 'dummy prefix (100:0:0:1::/64)'],
    ['1fff:ffff::', 'outside global unicast (2000::/3)'],
    ['2001::1', 'Teredo (2001::/32)'],
    ['2001:1::1', 'IETF protocol assignments (2001::/23)'],
    ['2001:2::1', 'benchmarking (2001:2::/48)'],
    ['2001:4:111:ffff::', 'IETF protocol assignments (2001::/23)'],
    ['2001:20::1', 'IETF protocol assignments (2001::/23)'],
    ['2001:1ff:ffff::', 'IETF protocol assignments (2001::/23)'],
    ['2001:db8::1', 'documentation (2001:db8::/32)'],
    ['2002:808:808::1', '6to4 (2002::/16)'],
    ['3fff::', 'documentation (3fff::/20)'],
    ['3fff:fff:ffff::1', 'documentation (3fff::/20)'],
    ['4000::', 'outside global unicast (2000::/3)'],
    ['5f00::1', 'segment routing (5f00::/16)'],
    ['fc00::', 'unique local (fc00::/7)'],
    ['fd20:ce::254', 'unique local (fc00::/7)'],
    ['fe80::1', 'link-local (fe80::/10)'],
    ['febf:ffff::', 'link-local (fe80::/10)'],
    ['fec0::1', 'deprecated site-local (fec0::/10)'],
    ['ff02::1', 'multicast (ff00::/8)'],
  ])('%s is special: %s', (address, block) => {
    expect(classifyAddress(address)).toEqual({ kind: 'special', block });
  });

  test.each([
    ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
    ...['168.63.129.15', '168.63.129.17', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0'],
    ...['191.255.255.255', '192.0.1.0', '192.0.3.0', '192.88.98.255', '192.88.100.0', '192.167.255.255', '192.169.0.0'],
    ...['198.17.255.255', '198.20.0.0', '198.51.99.255', '198.51.101.0', '203.0.112.255', '203.0.114.0'],
    ...['223.255.255.255', '192.31.196.1', '192.52.193.1', '192.175.48.1'],
    ...['2000::', '2001:3::1', '2001:4:112::1', '2001:200::', '2001:db7:ffff::', '2001:db9::', '2003::', '3ffe::1'],
    ...['3fff:1000::', '2620:4f:8000::1', '2606:4700:4700::1111', '64:ff9b::8.8.8.8', '64:FF9B::808:808'],
  ])('%s is public', (address) => {
    expect(classifyAddress(address)).toEqual({ kind: 'public' });
  });

  test.each([
    ...['', ' ', 'localhost', '1', '127.1', '0x7f.0.0.1', '0177.0.0.1', '8.8.8.08', '8.8.8.8.', '8.8.8', '8.8.8.256'],
    ...['8.8.8.8 ', '８.8.8.8', '[[::1]]', '::1%lo', '::g', ':::', '1::2::3', '1:2:3:4:5:6:7', '::01.2.3.4', '12345::'],
  ])('what is not the text of an address is special: %j', (text) => {
    expect(classifyAddress(text)).toEqual({ kind: 'special', block: 'not an address' });
    expect(canonicalAddress(text)).toBeUndefined();
  });

  test('every address in a special block is special, and so is it as an answer of NAT64', () => {
    const blocks = [
      ...(['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'] as const),
      ...(['192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3'] as const),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...blocks), fc.nat(0xffffffff), (block, chance) => {
        const [base = '', bits] = block.split('/');
        const address = dotted((numberOf(base) + (chance % 2 ** (32 - Number(bits)))) >>> 0);
        expect(inRange(address, block)).toBe(true);
        expect(classifyAddress(address).kind).toBe('special');
        expect(classifyAddress(`64:ff9b::${address}`).kind).toBe('special');
        expect(classifyAddress(`::ffff:${address}`).kind).toBe('special');
      }),
    );
  });

  test('no IPv6 address outside 2000::/3 and NAT64 is public', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (classifyAddress(address).kind === 'special') return;
        expect(inRange(address, '2000::/3') || inRange(address, '64:ff9b::/96')).toBe(true);
      }),
    );
  });
});

describe('the canonical text of an address', () => {
  test.each([
    ['8.8.8.8', '8.8.8.8'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['[0000:0::1]', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['[::ffff:a9fe:a9fe]', '169.254.169.254'],
    ['::127.0.0.1', '::7f00:1'],
    ['64:ff9b::8.8.8.8', '64:ff9b::808:808'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each(['[8.8.8.8]', '[::1', '::1]', '[]', '[::1]:80', '8.8.8.8:80', 'example.com', '[fe80::1%25lo]'])(
    '%s is no address',
    (text) => {
      expect(canonicalAddress(text)).toBeUndefined();
    },
  );

  test('is its own canonical text, and has the same class', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const canonical = canonicalAddress(address) as string;
        expect(canonicalAddress(canonical)).toBe(canonical);
        if (!inRange(address, '::ffff:0:0/96') || !address.includes(':')) {
          expect(classifyAddress(canonical)).toEqual(classifyAddress(address));
        }
      }),
    );
  });

  test('is that of the WHATWG URL parser, which takes the same texts as Node', () => {
    const piece = fc.constantFrom(':', '::', '0', '1', 'ff', 'FFFF', 'a0', '12345', '1.2.3.4', '01.2.3.4', '256.1.1.1');
    const text = fc.array(piece, { minLength: 1, maxLength: 16 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.ipV6()), (address) => {
        if (!address.includes(':')) return;
        const canonical = canonicalAddress(address);
        expect(canonical !== undefined).toBe(isIPv6(address));
        if (!canonical?.includes(':')) return;
        expect(`[${canonical}]`).toBe(new URL(`http://[${address}]/`).hostname);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a range', () => {
  test.each([
    ['10.0.0.0', '10.0.0.0/8', true],
    ['11.0.0.0', '10.0.0.0/8', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.0/31', true],
    ['10.0.0.2', '10.0.0.0/31', false],
    ['203.0.113.7', '0.0.0.0/0', true],
    ['::1', '::1', true],
    ['::1', '::/127', true],
    ['::2', '::/127', false],
    ['fdff::1', 'fd00::/8', true],
    ['fe00::1', 'fd00::/8', false],
    ['::ffff:127.0.0.1', '127.0.0.0/8', true],
    ['127.0.0.1', '::ffff:127.0.0.0/104', true],
    ['127.0.0.1', '::/0', false],
    ['::1', '0.0.0.0/0', false],
    ['64:ff9b::7f00:1', '127.0.0.0/8', false],
    ['10.0.0.1', '10.0.0.0/33', false],
    ['10.0.0.1', '10.0.0.0/08', false],
    ['10.0.0.1', '10.0.0.0/8/8', false],
    ['10.0.0.1', '10.0.0.0/', false],
    ['10.0.0.1', '10/8', false],
    ['not an address', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, range, expected) => {
    expect(inRange(address, range)).toBe(expected);
  });

  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.254/31', '255.255.255.254/31'],
    ['FD00:0::/8', 'fd00::/8'],
    ['2001:db8:8000::/33', '2001:db8:8000::/33'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['10.0.0.1/8', undefined],
    ['10.0.0.1/31', undefined],
    ['fd00::1/127', undefined],
    ['2001:db8:8000::/32', undefined],
    ['[fd00::]/8', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('%s is written %s', (range, canonical) => {
    expect(canonicalRange(range)).toBe(canonical);
  });
});

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
