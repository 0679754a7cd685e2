// The journal of the stores that were changed, so that what was begun can be undone however it ended.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type JournalEntry, trustJournal } from '../../schemas/trust.ts';

export interface Journal {
  list(): readonly JournalEntry[];
  /** On disk when this returns. */
  add(entry: JournalEntry): void;
  /** Strikes out these names of a store. */
  strike(store: JournalEntry['store'], place: string, names: readonly string[]): void;
}

/** The journal in the state folder. One that cannot be read is empty: stores are searched by name as well. */
export function openJournal(stateFolder: string): Journal {
  const path = join(stateFolder, 'trust-journal.json');
  const list = (): readonly JournalEntry[] => {
    try {
      return trustJournal.parse(JSON.parse(readFileSync(path, 'utf8'))).entries;
    } catch {
      return [];
    }
  };
  return {
    list,
    add: (entry) => {
      const entries = list();
      if (entries.some((each) => isSame(each, entry))) return;
      keep(path, [...entries, entry]);
    },
    strike: (store, place, names) => {
      const entries = list();
      const left = entries.filter((each) => each.store !== store || each.place !== place || !names.includes(each.name));
      if (left.length === 0) rmSync(path, { force: true });
      else if (left.length < entries.length) keep(path, left);
    },
  };
}

function isSame(one: JournalEntry, other: JournalEntry): boolean {
  return one.store === other.store && one.place === other.place && one.name === other.name;
}

/** Whoever reads sees the old text or the new one. */
function keep(path: string, entries: readonly JournalEntry[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.new`;
  const file = openSync(beside, 'w', 0o600);
  try {
    writeFileSync(file, `${JSON.stringify({ version: 1, entries })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}
