// Proxy-Status is a structured field, whatever stands in its sentences.
import fc from 'fast-check';
import { parseList, Token } from 'structured-headers';
import { expect, test } from 'vitest';
import { proxyStatus } from '../../http/proxy-status.ts';

test.each([
  ['RFC 9209 2', { hop: 'edgehop' }, 'edgehop'],
  [
    'RFC 9209 2.1.1 and 2.1.5',
    { hop: 'edgehop', nextHop: '192.0.2.1', receivedStatus: 404 },
    'edgehop;next-hop="192.0.2.1";received-status=404',
  ],
  [
    'RFC 9209 2.1.2 and 2.1.4',
    { hop: 'edgehop-edge', error: 'dns_error', details: 'It said "no".' },
    'edgehop-edge;error=dns_error;details="It said \\"no\\"."',
  ],
] as const)('%s: %j', (_, report, value) => {
  expect(proxyStatus(report)).toBe(value);
});

test('no sentence breaks out of its string (RFC 8941 3.3.3)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (details) => {
      const [[hop, parameters] = [], ...others] = parseList(proxyStatus({ hop: 'edgehop', details }));
      expect(others).toEqual([]);
      expect(hop).toEqual(new Token('edgehop'));
      expect(parameters).toEqual(new Map([['details', details.replace(/[^\x20-\x7e]/g, '?')]]));
    }),
  );
});
