// The store of a Linux distribution: a folder of anchors, and a command that makes the bundle of it which programs read.
import { X509Certificate } from 'node:crypto';
import type { StoreProblem } from '../../../schemas/trust.ts';
import type { Machine } from './machine.ts';
import { type Changed, isOwnName, type Listed, type OwnCertificate, type TrustStore } from './store.ts';
import { failureOf, type Handshake } from './told.ts';

export interface AnchorFamily {
  /** For people. */
  readonly name: string;
  readonly folder: string;
  readonly extension: 'crt' | 'pem';
  readonly command: readonly [string, ...string[]];
  /** That after an anchor has gone. */
  readonly afterRemoval: readonly [string, ...string[]];
  /** Where links to the anchors lie, which programs read besides the bundle. */
  readonly links?: string;
  /** What programs read. */
  readonly bundle: string;
}

/** The more special ones first: openSUSE, too, has a command named as Debian's. */
export const anchorFamilies: readonly AnchorFamily[] = [
  {
    name: 'Fedora, RHEL',
    folder: '/etc/pki/ca-trust/source/anchors',
    extension: 'pem',
    command: ['update-ca-trust', 'extract'],
    afterRemoval: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    name: 'openSUSE',
    folder: '/etc/pki/trust/anchors',
    extension: 'pem',
    command: ['update-ca-certificates'],
    afterRemoval: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
  {
    name: 'Arch Linux',
    folder: '/etc/ca-certificates/trust-source/anchors',
    extension: 'crt',
    command: ['trust', 'extract-compat'],
    afterRemoval: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    name: 'Debian, Ubuntu, Alpine',
    folder: '/usr/local/share/ca-certificates',
    extension: 'crt',
    command: ['update-ca-certificates'],
    afterRemoval: ['update-ca-certificates', '--fresh'], // without it, links to what has gone stay
    links: '/etc/ssl/certs',
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
];

/** The family that this machine is of: the one whose bundle is there. */
export function anchorFamily(machine: Machine): AnchorFamily | undefined {
  return anchorFamilies.find(({ bundle }) => machine.read(bundle) !== undefined);
}

/** A store of such a family. `root`: the folder that all its paths lie under, empty but in tests. */
export function linuxStore(machine: Machine, family: AnchorFamily, handshake: Handshake, root = ''): TrustStore {
  const folder = `${root}${family.folder}`;
  const bundle = `${root}${family.bundle}`;
  const isInBundle = ({ pem }: OwnCertificate) => machine.read(bundle)?.includes(pem.trim()) === true;
  /** Whether a change broke off between the anchor and what is made of the anchors. */
  const isLeftOver = (names: readonly string[]) =>
    namesInBundle(machine.read(bundle) ?? '').some((name) => names.includes(name)) ||
    (family.links !== undefined &&
      machine.list(`${root}${family.links}`).some((link) => isOwnFile(link) && names.includes(nameOfFile(link))));
  return {
    kind: 'system',
    place: folder,
    name: `the system's store (${family.name})`,
    ours: async (): Promise<Listed> => ({
      kind: 'listed',
      names: machine
        .list(folder)
        .filter((file) => isOwnFile(file) && !isSomebodysElse(machine.read(`${folder}/${file}`)))
        .map(nameOfFile),
    }),
    add: async (certificate): Promise<Changed> => {
      const path = `${folder}/${fileOf(certificate.name, family)}`;
      if (machine.read(path) === certificate.pem && isInBundle(certificate)) return { kind: 'done' };
      const sudo = `sudo install -D -m 644 ${quoted(certificate.path)} ${quoted(path)} && sudo ${family.command.join(' ')}`;
      const refused = attempted(() => machine.write(path, certificate.pem), sudo);
      return (
        refused ??
        refusedCommand(failureOf(family.command[0], await machine.run(...family.command)), sudo) ?? { kind: 'done' }
      );
    },
    remove: async (names): Promise<Changed> => {
      const files = names.map((name) => fileOf(name, family)).filter((file) => machine.list(folder).includes(file));
      const paths = files.map((file) => `${folder}/${file}`).filter((path) => !isSomebodysElse(machine.read(path)));
      if (paths.length === 0 && !isLeftOver(names)) return { kind: 'done' };
      const command = family.afterRemoval;
      const removed = paths.length === 0 ? '' : `sudo rm ${paths.map(quoted).join(' ')} && `;
      const sudo = `${removed}sudo ${command.join(' ')}`;
      for (const path of paths) {
        const refused = attempted(() => machine.remove(path), sudo);
        if (refused !== undefined) return refused;
      }
      return refusedCommand(failureOf(command[0], await machine.run(...command)), sudo) ?? { kind: 'done' };
    },
    prove: async (_certificate, port) => {
      const text = machine.read(bundle);
      if (text === undefined) return { result: 'unknown', because: `${bundle} cannot be read` };
      return { ...(await handshake(port, text)), by: 'tls-handshake', program: `Node with ${bundle}` };
    },
  };
}

/** No blanks: Debian's script puts other characters in their place. */
function fileOf(name: string, { extension }: AnchorFamily): string {
  return `${name.replaceAll(' ', '-')}.${extension}`;
}

function isOwnFile(file: string): boolean {
  return isOwnName(nameOfFile(file));
}

function nameOfFile(file: string): string {
  return file.replace(/\.(?:crt|pem)$/, '').replaceAll('-', ' ');
}

/** What is no certificate at all is the part of one that was being written. */
function isSomebodysElse(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return !isOwnName(new X509Certificate(text).subject.replace(/^CN=/, ''));
  } catch {
    return false;
  }
}

/** The names of ours among the certificates of a bundle. */
function namesInBundle(text: string): readonly string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      const name = new X509Certificate(block).subject.replace(/^CN=/, '');
      return isOwnName(name) ? [name] : [];
    } catch {
      return []; // what Node cannot read is not ours
    }
  });
}

function attempted(act: () => void, sudo: string): StoreProblem | undefined {
  try {
    act();
    return undefined;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause; // not what a system says
    const because = message.replace(/^\w+: /, '');
    return code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? { kind: 'needs-root', because: 'only the administrator may change it', advice: sudo }
      : { kind: 'failed', because, advice: sudo };
  }
}

/** Whoever may not write the bundle hears of it from the command only. */
function refusedCommand(problem: StoreProblem | undefined, sudo: string): StoreProblem | undefined {
  if (problem?.kind !== 'failed' || !/permission denied|not permitted|EACCES/i.test(problem.because)) return problem;
  return { kind: 'needs-root', because: 'only the administrator may change it', advice: sudo };
}

/** For a shell. */
function quoted(path: string): string {
  return /^[\w./+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
