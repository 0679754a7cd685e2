import { describe, expect, test } from 'vitest';
import { changesInWords, statusInWords } from '../../../agent/cli/ca-words.ts';
import type { CaStatus, StoreReport } from '../../../schemas/trust.ts';

const store = { store: 'nss', place: '/db', name: 'Firefox' } as const;

describe('a line for each store', () => {
  test.each<[string, StoreReport, string]>([
    [
      'that was written and proved',
      { ...store, change: 'added', proof: { result: 'trusted', by: 'tls-handshake', program: 'tstclnt' } },
      'PASS  Firefox (/db): added, proved by a TLS handshake of tstclnt',
    ],
    [
      'that was proved by no handshake has not passed',
      { ...store, change: 'added', proof: { result: 'trusted', by: 'certutil', program: 'certutil -V' } },
      'SKIP  Firefox (/db): added, certutil -V takes it; no TLS handshake was made, for there is no tstclnt here',
    ],
    [
      'that was written and does not trust',
      {
        ...store,
        change: 'was-there',
        proof: { result: 'not-trusted', by: 'tls-handshake', program: 'tstclnt', because: 'X' },
      },
      'FAIL  Firefox (/db): was there, refused in a TLS handshake of tstclnt (X)',
    ],
    [
      'that nobody could ask',
      { ...store, change: 'added', proof: { result: 'unknown', because: 'no tool' } },
      'SKIP  Firefox (/db): added, not proved (no tool)',
    ],
    [
      'that could not be written',
      { ...store, change: 'none', problem: { kind: 'tool-missing', because: 'no tool', advice: 'Install it.' } },
      'FAIL  Firefox (/db): no tool\n      Install it.',
    ],
    ['that was cleaned', { ...store, change: 'removed' }, 'PASS  Firefox (/db): removed'],
    ['that was clean', { ...store, change: 'was-not-there' }, 'PASS  Firefox (/db): holds nothing of ours'],
  ])('%s', (_, report, line) => {
    expect(changesInWords([report])).toBe(line);
  });

  test('without stores it says where they come from', () => {
    expect(changesInWords([])).toMatch(/^No store .* first start\.$/);
  });
});

test('an authority that ends soon is said to, with what to do', () => {
  const authority: CaStatus['authority'] = {
    kind: 'there',
    path: '/ca.pem',
    name: 'edgehop local CA 00000000',
    fingerprint: 'AA:BB',
    until: '2026-12-01T00:00:00.000Z',
    expiresSoon: true,
    key: { path: '/key', mode: '0600' },
  };
  const words = statusInWords({ authority, stores: [] });
  expect(words).toContain('valid until  2026-12-01: soon. `edgehop ca uninstall --delete`');
  expect(statusInWords({ authority: { ...authority, expiresSoon: false }, stores: [] })).not.toContain('soon');
});
