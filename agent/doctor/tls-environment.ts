// Variables of this shell that loosen or widen what Node trusts.
import type { Finding } from '../../schemas/doctor.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export function tlsEnvironmentCheck({ env }: Situation, { read }: Pick<DoctorHost, 'read'>): Check {
  return {
    name: verification,
    deadlineMs: 2_000,
    run: () => [verified(env), issuers(env, read)],
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

function issuers(env: Situation['env'], read: DoctorHost['read']): Finding {
  const path = env[extra];
  const ofSystem = env['NODE_USE_SYSTEM_CA'] === '1' || /--use-system-ca\b/.test(env['NODE_OPTIONS'] ?? '');
  const system = ofSystem ? '; those of the system are trusted, too (--use-system-ca)' : '';
  if (path === undefined || path === '')
    return skip(extra, `no issuers are added to those that come with Node${system}`);
  const text = read(path);
  const action = `Correct it, or take it away: \`unset ${extra}\``;
  if (text === undefined) return fail(extra, `${path} cannot be read, and Node goes on without a word`, action);
  const count = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  if (count === 0) return fail(extra, `${path} holds no certificate in PEM`, action);
  return pass(
    extra,
    `${path} adds ${count === 1 ? 'one issuer' : `${count} issuers`}, which edgehop trusts on its way out${system}`,
  );
}
