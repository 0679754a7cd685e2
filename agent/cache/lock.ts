// One agent at a time uses a cache folder: a lock of the operating system, which ends with the process however that ends.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface FolderLock {
  release(): void;
}

/** Takes the lock. Nothing when another has it; throws when the folder cannot be written to. */
export function lockFolder(folder: string): FolderLock | undefined {
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 }); // Node has no other lock than SQLite's
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { readonly errcode?: number }).errcode === sqliteBusy) return undefined;
    throw cause;
  }
  return { release: () => database.close() };
}

const sqliteBusy = 5;
