// Whose certificates are believed: what browsers trust and what is named, never our own CA, whatever the environment says.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, rootCertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { believe, believedByEdges, unheeded } from '../../../agent/trust/trusted.ts';
import { startAuthority } from '../../support/authority.ts';

const before = getCACertificates('default');
const folder = mkdtempSync(join(tmpdir(), 'edgehop-trusted-'));
let [company, own] = ['', ''];

beforeAll(async () => {
  [company, own] = [(await startAuthority()).cert, (await startAuthority()).cert];
  writeFileSync(join(folder, 'both.pem'), `# for the tests\n${company}\n${own}`);
  writeFileSync(join(folder, 'rubbish.pem'), 'rubbish');
});

afterAll(() => {
  setDefaultCACertificates(before);
  rmSync(folder, { recursive: true });
});

const believed = () => getCACertificates('default').map((certificate) => certificate.trim());

test('without a word of the configuration it is what browsers trust', () => {
  believe([], folder, undefined);
  const named = (certificates: readonly string[]) =>
    certificates.map((certificate) => new X509Certificate(certificate).fingerprint256).sort();
  expect(named(believed())).toEqual(named(rootCertificates));
});

test('what is named is believed here and not by edges, and H04: our own CA is not, though it is named', () => {
  believe(['both.pem'], folder, own);
  expect(believed()).toContain(company.trim());
  expect(believed()).not.toContain(own.trim());
  expect(believedByEdges().map((certificate) => certificate.trim())).not.toContain(company.trim());
  expect(believedByEdges().length).toBe(rootCertificates.length);
});

test.each([
  ['missing.pem', /trust\.authorities: .*missing\.pem: ENOENT/],
  ['rubbish.pem', /trust\.authorities: .*rubbish\.pem: it holds no certificate in PEM/],
])('%s is a mistake of the configuration, and nothing changes', (path, says) => {
  believe(['both.pem'], folder, own);
  expect(() => believe([path], folder, own)).toThrow(says);
  expect(believed()).toContain(company.trim());
});

test.each([
  [{}, []],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '1', NODE_EXTRA_CA_CERTS: '' }, []],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, [/NODE_TLS_REJECT_UNAUTHORIZED is ignored/]],
  [{ NODE_EXTRA_CA_CERTS: '/x.pem' }, [/NODE_EXTRA_CA_CERTS is ignored: .*trust\.authorities/]],
  [{ NODE_USE_SYSTEM_CA: '1' }, [/operating system are not used/]],
  [{ NODE_OPTIONS: '--inspect --use-openssl-ca' }, [/operating system are not used/]],
])('H21: %j is told as ignored', (environment, says) => {
  const told = unheeded(environment);
  expect(told).toHaveLength(says.length);
  for (const [index, sentence] of says.entries()) expect(told[index]).toMatch(sentence);
});
