// Variables that change what Node trusts. ATTACKS H21.
import { expect, test } from 'vitest';
import { tlsEnvironmentCheck } from '../../../agent/doctor/tls-environment.ts';
import { never, situationWith, told } from '../../support/situation.ts';

const pem = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n';
const verified =
  'pass NODE_TLS_REJECT_UNAUTHORIZED: certificates are verified, by other programs that run on Node, too';
const nothing = 'skip NODE_EXTRA_CA_CERTS: no issuers are added to those that come with Node';

test.each([
  [{}, undefined, `${verified}\n${nothing}`],
  [
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    undefined,
    `fail NODE_TLS_REJECT_UNAUTHORIZED: it is 0: edgehop verifies certificates all the same, but other programs of this shell that run on Node do not\n${nothing}`,
  ],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '1' }, undefined, `${verified}\n${nothing}`],
  [
    { NODE_EXTRA_CA_CERTS: '/ca.pem' },
    undefined,
    `${verified}\nfail NODE_EXTRA_CA_CERTS: /ca.pem cannot be read, and Node goes on without a word`,
  ],
  [
    { NODE_EXTRA_CA_CERTS: '/ca.pem' },
    'no certificate',
    `${verified}\nfail NODE_EXTRA_CA_CERTS: /ca.pem holds no certificate in PEM`,
  ],
  [
    { NODE_EXTRA_CA_CERTS: '/ca.pem' },
    pem,
    `${verified}\npass NODE_EXTRA_CA_CERTS: /ca.pem adds one issuer, which edgehop trusts on its way out`,
  ],
  [
    { NODE_EXTRA_CA_CERTS: '/ca.pem', NODE_OPTIONS: '--use-system-ca' },
    pem + pem,
    `${verified}\npass NODE_EXTRA_CA_CERTS: /ca.pem adds 2 issuers, which edgehop trusts on its way out; those of the system are trusted, too (--use-system-ca)`,
  ],
])('%j', async (env, text, expected) => {
  expect(told(await tlsEnvironmentCheck(situationWith({ env }), { read: () => text }).run(never))).toBe(expected);
});
