// Whether there is a configuration, whether it is right, and whether others may read the secrets in it.
import type { Finding } from '../../schemas/doctor.ts';
import { secretsOf } from '../config/secrets.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export function configurationCheck(
  { read, config }: Situation,
  { mode, platform }: Pick<DoctorHost, 'mode' | 'platform'>,
): Check {
  return {
    name: 'configuration',
    deadlineMs: 2_000,
    run: () => {
      if (read.kind === 'wrong')
        return [fail('configuration', read.because, 'Correct it; `edgehop config validate` says whether it is right')];
      if (read.path === undefined) return [pass('configuration', 'there is no file: all is default')];
      const permissions = permissionsOf(read.path, secretsOf(config).length > 0, { mode, platform });
      return [pass('configuration', `${read.path} is right`), permissions];
    },
  };
}

const name = 'configuration file';

function permissionsOf(
  path: string,
  hasSecrets: boolean,
  { mode, platform }: Pick<DoctorHost, 'mode' | 'platform'>,
): Finding {
  if (!hasSecrets) return skip(name, 'it holds no secret');
  if (platform === 'win32') return skip(name, 'who may read a file is not told by permissions on Windows');
  const bits = mode(path);
  if (bits === undefined) return skip(name, 'its permissions cannot be read');
  return (bits & 0o077) === 0
    ? pass(name, `it holds secrets, and only its owner may read it (${octal(bits)})`)
    : fail(
        name,
        `it holds secrets, and others of this machine may read or change it (${octal(bits)})`,
        `Run \`chmod 600 ${path}\``,
      );
}

/** As `chmod` takes it. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
