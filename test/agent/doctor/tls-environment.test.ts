// Variables that change what Node trusts. ATTACKS H21.
import { expect, test } from 'vitest';
import { tlsEnvironmentCheck } from '../../../agent/doctor/tls-environment.ts';
import { never, situationWith, told } from '../../support/situation.ts';

const verified =
  'pass NODE_TLS_REJECT_UNAUTHORIZED: certificates are verified, by other programs that run on Node, too';
const nothing = 'pass NODE_EXTRA_CA_CERTS: nothing widens what Node trusts';
const unheeded = 'is for other programs that run on Node; edgehop does not heed it';

test.each([
  [{}, `${verified}\n${nothing}`],
  [
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    `fail NODE_TLS_REJECT_UNAUTHORIZED: it is 0: edgehop verifies certificates all the same, but other programs of this shell that run on Node do not\n${nothing}`,
  ],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '1' }, `${verified}\n${nothing}`],
  [{ NODE_EXTRA_CA_CERTS: '/ca.pem' }, `${verified}\nskip NODE_EXTRA_CA_CERTS: /ca.pem ${unheeded}`],
  [{ NODE_OPTIONS: '--use-system-ca' }, `${verified}\nskip NODE_EXTRA_CA_CERTS: what the system trusts ${unheeded}`],
])('%j', async (env, expected) => {
  expect(told(await tlsEnvironmentCheck(situationWith({ env })).run(never))).toBe(expected);
});
