// The note of a deployment that has not come to its end: its token, which is then in no other place but the worker.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deployNote } from '../../schemas/edge-status.ts';

export interface DeployNote {
  /** The token of the last deployment under this name, where that did not end. */
  read(): string | undefined;
  write(token: string): void;
  remove(): void;
}

/** The note for an edge's name, in the state folder. Its owner alone may read it, from the first instant on. */
export function deployNoteIn(folder: string, name: string): DeployNote {
  const path = join(folder, `deploy-${name}.json`);
  const remove = () => rmSync(path, { force: true });
  return {
    read: () => {
      try {
        return deployNote.parse(JSON.parse(readFileSync(path, 'utf8'))).token;
      } catch {
        return undefined;
      }
    },
    write: (token) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      remove();
      writeFileSync(path, JSON.stringify({ token }), { mode: 0o600, flag: 'wx' });
    },
    remove,
  };
}
