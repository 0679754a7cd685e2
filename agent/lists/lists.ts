// Lists of host names for the rules: read at the start, read again when their time has come or the configuration has changed.
import { resolve } from 'node:path';
import type { HostList } from '../../http/host-list.ts';
import type { Config } from '../../schemas/config.ts';
import type { HostList as HostListConfig } from '../../schemas/list.ts';
import type { Clock } from '../proxy/ports.ts';
import { copyPath, maxFirstLineBytes, newCopy, touch, validatorsOf } from './copies.ts';
import type { ListFetch } from './list-fetch.ts';
import { type ReadList, readListFile } from './list-file.ts';

export interface ListsPorts {
  readonly config: Config['lists'];
  /** From which the paths of files count. */
  readonly configFolder: string;
  /** Where last copies are kept. */
  readonly cacheFolder: string;
  readonly fetch: ListFetch;
  readonly clock: Clock;
  /** Says a sentence to the person at the terminal. */
  readonly say: (sentence: string) => void;
  /** Calls once, after so many milliseconds. What comes back calls it off. */
  readonly after?: (delayMs: number, then: () => void) => () => void;
}

export interface Lists {
  /** Whether a host, which is canonical, is on a list. On one that is missing, or could never be read, there is no host. */
  isListed(list: string, host: string): boolean;
  counts(): readonly ListCounts[];
  /** Takes another configuration. Lists that are in both keep their names, and files among them are read if they changed. */
  reload(config: Config['lists'], configFolder: string): Promise<void>;
  /** Settles when nothing that has begun is on its way. */
  settled(): Promise<void>;
  /** Lists answer as before, but are not read again. */
  close(): void;
}

export interface ListCounts {
  readonly name: string;
  /** The file or URL as the configuration has it. */
  readonly source: string;
  readonly names: number;
  readonly exceptions: number;
  /** Lines that are in no form that is known. */
  readonly notUnderstood: number;
  /** Look-ups that found a host, since the start. */
  readonly matches: number;
  /** When its source was last found to have what is in memory, in milliseconds since 1970. */
  readonly refreshedAt?: number | undefined;
  /** A sentence, where the last attempt failed. */
  readonly problem?: string | undefined;
}

interface Entry {
  readonly name: string;
  readonly settings: HostListConfig;
  /** Absolute: of the file, or of the copy of what the URL leads to. */
  readonly path: string;
  readonly url: string | undefined;
  readonly stopped: AbortController;
  list: HostList | undefined;
  modifiedAtMs: number | undefined;
  refreshedAt: number | undefined;
  problem: string | undefined;
  matches: number;
  callOff: (() => void) | undefined;
  reading: Promise<void>;
}

/** A file is looked at so often, and read where it has changed: whoever edits it wants to see what comes of it. */
const fileLookMs = 2_000;

/** What has failed is tried again after so long, or when its time comes. */
const retryMs = 10 * 60_000;

/** Of Node's timers: a longer one fires at once. */
const maxTimerMs = 2 ** 31 - 1;

/** Settles once every file, and the last copy of what comes from elsewhere, is in memory; the rest goes on behind. */
export async function openLists(ports: ListsPorts): Promise<Lists> {
  const { clock, after = afterDelay } = ports;
  let entries = new Map<string, Entry>();
  let isClosed = false;
  const now = () => clock.wallTime(clock.now());

  const schedule = (entry: Entry, delayMs: number) => {
    entry.callOff?.();
    entry.callOff = undefined;
    if (isClosed || entry.stopped.signal.aborted) return;
    const step = Math.min(delayMs, maxTimerMs);
    entry.callOff = after(step, () => {
      if (delayMs > step) schedule(entry, delayMs - step);
      else void inTurn(entry, () => refresh(entry));
    });
  };
  const fail = (entry: Entry, because: string) => {
    if (entry.stopped.signal.aborted) return;
    const instead = entry.list === undefined ? 'it is empty' : 'the one before stays';
    const problem = `The list "${entry.name}" was not read: ${because}; ${instead}.`;
    if (problem !== entry.problem) ports.say(problem);
    entry.problem = problem;
  };
  const take = (entry: Entry, read: Extract<ReadList, { kind: 'read' }>) => {
    entry.list = read.list;
    entry.modifiedAtMs = read.modifiedAtMs;
  };
  const readFile = async (entry: Entry) => {
    const read = await readListFile(entry.path, entry.settings.maxBytes, entry.modifiedAtMs);
    if (read.kind === 'absent') return fail(entry, `there is no file ${entry.path}`);
    if (read.kind === 'failed') return fail(entry, read.because);
    if (read.kind === 'read') take(entry, read);
    entry.problem = undefined;
    entry.refreshedAt = now();
  };
  const fetchCopy = async (entry: Entry, url: string) => {
    const copy = newCopy(ports.cacheFolder, url);
    try {
      const fetched = await ports.fetch({
        url,
        validators: entry.modifiedAtMs === undefined ? {} : await validatorsOf(entry.path, url),
        maxBytes: entry.settings.maxBytes,
        begin: copy.begin,
        write: copy.write,
        signal: entry.stopped.signal,
      });
      if (entry.stopped.signal.aborted) return;
      if (fetched.kind === 'failed') return fail(entry, fetched.because);
      if (fetched.kind === 'unchanged' && entry.modifiedAtMs === undefined) return fail(entry, 'its source gives none');
      if (fetched.kind === 'fetched') {
        const read = await readListFile(copy.path, entry.settings.maxBytes + maxFirstLineBytes);
        if (read.kind !== 'read') return fail(entry, read.kind === 'failed' ? read.because : 'it was not kept');
        await copy.keep();
        take(entry, read);
      }
      entry.problem = undefined;
      entry.refreshedAt = now();
      await touch(entry.path, entry.refreshedAt);
    } catch (cause) {
      fail(entry, `no copy of it can be kept (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`);
    } finally {
      await copy.drop();
    }
  };
  const refresh = async (entry: Entry) => {
    if (isClosed || entry.stopped.signal.aborted) return;
    await (entry.url === undefined ? readFile(entry) : fetchCopy(entry, entry.url));
    if (entry.url === undefined) return schedule(entry, fileLookMs);
    const refreshMs = entry.settings.refreshMinutes * 60_000;
    schedule(entry, entry.problem === undefined ? refreshMs : Math.min(refreshMs, retryMs));
  };
  /** What is asked of one list is done one after the other. */
  const inTurn = (entry: Entry, act: () => Promise<void>): Promise<void> => {
    entry.reading = entry.reading.then(act);
    return entry.reading;
  };
  /** A copy that is not due yet is as good as its source. */
  const begin = async (entry: Entry) => {
    if (entry.url === undefined) return refresh(entry);
    const read = await readListFile(entry.path, entry.settings.maxBytes + maxFirstLineBytes);
    if (read.kind === 'read') {
      take(entry, read);
      entry.refreshedAt = read.modifiedAtMs;
    }
    const age = now() - (entry.refreshedAt ?? Number.NEGATIVE_INFINITY);
    const left = entry.settings.refreshMinutes * 60_000 - age;
    schedule(entry, Math.max(0, Math.min(left, entry.settings.refreshMinutes * 60_000)));
  };
  const stop = (entry: Entry) => {
    entry.stopped.abort();
    entry.callOff?.();
    entry.callOff = undefined;
  };
  const reload = async (config: Config['lists'], folder: string) => {
    const before = entries;
    const begun: Promise<void>[] = [];
    const next = new Map(
      Object.entries(config).map(([name, settings]): [string, Entry] => {
        const known = before.get(name);
        if (known !== undefined && isSame(known, settings, folder)) {
          if (known.url === undefined) begun.push(inTurn(known, () => refresh(known)));
          return [name, known];
        }
        const entry = entryOf(name, settings, folder, ports.cacheFolder);
        entry.list = known?.list; // until it has been read: rules that block by it are never open meanwhile
        begun.push(inTurn(entry, () => begin(entry)));
        return [name, entry];
      }),
    );
    for (const entry of before.values()) if (next.get(entry.name) !== entry) stop(entry);
    entries = new Map([...before, ...next]); // the rules of before still ask for those that go
    await Promise.all(begun);
    entries = next;
  };
  await reload(ports.config, ports.configFolder);
  return {
    isListed: (list, host) => {
      const entry = entries.get(list);
      if (entry?.list?.has(host) !== true) return false;
      entry.matches++;
      return true;
    },
    counts: () => [...entries.values()].map(countsOf),
    reload,
    settled: async () => {
      await Promise.all([...entries.values()].map(({ reading }) => reading));
    },
    close: () => {
      isClosed = true;
      for (const entry of entries.values()) stop(entry);
    },
  };
}

function entryOf(name: string, settings: HostListConfig, folder: string, cacheFolder: string): Entry {
  return {
    name,
    settings,
    path: listPath(settings, folder, cacheFolder),
    url: settings.url,
    stopped: new AbortController(),
    list: undefined,
    modifiedAtMs: undefined,
    refreshedAt: undefined,
    problem: undefined,
    matches: 0,
    callOff: undefined,
    reading: Promise.resolve(),
  };
}

/** Where a list is read from without network. */
export function listPath({ file, url }: HostListConfig, configFolder: string, cacheFolder: string): string {
  return url === undefined ? resolve(configFolder, file ?? '') : copyPath(cacheFolder, url);
}

function isSame({ settings, path, url }: Entry, other: HostListConfig, folder: string): boolean {
  return (
    url === other.url &&
    (url !== undefined || path === listPath(other, folder, '')) &&
    settings.maxBytes === other.maxBytes &&
    settings.refreshMinutes === other.refreshMinutes
  );
}

function countsOf({ name, settings, list, matches, refreshedAt, problem }: Entry): ListCounts {
  const { names, exceptions, notUnderstood } = list?.counts ?? { names: 0, exceptions: 0, notUnderstood: 0 };
  const source = settings.url ?? settings.file ?? '';
  return { name, source, names, exceptions, notUnderstood, matches, refreshedAt, problem };
}

/** It keeps no process alive. */
function afterDelay(delayMs: number, then: () => void): () => void {
  const timer = setTimeout(then, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
