// What `exec` and `env` set up for a program: the proxy that it is to use, and what it is to trust.
import { createHash, X509Certificate } from 'node:crypto';
import { ProxyError } from '../../http/proxy-error.ts';
import { machineClock } from '../clock.ts';
import { pathsOf } from '../config/paths.ts';
import { type Authority, openAuthority, readAuthority } from '../trust/authority.ts';
import { authorityFiles } from '../trust/authority-files.ts';
import { bundleFolder, createBundles } from '../trust/bundles.ts';
import { javaStore } from '../trust/java-store.ts';
import { thisMachine } from '../trust/stores/machine.ts';
import { asksForCredentials } from './asks-credentials.ts';
import { clientEnvironment, type TrustPorts } from './client-environment.ts';
import { Exit } from './exit.ts';
import {
  addressOf,
  namedProxy,
  type ProxyAddress,
  type ProxyOptions,
  runningAgent,
  urlOfProxy,
} from './running-agent.ts';

export interface ClientOptions extends ProxyOptions {
  /** True makes an authority where there is none, false says nothing of it. Absent: where there is one, it is to be trusted. */
  readonly ca?: boolean;
}

export interface ClientSetup {
  readonly proxy: ProxyAddress;
  readonly variables: Readonly<Record<string, string>>;
  /** Absent where nothing is said of certificates. */
  readonly authority?: {
    readonly path: string;
    readonly name: string;
    /** SHA-256 of its public key (SubjectPublicKeyInfo), in base64. */
    readonly keyHash: string;
  };
}

/** Ends the verb where no agent runs. What could not be set up as a whole is said on stderr. */
export async function clientSetup(options: ClientOptions, env: NodeJS.ProcessEnv): Promise<ClientSetup> {
  const found = options.proxy === undefined ? addressOf(runningAgent(options.port, env)) : namedProxy(options.proxy);
  // The token of this machine's verbs is shown to programs only where they could not do without.
  const isShown = options.proxy !== undefined || (await asksForCredentials(found));
  const { userinfo, ...bare } = found;
  const proxy = isShown && userinfo !== undefined ? { ...bare, userinfo } : bare;
  const authority = options.ca === false ? undefined : await authorityFor(options, env);
  const trust = authority === undefined ? undefined : await trustPorts(authority, env);
  const variables = clientEnvironment({
    proxy: { url: urlOfProxy(proxy), host: proxy.host, port: proxy.port },
    inherited: env,
    ...(trust !== undefined && { trust }),
  });
  return { proxy, variables, ...(authority !== undefined && { authority: identityOf(authority) }) };
}

async function authorityFor({ ca }: ClientOptions, env: NodeJS.ProcessEnv): Promise<Authority | undefined> {
  const files = authorityFiles(pathsOf(env, process.platform).state);
  const clock = machineClock();
  try {
    return ca === true ? await openAuthority(files, clock.wallTime(clock.now())) : readAuthority(files);
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    throw new Exit('configuration', `${cause.message} ${cause.advice ?? ''}`.trim());
  }
}

async function trustPorts(authority: Authority, env: NodeJS.ProcessEnv): Promise<TrustPorts> {
  const machine = thisMachine(env);
  const folder = bundleFolder(pathsOf(env, process.platform).cache);
  const certificate = { path: authority.certificatePath, pem: authority.certificatePem };
  const java = await javaStore(machine, folder, certificate);
  if (java.kind === 'failed')
    console.error(`edgehop: Java will not trust the local CA, since no store could be made for it: ${java.because}`);
  return {
    certificate: authority.certificatePath,
    bundles: createBundles(machine, folder, authority.certificatePem),
    ...(java.kind === 'made' && { javaStore: java.path }),
  };
}

function identityOf({ certificatePem, certificatePath }: Authority): NonNullable<ClientSetup['authority']> {
  const certificate = new X509Certificate(certificatePem);
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return {
    path: certificatePath,
    name: certificate.subject.replace(/^CN=/, ''),
    keyHash: createHash('sha256').update(key).digest('base64'),
  };
}
