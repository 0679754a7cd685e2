// Changes the configuration file as a careful person would: comments and formatting stay, and it is never half written.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Edit, editedText } from './edited-text.ts';
import { parseConfig } from './load.ts';
import type { Mistake } from './mistakes.ts';

export type Edited =
  /** `path`: the file itself, where a symbolic link led to it. `isNew`: there was none before. */
  | { readonly kind: 'written'; readonly path: string; readonly isNew: boolean }
  /** Nothing was changed. The mistakes are those of the file as it is (`before`), or as it would have become. */
  | {
      readonly kind: 'refused';
      readonly path: string;
      readonly because: 'before' | 'after' | 'changed-meanwhile';
      readonly mistakes: readonly Mistake[];
    };

/**
 * Edits the file, or makes it. With `isSecret` nobody but its owner may read it from then on. Throws what the system says
 * where it cannot be read or written.
 */
export function editConfigFile(named: string, edits: readonly Edit[], isSecret = false): Edited {
  const path = followed(named);
  const before = readIfThere(path);
  const wrongBefore = mistakesIn(before ?? '', path);
  if (wrongBefore.length > 0) return { kind: 'refused', path, because: 'before', mistakes: wrongBefore };
  const after = editedText(before ?? '', edits);
  const wrongAfter = mistakesIn(after, path);
  if (wrongAfter.length > 0) return { kind: 'refused', path, because: 'after', mistakes: wrongAfter };
  if (!replaceFile(path, before, after, isSecret))
    return { kind: 'refused', path, because: 'changed-meanwhile', mistakes: [] };
  return { kind: 'written', path, isNew: before === undefined };
}

/** Readable by its owner only: a configuration may hold tokens. */
const newFileMode = 0o600;
const ownersBits = 0o700;

/** Writes beside the file and renames, so that whoever reads sees the old text or the new one. False where the old one has changed. */
function replaceFile(path: string, before: string | undefined, after: string, isSecret: boolean): boolean {
  if (before === undefined) mkdirSync(dirname(path), { recursive: true });
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const mode = before === undefined ? newFileMode : statSync(path).mode & (isSecret ? ownersBits : 0o7777);
  try {
    const file = openSync(beside, 'wx', newFileMode);
    try {
      writeFileSync(file, after);
      fchmodSync(file, mode);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (readIfThere(path) !== before) return false;
    renameSync(beside, path);
    return true;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** The file that a path leads to, over symbolic links, also where it is still to be made. */
function followed(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    return isLink ? resolve(dirname(path), readlinkSync(path)) : resolve(path);
  }
}

function mistakesIn(text: string, path: string): readonly Mistake[] {
  const parsed = parseConfig(text.replace(/^\ufeff/, ''), path);
  return parsed.kind === 'wrong' ? parsed.mistakes : [];
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
