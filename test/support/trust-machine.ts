// A machine with stores of certificates and their programs in memory, which can be killed at any of its steps.
import { X509Certificate } from 'node:crypto';
import type { Ran } from '../../agent/machine/run-program.ts';
import type { Machine } from '../../agent/trust/stores/machine.ts';

export interface TrustMachine extends Machine {
  /** Everything that the stores hold, to be compared. */
  contents(): string;
  /** Puts a file there that is in no store. */
  hold(path: string, text: string): void;
  /** How many steps changed, or might have changed, something. */
  readonly steps: number;
  /** From now on, the step of this number kills us: before it has an effect, or after. */
  killAt(step: number, when: 'before' | 'after'): void;
  /** Nobody kills any more. */
  revive(): void;
}

export class Killed extends Error {}

export const nssFolder = '/home/one/.pki/nssdb';
export const anchors = '/usr/local/share/ca-certificates';
export const bundlePath = '/etc/ssl/certs/ca-certificates.crt';

/** `certificatesOfOthers`: PEM, trusted from the beginning. */
export function makeTrustMachine(
  platform: 'linux' | 'darwin' | 'win32',
  ...certificatesOfOthers: string[]
): TrustMachine {
  const files = new Map<string, string>();
  const beside = new Map<string, string>();
  const nss = new Map<string, string>([['somebody else', 'CT,C,C']]);
  /** In keychain or in Windows' store: the PEM, and whether it is trusted. */
  const roots = new Map<string, boolean>(certificatesOfOthers.map((pem) => [pem, true]));
  let steps = 0;
  let kill: { readonly step: number; readonly when: 'before' | 'after' } | undefined;
  let isDead = false;
  const step = <T>(act: () => T): T => {
    if (isDead) throw new Killed();
    steps++;
    const isLast = kill?.step === steps;
    if (isLast && kill?.when === 'before') isDead = true;
    if (isDead) throw new Killed();
    const done = act();
    if (isLast) isDead = true;
    if (isDead) throw new Killed();
    return done;
  };
  const update = () => {
    const own = [...files].filter(([path]) => path.startsWith(`${anchors}/`)).map(([, text]) => text);
    files.set(bundlePath, [...certificatesOfOthers, ...own].join(''));
    return ended(0);
  };
  if (platform === 'linux') {
    update();
    files.set(`${nssFolder}/cert9.db`, 'database');
  }
  const run = (command: string, ...args: readonly string[]): Ran => {
    if (command === 'update-ca-certificates') return update();
    if (command === 'certutil') return certutil(nss, args);
    if (command === 'tstclnt') return ended([...nss.keys()].some(isOwn) ? 0 : 254, '', refusal);
    if (command === 'node')
      return ended(0, [...roots].some(([pem, is]) => is && isOwn(subjectOf(pem))) ? 'trusted\n' : 'X\n');
    if (command.endsWith('security')) return security(roots, args, read);
    if (command.endsWith('powershell.exe'))
      return ended(
        0,
        [...roots.keys()]
          .filter((pem) => isOwn(subjectOf(pem)))
          .map(base64)
          .join('\r\n'),
      );
    if (command.endsWith('certutil.exe')) return windowsCertutil(roots, args, read);
    return { kind: 'absent', because: 'it is not there' };
  };
  const read = (path: string) => files.get(path) ?? beside.get(path);
  return {
    platform,
    home: '/home/one',
    env: {},
    node: 'node',
    run: async (command, ...args) => step(() => run(command, ...args)),
    read,
    write: (path, text) => step(() => void files.set(path, text)),
    remove: (path) => step(() => void files.delete(path)),
    list: (folder) =>
      [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1)),
    removeFolder: () => undefined,
    makeFolder: () => undefined,
    rename: () => undefined,
    realPath: () => undefined,
    stamp: () => undefined,
    mode: () => undefined,
    hold: (path, text) => void beside.set(path, text),
    contents: () => JSON.stringify([[...files], [...nss], [...roots]]),
    get steps() {
      return steps;
    },
    killAt: (at, when) => {
      kill = { step: at, when };
      steps = 0;
    },
    revive: () => {
      kill = undefined;
      isDead = false;
    },
  };
}

const refusal = 'tstclnt: authentication of server cert failed: SEC_ERROR_UNKNOWN_ISSUER: not recognized.\n';

function ended(code: number, stdout = '', stderr = ''): Ran {
  return { kind: 'ended', code, stdout, stderr };
}

function isOwn(name: string): boolean {
  return name.startsWith('edgehop local CA ');
}

function certutil(nss: Map<string, string>, args: readonly string[]): Ran {
  const nickname = args[args.indexOf('-n') + 1] ?? '';
  if (args[0] === '-A') nss.set(nickname, args[args.indexOf('-t') + 1] ?? '');
  if (args[0] === '-D' && !nss.delete(nickname)) return ended(255, '', 'certutil: could not find certificate');
  if (args[0] !== '-L') return ended(0);
  const lines = [...nss].map(([name, trust]) => `${name.padEnd(60)} ${trust}  `);
  return ended(
    0,
    `\nCertificate Nickname      Trust Attributes\n${' '.repeat(60)} SSL,S/MIME,JAR/XPI\n\n${lines.join('\n')}\n`,
  );
}

function security(roots: Map<string, boolean>, args: readonly string[], read: Machine['read']): Ran {
  if (args[0] === 'find-certificate') {
    const found = [...roots.keys()].filter((pem) => isOwn(subjectOf(pem)));
    return found.length === 0
      ? ended(44, '', 'security: SecKeychainSearchCopyNext: not found')
      : ended(0, found.join(''));
  }
  if (args[0] === 'add-trusted-cert') roots.set(read(args.at(-1) ?? '') ?? '', true);
  if (args[0] === 'delete-certificate') deleteByHash(roots, args[args.indexOf('-Z') + 1]);
  return ended(0);
}

function windowsCertutil(roots: Map<string, boolean>, args: readonly string[], read: Machine['read']): Ran {
  if (args.includes('-addstore')) roots.set(read(args.at(-1) ?? '') ?? '', true);
  else deleteByHash(roots, args.at(-1));
  return ended(0);
}

function deleteByHash(roots: Map<string, boolean>, hash: string | undefined): void {
  for (const pem of [...roots.keys()])
    if (new X509Certificate(pem).fingerprint.replaceAll(':', '') === hash) roots.delete(pem);
}

function subjectOf(pem: string): string {
  return new X509Certificate(pem).subject.replace(/^CN=/, '');
}

function base64(pem: string): string {
  return new X509Certificate(pem).raw.toString('base64');
}
