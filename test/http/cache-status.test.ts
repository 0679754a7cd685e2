// Cache-Status is a structured field, whatever stands in its detail.
import fc from 'fast-check';
import { parseList, Token } from 'structured-headers';
import { expect, test } from 'vitest';
import { cacheStatus } from '../../http/cache-status.ts';

test.each([
  ['RFC 9211 2.1', { hit: true, ttl: 376 }, 'edgehop;hit;ttl=376'],
  ['RFC 9211 2.2', { fwd: 'uri-miss', stored: true }, 'edgehop;fwd=uri-miss;stored'],
  ['RFC 9211 2.3', { fwd: 'stale', fwdStatus: 304, ttl: 60 }, 'edgehop;fwd=stale;fwd-status=304;ttl=60'],
  ['RFC 9211 2.5', { fwd: 'miss', collapsed: true }, 'edgehop;fwd=miss;collapsed'],
  ['RFC 9211 2.6', { hit: true, ttl: -412 }, 'edgehop;hit;ttl=-412'],
  ['RFC 9211 2.8', { fwd: 'bypass', detail: 'It says "no".' }, 'edgehop;fwd=bypass;detail="It says \\"no\\"."'],
  ['nothing known', {}, 'edgehop'],
] as const)('%s: %j', (_, outcome, value) => {
  expect(cacheStatus('edgehop', outcome)).toBe(value);
});

test('the edge has a name of its own', () => {
  expect(cacheStatus('edgehop-edge', { hit: true })).toBe('edgehop-edge;hit');
});

test('no detail breaks out of its string (RFC 9651 3.3.3)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 256 }), (detail) => {
      const [[cache, parameters] = [], ...others] = parseList(cacheStatus('edgehop', { hit: true, detail }));
      expect(others).toEqual([]);
      expect(cache).toEqual(new Token('edgehop'));
      expect(parameters).toEqual(
        new Map<string, unknown>([
          ['hit', true],
          ['detail', detail.replace(/[^\x20-\x7e]/g, '?')],
        ]),
      );
    }),
  );
});
