// Where the local authority lies: key and certificate in a file that only its owner may read, the certificate beside it for all.
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export interface AuthorityFiles {
  readonly folder: string;
  /** Key and certificate, in one so that they are always of one kind. */
  readonly secret: string;
  /** The certificate alone. */
  readonly certificate: string;
}

export function authorityFiles(stateFolder: string): AuthorityFiles {
  const folder = join(stateFolder, 'authority');
  return { folder, secret: join(folder, 'authority.pem'), certificate: join(folder, 'edgehop-ca.pem') };
}

/** The text of the secret file; nothing where there is none. Throws where others may read it. */
export function readSecret({ secret }: AuthorityFiles): string | undefined {
  let file: number;
  try {
    file = openSync(secret, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Error(`others may read it (mode ${mode.toString(8)}), so its key may be known`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Keeps the secret text, whole or not at all; false where there is one already. Nobody else can read it at any instant: its
 * folder and file are made that way.
 */
export function keepSecret({ folder, secret }: AuthorityFiles, text: string): boolean {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const beside = `${secret}.${process.pid}`;
  rmSync(beside, { force: true });
  try {
    const file = openSync(beside, 'wx', 0o600);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(beside, secret); // unlike a rename, never in the place of another
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Keeps the certificate where others find it, as it is; a file that says the same is left alone. */
export function keepCertificate({ certificate }: AuthorityFiles, text: string): void {
  try {
    if (readFileSync(certificate, 'utf8') === text) return;
  } catch {
    // It is to be written.
  }
  writeFileSync(certificate, text, { mode: 0o644 });
}
