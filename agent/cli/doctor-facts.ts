// What the doctor is told of the local CA and of the system's proxy settings, by who looks after them.
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoreReport } from '../../schemas/trust.ts';
import { pathsOf } from '../config/paths.ts';
import type { SystemProxyFacts } from '../doctor/system-proxy.ts';
import type { TrustFacts } from '../doctor/trust.ts';
import { systemProxyReport } from '../machine/system-proxy/report.ts';
import { thisMachine } from '../machine/system-proxy/this-machine.ts';
import { caReport } from './ca.ts';
import { runningAgents } from './running-agent.ts';

/** Nothing where there is no authority, or none that can be used: who needs it is told that. */
export async function trustFacts(env: NodeJS.ProcessEnv): Promise<TrustFacts | undefined> {
  const { authority, stores } = await caReport({}, env);
  if (authority.kind !== 'there') return undefined;
  const { validFromDate, validToDate } = new X509Certificate(readFileSync(authority.path, 'utf8'));
  const folder = dirname(authority.key.path);
  return {
    authority: {
      folder,
      folderMode: process.platform === 'win32' ? undefined : statSync(folder).mode & 0o777,
      keyMode: authority.key.mode === undefined ? undefined : Number.parseInt(authority.key.mode, 8) & 0o777,
      notBefore: validFromDate.getTime(),
      notAfter: validToDate.getTime(),
    },
    stores: stores
      .filter(({ problem }) => problem?.kind !== 'not-needed')
      .map((store) => ({ name: `${store.name} (${store.place})`, state: stateOf(store) })),
  };
}

function stateOf({ proof }: StoreReport): TrustFacts['stores'][number]['state'] {
  if (proof?.result === 'trusted') return 'trusted';
  return proof?.result === 'not-trusted' ? 'untrusted' : 'unknown';
}

/** Nothing where no desktop is found. What leads to edgehop comes before what does not. */
export async function systemProxyFacts(env: NodeJS.ProcessEnv): Promise<SystemProxyFacts | undefined> {
  const ports = thisMachine(pathsOf(env, process.platform).state, env, process.platform);
  const { proxies, unread } = await systemProxyReport(ports, runningAgents(undefined, env));
  const ours = proxies.find(({ agent }) => agent !== undefined);
  if (ours?.to !== undefined) {
    const port = Number(/:(\d+)(?:\/|$)/.exec(ours.to)?.[1]);
    return { kind: 'ours', by: ours.kind === 'pac' ? 'pac' : 'fixed', port };
  }
  const other = proxies.find(({ kind }) => kind !== 'none');
  if (other !== undefined) return { kind: 'other', name: withoutUserinfo(other.to ?? other.kind) };
  if (proxies.length > 0) return { kind: 'off' };
  return unread[0] === undefined ? undefined : { kind: 'unknown', because: unread[0].because };
}

function withoutUserinfo(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//');
}
