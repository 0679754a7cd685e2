import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  addArguments,
  deleteArguments,
  listScript,
  ownInWindows,
  windowsStore,
} from '../../../../agent/trust/stores/windows.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { makeTrustMachine } from '../../../support/trust-machine.ts';

test('the commands are those for the person, not for the machine', () => {
  expect(addArguments('C:\\ca.pem')).toEqual(['-user', '-addstore', 'Root', 'C:\\ca.pem']);
  expect(deleteArguments('AB')).toEqual(['-user', '-delstore', 'Root', 'AB']);
  expect(listScript).toContain('Cert:\\CurrentUser\\Root');
});

test('certificates come in base64, one a line, and those of others are none of ours', () => {
  const line = new X509Certificate(selfSigned('a.test').cert).raw.toString('base64');
  expect(ownInWindows(`${line}\r\n${line}\r\n`)).toEqual([]);
  expect(ownInWindows('\r\n')).toEqual([]);
});

test('where the person says no to the window, the store says so', async () => {
  const stdout =
    'Root "Trusted Root Certification Authorities"\r\nCertUtil: -addstore command FAILED: 0x800704c7 (WIN32: 1223 ERROR_CANCELLED)\r\nCertUtil: The operation was canceled by the user.\r\n';
  const run = async () => ({ kind: 'ended', code: -2147023673, stdout, stderr: '' }) as const;
  const own = { name: 'edgehop local CA 00000000', pem: '', path: 'C:\\ca.pem' };
  expect(await windowsStore({ ...makeTrustMachine('win32'), run }).add(own)).toMatchObject({
    kind: 'failed',
    because: expect.stringContaining('CertUtil: The operation was canceled by the user.'),
  });
});
