// Which known word a mistyped one was meant to be.
import { expect, test } from 'vitest';
import { nearest } from '../../../agent/config/nearest.ts';

test.each([
  ['hots', ['not', 'host', 'url'], 'host'],
  ['slow3g', ['edge', 'slow-3g', 'fast-3g', '4g'], 'slow-3g'],
  ['monday', ['sun', 'mon', 'tue'], 'mon'],
  ['freshness', ['freshnessSeconds'], 'freshnessSeconds'],
  ['MAXHEADBYTES', ['maxFields', 'maxHeadBytes'], 'maxHeadBytes'],
  ['htps', ['http', 'https', 'all'], 'https'],
  ['nonsense', ['host', 'port', 'controlPort'], undefined],
  ['xml', ['pretty', 'json', 'quiet'], undefined],
  ['x', ['to', 'a', 'b'], undefined],
  ['', ['to'], undefined],
  ['anything', [], undefined],
])('%j among %j is %j', (given, known, meant) => {
  expect(nearest(given, known)).toBe(meant);
});
