// Purges as the edge learns of them: each URL has a generation, the number of the latest purge that concerns it.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import type { PurgeMatch } from './admin.ts';
import { authorityOf, withoutPort } from './purge-match.ts';

export interface Generations {
  /** Part of the edge's key for a URL: empty before any purge, and a text it never had after each that matches. */
  of(url: string): string;
  /** What matches gets a generation that it never had. Kept on disk; throws when it cannot be, though it holds until the end. */
  purge(match: PurgeMatch): void;
}

export interface GenerationOptions {
  /** In the state folder: it must outlive the cache's. */
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
}

/** Purges that are told apart; when there are more, the oldest is taken for one of everything. */
const maxPurges = 1_000;

const number = z.int().nonnegative();
const purges = z.strictObject({
  all: number,
  hosts: z.record(z.string(), number),
  urls: z.record(z.string(), number),
  prefixes: z.record(z.string(), number),
});

type Kind = 'hosts' | 'urls' | 'prefixes';

/** Reads the generations. They are needed with `cache.agent` false too: the edge has its own cache. */
export function openGenerations({ file, wallTime }: GenerationOptions): Generations {
  const held = {
    all: 0,
    hosts: new Map<string, number>(),
    urls: new Map<string, number>(),
    prefixes: new Map<string, number>(),
  };
  /** Another agent may have written meanwhile: the later of two numbers holds. */
  const read = () => {
    const found = readPurges(file);
    if (found === undefined) return;
    held.all = Math.max(held.all, found.all);
    for (const kind of kinds) {
      for (const [text, at] of Object.entries(found[kind])) raise(held[kind], text, at);
    }
  };
  const latest = () => Math.max(held.all, ...kinds.flatMap((kind) => [...held[kind].values()]));
  const foldOldest = () => {
    while (held.hosts.size + held.urls.size + held.prefixes.size > maxPurges) {
      const [kind, text, at] = kinds
        .flatMap((kind) => [...held[kind]].map(([text, at]) => [kind, text, at] as const))
        .reduce((one, other) => (other[2] < one[2] ? other : one));
      held[kind].delete(text);
      held.all = Math.max(held.all, at);
    }
  };
  read();
  foldOldest();
  return {
    of: (url) => {
      const authority = authorityOf(url);
      let generation = Math.max(
        held.all,
        held.urls.get(url) ?? 0,
        held.hosts.get(authority) ?? 0,
        held.hosts.get(withoutPort(authority)) ?? 0,
      );
      for (const [prefix, at] of held.prefixes) {
        if (at > generation && url.startsWith(prefix)) generation = at;
      }
      return generation === 0 ? '' : String(generation);
    },
    purge: (match) => {
      read();
      const at = Math.max(Math.floor(wallTime()), latest() + 1);
      if (match.kind === 'all') {
        held.all = at;
        for (const kind of kinds) held[kind].clear();
      } else if (match.kind === 'url') held.urls.set(match.url, at);
      else if (match.kind === 'prefix') held.prefixes.set(match.prefix, at);
      else held.hosts.set(match.host.toLowerCase(), at);
      foldOldest();
      write(file, {
        all: held.all,
        hosts: Object.fromEntries(held.hosts),
        urls: Object.fromEntries(held.urls),
        prefixes: Object.fromEntries(held.prefixes),
      });
    },
  };
}

const kinds: readonly Kind[] = ['hosts', 'urls', 'prefixes'];

function raise(numbers: Map<string, number>, text: string, at: number): void {
  if (at > (numbers.get(text) ?? 0)) numbers.set(text, at);
}

/** Nothing when there is none that can be read. */
function readPurges(file: string): z.infer<typeof purges> | undefined {
  try {
    return purges.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Whoever reads it finds the one before or this one, whole. */
function write(file: string, content: z.infer<typeof purges>): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(content), { mode: 0o600 });
  renameSync(fresh, file);
}
