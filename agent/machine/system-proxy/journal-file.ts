// The journal of the system proxy: a file of its owner that is never half written and outlives a crash.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemProxyJournal } from '../../../schemas/system-proxy.ts';
import { lockFolder } from '../../cache/lock.ts';
import type { JournalRead, JournalStore } from './ports.ts';

/** In a folder of its own below the state folder. Nothing is made there before the first `lock` or `write`. */
export function journalFile(stateFolder: string): JournalStore {
  const folder = join(stateFolder, 'system-proxy');
  const path = join(folder, 'journal.json');
  return {
    path,
    read: () => readJournal(path),
    write: (journal) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const beside = `${path}.new`; // who holds the lock is the only one that writes
      rmSync(beside, { force: true });
      const file = openSync(beside, 'wx', 0o600);
      try {
        writeFileSync(file, `${JSON.stringify(systemProxyJournal.parse(journal), undefined, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(beside, path);
      syncFolder(folder);
    },
    remove: () => {
      rmSync(path, { force: true });
      syncFolder(folder);
    },
    lock: () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return lockFolder(folder);
    },
  };
}

function readJournal(path: string): JournalRead {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { kind: 'none' } : { kind: 'unreadable', because: message };
  }
  try {
    const parsed = systemProxyJournal.safeParse(JSON.parse(text));
    if (parsed.success) return { kind: 'held', journal: parsed.data };
    const [issue] = parsed.error.issues;
    return { kind: 'unreadable', because: `${issue?.path.join('.')}: ${issue?.message}` };
  } catch {
    return { kind: 'unreadable', because: 'it is no JSON' };
  }
}

/** So that the name, too, is on the disk. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const open = openSync(folder, 'r');
  try {
    fsyncSync(open);
  } finally {
    closeSync(open);
  }
}
