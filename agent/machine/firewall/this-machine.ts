// The firewalls of the machine that we run on: which programs are asked, and where they are found.
import { access, readFile } from 'node:fs/promises';
import { programRunner } from '../run-program.ts';
import { linuxFirewalls } from './linux.ts';
import { macosFirewalls, windowsFirewalls } from './other-systems.ts';
import type { FirewallHost, FirewallQuestion, FirewallsRead } from './ports.ts';

/** Firewalls' programs lie where the PATH of a user does not lead. */
const administratorsFolders = ':/usr/local/sbin:/usr/sbin:/sbin';

export function firewallHost(env: NodeJS.ProcessEnv): FirewallHost {
  const path =
    process.platform === 'win32' ? {} : { PATH: `${env['PATH'] ?? '/usr/bin:/bin'}${administratorsFolders}` };
  return {
    platform: process.platform,
    run: programRunner({ ...env, ...path }),
    exists: (file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    read: (file) => readFile(file, 'utf8').catch(() => undefined),
  };
}

/** Never rejects: what could not be read is told. */
export async function readFirewalls(question: FirewallQuestion, host: FirewallHost): Promise<FirewallsRead> {
  if (host.platform === 'linux') return linuxFirewalls(question, host);
  if (host.platform === 'darwin') return macosFirewalls(question, host);
  if (host.platform === 'win32') return windowsFirewalls(question, host);
  const because = `edgehop knows no firewall of ${host.platform}`;
  const judgements = question.ports.map(() =>
    question.families.map((family) => ({
      family: family === 'ip' ? ('ipv4' as const) : ('ipv6' as const),
      verdict: 'unknown' as const,
      because: [because],
      deciding: [],
    })),
  );
  return { firewalls: [], judgements, unread: [because], openedByUs: 'unknown', commands: { kind: 'none', because } };
}
