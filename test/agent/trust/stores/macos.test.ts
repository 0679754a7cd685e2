import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  deleteArguments,
  findArguments,
  macosStore,
  ownInKeychain,
  trustArguments,
} from '../../../../agent/trust/stores/macos.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { makeTrustMachine } from '../../../support/trust-machine.ts';

const keychain = '/Users/one/Library/Keychains/login.keychain-db';

test('the commands are those of security(1), for the person and for TLS', () => {
  expect(findArguments(keychain).join(' ')).toBe(`find-certificate -a -c edgehop local CA -p ${keychain}`);
  expect(trustArguments(keychain, '/ca.pem').join(' ')).toBe(
    `add-trusted-cert -r trustRoot -p ssl -k ${keychain} /ca.pem`,
  );
  expect(deleteArguments(keychain, 'AB').join(' ')).toBe(`delete-certificate -t -Z AB ${keychain}`);
});

test('a certificate whose name only holds ours is not ours', () => {
  const { cert } = selfSigned('a.test');
  expect(new X509Certificate(cert).subject).toBe('CN=edgehop test');
  expect(ownInKeychain(`${cert}\n${cert}`)).toEqual([]);
  expect(ownInKeychain('')).toEqual([]);
});

test.each([
  [
    'the person says no to the window',
    1,
    'SecTrustSettingsSetTrustSettings: The authorization was canceled by the user.',
  ],
  [
    'nobody sits there',
    1,
    'SecTrustSettingsSetTrustSettings: The authorization was denied since no user interaction was possible.',
  ],
])('where %s, the store says so', async (_, code, stderr) => {
  const machine = {
    ...makeTrustMachine('darwin'),
    run: async () => ({ kind: 'ended', code, stdout: '', stderr }) as const,
  };
  const own = { name: 'edgehop local CA 00000000', pem: '', path: '/ca.pem' };
  expect(await macosStore(machine).add(own)).toEqual({
    kind: 'failed',
    because: `security ended with ${code}: ${stderr}`,
  });
});
