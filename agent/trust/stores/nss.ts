// Databases of NSS: Firefox has one in each profile, Chromium on Linux one for each person.
import type { StoreProblem, TrustProof } from '../../../schemas/trust.ts';
import type { Ran } from '../../machine/run-program.ts';
import type { Machine } from './machine.ts';
import { type Changed, type Listed, ownName, type TrustStore } from './store.ts';
import { failureOf } from './told.ts';

/** The databases of this person, as folders. */
export function nssFolders(machine: Machine): readonly NssFolder[] {
  const { home, env, platform } = machine;
  const found: NssFolder[] = [];
  const add = (path: string, name: string) => {
    if (machine.list(path).includes('cert9.db')) found.push({ path, name });
  };
  if (platform === 'linux') for (const path of chromiumFolders) add(`${home}/${path}`, 'Chromium and others');
  for (const folder of firefoxFolders(home, env, platform))
    for (const profile of machine.list(folder)) add(`${folder}/${profile}`, `Firefox, profile ${profile}`);
  return found;
}

export interface NssFolder {
  readonly path: string;
  /** For people. */
  readonly name: string;
}

/** Chromium takes the second where the first is not there; snap and flatpak give it a home of its own. */
const chromiumFolders = [
  '.pki/nssdb',
  '.local/share/pki/nssdb',
  'snap/chromium/current/.pki/nssdb',
  'snap/chromium/current/.local/share/pki/nssdb',
  '.var/app/org.chromium.Chromium/.pki/nssdb',
  '.var/app/org.chromium.Chromium/data/pki/nssdb',
  '.var/app/com.google.Chrome/.pki/nssdb',
  '.var/app/com.google.Chrome/data/pki/nssdb',
  '.var/app/com.brave.Browser/.pki/nssdb',
  '.var/app/com.brave.Browser/data/pki/nssdb',
];

function firefoxFolders(home: string, env: Machine['env'], platform: string): readonly string[] {
  if (platform === 'darwin') return [`${home}/Library/Application Support/Firefox/Profiles`];
  if (platform === 'win32') return [`${env['APPDATA'] ?? `${home}/AppData/Roaming`}/Mozilla/Firefox/Profiles`];
  return [
    `${home}/.mozilla/firefox`,
    `${home}/.config/mozilla/firefox`,
    `${home}/snap/firefox/common/.mozilla/firefox`,
    `${home}/snap/firefox/common/.config/mozilla/firefox`,
    `${home}/.var/app/org.mozilla.firefox/.mozilla/firefox`,
    `${home}/.var/app/org.mozilla.firefox/config/mozilla/firefox`,
  ];
}

/** The store in such a folder. */
export function nssStore(machine: Machine, { path, name }: NssFolder): TrustStore {
  const certutil = (...args: readonly string[]): Promise<Ran> =>
    // Windows has a program of this name, which is another.
    machine.platform === 'win32'
      ? Promise.resolve({ kind: 'absent', because: 'it is not there' })
      : machine.run('certutil', ...args, '-d', `sql:${path}`);
  const problemOf = (ran: Ran) => advised(failureOf('certutil', ran), machine.platform);
  const ours = async (): Promise<Listed> => {
    const ran = await certutil('-L');
    const problem = problemOf(ran);
    return problem ?? { kind: 'listed', names: ran.kind === 'ended' ? ownNicknames(ran.stdout) : [] };
  };
  return {
    kind: 'nss',
    place: path,
    name,
    ours,
    add: async (certificate): Promise<Changed> => {
      const ran = await certutil('-A', '-n', certificate.name, '-t', 'C,,', '-i', certificate.path);
      return problemOf(ran) ?? { kind: 'done' };
    },
    remove: async (names): Promise<Changed> => {
      for (const nickname of names) {
        const there = await ours();
        if (there.kind !== 'listed') return there;
        if (!there.names.includes(nickname)) continue;
        const problem = problemOf(await certutil('-D', '-n', nickname));
        if (problem !== undefined) return problem;
      }
      const left = await ours();
      if (left.kind !== 'listed') return left;
      return left.names.some((nickname) => names.includes(nickname))
        ? { kind: 'failed', because: 'certutil says that it has taken the certificate away, and lists it still' }
        : { kind: 'done' };
    },
    prove: async (certificate, port): Promise<TrustProof> => {
      const client = await machine.run('tstclnt', ...tstclntArguments(path, port));
      if (client.kind === 'ended') return { ...provedByTstclnt(client), by: 'tls-handshake', program: 'tstclnt' };
      const judged = await certutil('-V', '-u', 'L', '-n', certificate.name);
      const problem = problemOf(judged);
      const by = { by: 'certutil', program: 'certutil -V' } as const;
      if (problem === undefined) return { result: 'trusted', ...by };
      return problem.kind === 'tool-missing'
        ? { result: 'unknown', because: problem.because }
        : { result: 'not-trusted', ...by, because: problem.because };
    },
  };
}

/** Nicknames of ours in what `certutil -L` prints: a nickname, white space, trust for TLS, mail and code. */
export function ownNicknames(listing: string): readonly string[] {
  return listing.split(/\r?\n/).flatMap((line) => {
    const nickname = /^(.*\S)\s+[A-Za-z]*,[A-Za-z]*,[A-Za-z]*\s*$/.exec(line)?.[1];
    return nickname !== undefined && ownName.exec(nickname)?.[0] === nickname ? [nickname] : [];
  });
}

/** A handshake for the name `localhost` by IPv4, and no more. */
export function tstclntArguments(folder: string, port: number): readonly string[] {
  return ['-h', 'localhost', '-p', String(port), '-4', '-Q', '-d', `sql:${folder}`];
}

/** tstclnt ends with 0 after a handshake only. */
function provedByTstclnt({ code, stdout, stderr }: Ran & { kind: 'ended' }): Pick<TrustProof, 'result' | 'because'> {
  if (code === 0) return { result: 'trusted' };
  const said = `${stderr}\n${stdout}`;
  const error = /authentication of server cert failed: (.*)/.exec(said)?.[1];
  return error === undefined
    ? { result: 'unknown', because: `tstclnt ended with ${code}: ${said.trim().split('\n').at(-1) ?? ''}` }
    : { result: 'not-trusted', because: error };
}

function advised(problem: StoreProblem | undefined, platform: string): StoreProblem | undefined {
  if (problem === undefined) return undefined;
  if (problem.kind === 'tool-missing') return missingTool(platform);
  if (/SEC_ERROR_BAD_PASSWORD|SEC_ERROR_TOKEN_NOT_LOGGED_IN|SEC_ERROR_IO|password/i.test(problem.because))
    return { ...problem, advice: 'This database may have a primary password: import the certificate in the browser.' };
  return problem;
}

/** The package that has NSS's certutil. On Windows and macOS, Firefox takes what the system trusts since version 120. */
function missingTool(platform: string): StoreProblem {
  if (platform === 'win32' || platform === 'darwin')
    return {
      kind: 'not-needed',
      because: "left as it is, for there is no certutil of NSS's here, and Firefox takes what the system trusts",
      advice: `Unless it was told otherwise in Settings, Privacy & Security, Certificates${platform === 'darwin' ? '; else: brew install nss' : ''}.`,
    };
  return {
    kind: 'tool-missing',
    because: "there is no certutil (NSS's) on this machine",
    advice:
      'Install libnss3-tools (Debian, Ubuntu), nss-tools (Fedora, RHEL, Alpine), nss (Arch) or mozilla-nss-tools (openSUSE), and run this again.',
  };
}
