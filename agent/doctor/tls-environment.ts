// Variables of this shell that loosen or widen what Node trusts.
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { Situation } from './situation.ts';

export function tlsEnvironmentCheck({ env }: Situation): Check {
  return {
    name: verification,
    deadlineMs: 2_000,
    run: () => [verified(env), issuers(env)],
  };
}

const verification = 'NODE_TLS_REJECT_UNAUTHORIZED';
const extra = 'NODE_EXTRA_CA_CERTS';

function verified(env: Situation['env']): Finding {
  if (env[verification] === '0')
    return fail(
      verification,
      'it is 0: edgehop verifies certificates all the same, but other programs of this shell that run on Node do not',
      `Take it away: \`unset ${verification}\``,
    );
  return pass(verification, 'certificates are verified, by other programs that run on Node, too');
}

/** edgehop has a list of its own: what browsers trust, and what the configuration names. */
function issuers(env: Situation['env']): Finding {
  const path = env[extra];
  const ofSystem = env['NODE_USE_SYSTEM_CA'] === '1' || /--use-(?:system|openssl)-ca\b/.test(env['NODE_OPTIONS'] ?? '');
  if ((path === undefined || path === '') && !ofSystem) return pass(extra, 'nothing widens what Node trusts');
  const what = ofSystem ? 'what the system trusts' : path;
  return skip(
    extra,
    `${what} is for other programs that run on Node; edgehop does not heed it`,
    'Name such certificates in trust.authorities of the configuration, where edgehop is to trust their issuers, too',
  );
}
