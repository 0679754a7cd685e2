// The files of supervisors on this machine's disk.
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Found, UnitFiles } from './ports.ts';

export const unitFiles: UnitFiles = {
  find,
  write: (path, content) => {
    mkdirSync(dirname(path), { recursive: true });
    const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
    try {
      writeFileSync(beside, content, { flag: 'wx', mode: 0o644 });
      renameSync(beside, path);
    } finally {
      rmSync(beside, { force: true });
    }
  },
  remove: (path) => rmSync(path, { force: true }),
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  exists: (path) => existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined,
};

const maxUnitBytes = 1024 * 1024;

function find(path: string): Found {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return { kind: 'absent' };
    if (stat.isSymbolicLink()) return { kind: 'other', because: 'it is a symbolic link' };
    if (!stat.isFile()) return { kind: 'other', because: 'it is no file' };
    if (stat.size > maxUnitBytes) return { kind: 'other', because: 'it is too large to be one of ours' };
    return { kind: 'file', text: readFileSync(path, 'utf8') };
  } catch (cause) {
    return { kind: 'other', because: (cause as Error).message };
  }
}
