// Compares texts of groups and keys, `[group]` and `key=value`, by what they say: order, comments and empty groups say nothing.

/** Each entry with its value; the same key twice in one group counts once, by its last. None for a file that is not there. */
export function entriesOf(text: string | null): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  let group = '';
  for (const line of (text ?? '').split(/\r?\n/)) {
    const header = /^\s*\[(.*)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) group = header;
    const [, key, value] = /^\s*([^#;[=\s][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) entries.set(JSON.stringify([group, key]), { group, key, value: value ?? '' });
  }
  return entries;
}

export interface Entry {
  readonly group: string;
  readonly key: string;
  readonly value: string;
}

/** Whether both say the same, but for entries that `isExcepted` names. */
export function sameEntriesBut(
  isExcepted: (group: string, key: string) => boolean,
  one: ReadonlyMap<string, Entry>,
  other: ReadonlyMap<string, Entry>,
): boolean {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].every((name) => {
    const entry = one.get(name) ?? other.get(name);
    return (entry && isExcepted(entry.group, entry.key)) || one.get(name)?.value === other.get(name)?.value;
  });
}
