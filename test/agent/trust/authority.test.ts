// The local authority: made once, whoever begins; never readable by others; and told well where it cannot be used.
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openAuthority, readAuthority } from '../../../agent/trust/authority.ts';
import { authorityFiles } from '../../../agent/trust/authority-files.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

function files() {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-authority-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return authorityFiles(folder);
}

test('it is made at first use, and read from then on', async () => {
  const where = files();
  expect(readAuthority(where)).toBeUndefined();
  const made = await openAuthority(where, now);
  expect((await openAuthority(where, now)).certificatePem).toBe(made.certificatePem);
  expect(readFileSync(where.certificate, 'utf8')).toBe(made.certificatePem);
});

test('H12: it is its own issuer, signs leaves only, from yesterday for five years, under a name of its own', async () => {
  const { certificatePem, until } = await openAuthority(files(), now);
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.ca).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.validFromDate).toEqual(new Date(now - 86_400_000));
  expect([certificate.validToDate.getTime(), until]).toEqual([now + 5 * 365 * 86_400_000, now + 5 * 365 * 86_400_000]);
  expect(certificate.raw.includes(Buffer.from('30060101ff020100', 'hex'))).toBe(true); // CA, and nothing below it
  const other = await openAuthority(files(), now);
  expect(new X509Certificate(other.certificatePem).subject).not.toBe(certificate.subject);
});

test('G09: the key lies in a file of mode 0600 in a folder of mode 0700, and nowhere else', async () => {
  const where = files();
  await openAuthority(where, now);
  expect(statSync(where.folder).mode & 0o777).toBe(0o700);
  expect(statSync(where.secret).mode & 0o777).toBe(0o600);
  expect(readdirSync(where.folder).sort()).toEqual(['authority.pem', 'edgehop-ca.pem']);
  expect(readFileSync(where.certificate, 'utf8')).not.toContain('PRIVATE');
});

test('those who begin at once all have the one that was kept first', async () => {
  const where = files();
  const all = await Promise.all(Array.from({ length: 8 }, () => openAuthority(where, now)));
  expect(new Set(all.map(({ certificatePem }) => certificatePem)).size).toBe(1);
});

test('what a killed process left half-written is no authority, and no hindrance', async () => {
  const where = files();
  mkdirSync(where.folder, { mode: 0o700 });
  writeFileSync(`${where.secret}.${process.pid}`, 'half', { mode: 0o600 });
  expect((await openAuthority(where, now)).certificatePem).toContain('BEGIN CERTIFICATE');
  expect(existsSync(`${where.secret}.${process.pid}`)).toBe(false);
});

test.each<[string, (path: string) => void, RegExp]>([
  ['that others may read', (path) => chmodSync(path, 0o644), /others may read it \(mode 644\)/],
  [
    'without a key',
    (path) =>
      writeFileSync(path, readFileSync(path, 'utf8').replace(/-----BEGIN PRIVATE[\s\S]*?END PRIVATE KEY-----/, '')),
    /no private key/,
  ],
  ['without a certificate', (path) => writeFileSync(path, 'rubbish'), /no certificate/],
])('a file %s is refused, and stays as it is', async (_, spoil, says) => {
  const where = files();
  await openAuthority(where, now);
  spoil(where.secret);
  const before = readFileSync(where.secret, 'utf8');
  expect(() => readAuthority(where)).toThrow(says);
  await expect(openAuthority(where, now)).rejects.toMatchObject({
    type: 'proxy_configuration_error',
    advice: expect.stringContaining('edgehop ca install'),
  });
  expect(readFileSync(where.secret, 'utf8')).toBe(before);
});
