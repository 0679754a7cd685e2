// The order in which several addresses of one destination are tried. RFC 8305 4.
import { expect, test } from 'vitest';
import { interleaved } from '../../http/happy-eyeballs.ts';

test.each<readonly [addresses: readonly string[], order: readonly string[]]>([
  [[], []],
  [['::1'], ['::1']],
  [
    ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2', '192.0.2.3'],
    ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2', '192.0.2.3'],
  ],
  [
    ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
    ['192.0.2.1', '2001:db8::1', '192.0.2.2'],
  ],
  [
    ['192.0.2.1', '192.0.2.1', '2001:db8::1', '192.0.2.1'],
    ['192.0.2.1', '2001:db8::1'],
  ],
])('%j are tried in the order %j', (addresses, order) => {
  expect(interleaved(addresses)).toEqual(order);
});
