// `edgehop ca`: where the local authority lies, which stores trust it, and how they come to.
import { X509Certificate } from 'node:crypto';
import { ProxyError } from '../../http/proxy-error.ts';
import { interception } from '../../schemas/intercept-admin.ts';
import { type CaStatus, type StoreKind, type StoreReport, storeKinds } from '../../schemas/trust.ts';
import { machineClock } from '../clock.ts';
import { pathsOf } from '../config/paths.ts';
import { type Authority, openAuthority, readAuthority } from '../trust/authority.ts';
import { type AuthorityFiles, authorityFiles } from '../trust/authority-files.ts';
import { bundleFolder } from '../trust/bundles.ts';
import { installIn, statusOf, uninstallFrom } from '../trust/installing.ts';
import { openJournal } from '../trust/journal.ts';
import { shakeHands, startProofServer } from '../trust/proof-server.ts';
import { storesFound } from '../trust/stores/found.ts';
import { type Machine, thisMachine } from '../trust/stores/machine.ts';
import type { OwnCertificate } from '../trust/stores/store.ts';
import { changesInWords, deletedInWords, statusInWords } from './ca-words.ts';
import { askAgent } from './control-client.ts';
import { Exit } from './exit.ts';
import { runningAgents } from './running-agent.ts';

export interface CaOptions {
  /** Only these; all where it is absent. */
  readonly store?: readonly StoreKind[];
  readonly json?: boolean;
}

/** A renewed authority has to be installed anew, so this is said in time. */
const expiresSoonMs = 30 * 86_400_000;

/** Prints where the certificate lies, which is made where there is none. */
export async function path(env: NodeJS.ProcessEnv): Promise<void> {
  console.log((await opened(env)).certificatePath);
}

/** Installs the certificate in every store, and proves each. Ends with 77 where one needs the administrator, with 1 where one failed. */
export async function install(options: CaOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const authority = await opened(env);
  const { stores, journal } = storesOf(options, env);
  await using server = await startProofServer(authority, wallTime);
  const reports = await installIn(stores, certificateOf(authority), server.port, journal);
  if (options.json === true) console.log(JSON.stringify({ stores: reports }));
  else console.log(changesInWords(reports));
  endBy(reports, ({ problem, proof }) => problem !== undefined || proof?.result !== 'trusted', 'trust it for certain');
}

/** Takes every certificate of ours out of every store; with `delete` the authority goes, too. */
export async function uninstall(options: CaOptions & { readonly delete?: boolean }, env: NodeJS.ProcessEnv) {
  const { stores, journal, machine } = storesOf(options, env);
  const reports = await uninstallFrom(stores, journal);
  const { state, cache } = pathsOf(env, process.platform);
  const files = authorityFiles(state);
  if (options.delete === true)
    for (const folder of [files.folder, bundleFolder(cache)]) attempted(folder, () => machine.removeFolder(folder));
  if (options.json === true) console.log(JSON.stringify({ stores: reports }));
  else console.log([changesInWords(reports), ...(options.delete === true ? [deletedInWords(files)] : [])].join('\n'));
  endBy(reports, ({ problem }) => problem !== undefined, 'are clean');
}

/** Says what there is, and which stores trust it. */
export async function status(options: CaOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const report = { ...(await caReport(options, env)), ...(await passedBy(env)) };
  console.log(options.json === true ? JSON.stringify(report) : statusInWords(report));
}

/** What there is, and which stores trust it: for `ca status` and `doctor`. Changes nothing. */
export function caReport(options: CaOptions, env: NodeJS.ProcessEnv): Promise<CaStatus> {
  const { stores, machine } = storesOf(options, env);
  return reportOf(authorityFiles(pathsOf(env, process.platform).state), machine, stores);
}

async function reportOf(
  files: AuthorityFiles,
  machine: Machine,
  stores: ReturnType<typeof storesFound>,
): Promise<CaStatus> {
  const { folder, secret } = files;
  let authority: Authority | undefined;
  try {
    authority = readAuthority(files);
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    return { authority: { kind: 'unusable', folder, because: sentence(cause) }, stores: [] };
  }
  if (authority === undefined) return { authority: { kind: 'none', folder }, stores: [] };
  await using server = await startProofServer(authority, wallTime);
  const certificate = certificateOf(authority);
  const mode = machine.mode(secret);
  return {
    authority: {
      kind: 'there',
      path: authority.certificatePath,
      name: certificate.name,
      fingerprint: new X509Certificate(authority.certificatePem).fingerprint256,
      until: new Date(authority.until).toISOString(),
      expiresSoon: authority.until - wallTime() < expiresSoonMs,
      key: { path: secret, ...(mode !== undefined && { mode: mode.toString(8).padStart(4, '0') }) },
    },
    stores: [...(await statusOf(stores, certificate, server.port))],
  };
}

/** An agent of another version, or one that is just ending, says nothing of it. */
async function passedBy(env: NodeJS.ProcessEnv): Promise<Pick<CaStatus, 'passed'>> {
  const [agent] = runningAgents(undefined, env);
  if (agent === undefined) return {};
  return askAgent(agent, '/v1/intercept', interception).then(
    ({ passed }) => ({ passed }),
    () => ({}),
  );
}

function wallTime(): number {
  const clock = machineClock();
  return clock.wallTime(clock.now());
}

async function opened(env: NodeJS.ProcessEnv): Promise<Authority> {
  const files = authorityFiles(pathsOf(env, process.platform).state);
  return openAuthority(files, wallTime()).catch((cause) => {
    if (cause instanceof ProxyError) throw new Exit('configuration', sentence(cause));
    throw cause;
  });
}

function storesOf({ store = storeKinds }: CaOptions, env: NodeJS.ProcessEnv) {
  const machine = thisMachine(env);
  const journal = openJournal(pathsOf(env, process.platform).state);
  return { machine, journal, stores: storesFound(machine, store, shakeHands, journal.list()) };
}

function certificateOf({ certificatePem, certificatePath }: Authority): OwnCertificate {
  const { subject } = new X509Certificate(certificatePem);
  return { name: subject.replace(/^CN=/, ''), pem: certificatePem, path: certificatePath };
}

function endBy(reports: readonly StoreReport[], isBad: (report: StoreReport) => boolean, verb: string): void {
  const bad = reports.filter((report) => report.problem?.kind !== 'not-needed' && isBad(report));
  if (bad.length === 0) return;
  const needsRoot = bad.every(({ problem }) => problem?.kind === 'needs-root');
  throw new Exit(
    needsRoot ? 'permission' : 'failed',
    `of ${reports.length} stores, ${reports.length - bad.length} ${verb}: see what stands above.`,
  );
}

function attempted(folder: string, act: () => void): void {
  try {
    act();
  } catch (cause) {
    throw new Exit('permission', `${folder} cannot be deleted: ${(cause as Error).message}`);
  }
}

function sentence({ message, advice }: ProxyError): string {
  return advice === undefined ? message : `${message} ${advice}`;
}
