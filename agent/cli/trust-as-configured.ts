// Lets a verb believe the certificates of servers that the configuration wants believed, and no others.
import { dirname } from 'node:path';
import type { Config } from '../../schemas/config.ts';
import { pathsOf } from '../config/paths.ts';
import { readAuthority } from '../trust/authority.ts';
import { authorityFiles } from '../trust/authority-files.ts';
import { believe } from '../trust/trusted.ts';

/** For the whole process. `path`: of the configuration. Throws a ProxyError of type `proxy_configuration_error`. */
export function trustAsConfigured({ trust }: Config, path: string | undefined, env: NodeJS.ProcessEnv): void {
  const folder = path === undefined ? process.cwd() : dirname(path);
  believe(trust.authorities, folder, ownCertificate(pathsOf(env, process.platform).state));
}

/** One that cannot be used is told of where it is needed. */
function ownCertificate(stateFolder: string): string | undefined {
  try {
    return readAuthority(authorityFiles(stateFolder))?.certificatePem;
  } catch {
    return undefined;
  }
}
