// Reads lists of host names once, without network: what a rule would find in them, where no agent runs.
import type { HostList } from '../../http/host-list.ts';
import type { Config } from '../../schemas/config.ts';
import { maxFirstLineBytes } from './copies.ts';
import { readListFile } from './list-file.ts';
import { listPath } from './lists.ts';

export interface ReadListsPorts {
  readonly config: Config['lists'];
  /** From which the paths of files count. */
  readonly configFolder: string;
  /** Where an agent keeps last copies of what comes from elsewhere. */
  readonly cacheFolder: string;
}

export interface ReadLists {
  isListed(list: string, host: string): boolean;
  /** Sentences: lists that could not be read, and so are empty. */
  readonly problems: readonly string[];
}

/** Files, and last copies of what comes from elsewhere. Never rejects. */
export async function readLists({ config, configFolder, cacheFolder }: ReadListsPorts): Promise<ReadLists> {
  const lists = new Map<string, HostList>();
  const problems: string[] = [];
  for (const [name, settings] of Object.entries(config)) {
    const path = listPath(settings, configFolder, cacheFolder);
    const headBytes = settings.url === undefined ? 0 : maxFirstLineBytes;
    const read = await readListFile(path, settings.maxBytes + headBytes);
    if (read.kind === 'read') lists.set(name, read.list);
    else if (read.kind === 'failed') problems.push(`The list "${name}" was not read: ${read.because}.`);
    else {
      const missing = settings.url === undefined ? `there is no file ${path}` : 'no agent has fetched it yet';
      problems.push(`The list "${name}" was not read: ${missing}.`);
    }
  }
  return { isListed: (list, host) => lists.get(list)?.has(host) === true, problems };
}
