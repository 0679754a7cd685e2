// For tests of the store: folders, heads and contents, and what has flowed out of one.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../../agent/cache/store.ts';
import type { Content, Entry } from '../../agent/proxy/ports.ts';
import type { StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';
import type { ProxyError } from '../../http/proxy-error.ts';
import { headOf, mebibyte } from './cache-content.ts';

/** A folder that is gone after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgehop-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A store that is closed after the test, with what it has said. */
export async function openedStore(
  options: Partial<StoreOptions> & { readonly folder: string },
): Promise<Store & { readonly said: readonly string[] }> {
  const said: string[] = [];
  const store = await openStore({
    memoryBytes: 16 * mebibyte,
    diskBytes: 64 * mebibyte,
    maxEntryBytes: 16 * mebibyte,
    say: (sentence) => said.push(sentence),
    ...options,
  });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= store.close();
    return closed;
  };
  onTestFinished(close);
  return { ...store, close, said };
}

/** Stores a response whole. */
export function put(
  store: Store,
  url: string,
  content: Buffer,
  more: Partial<StoredResponse> = {},
  trailers: Fields = [],
): Entry | undefined {
  const writer = store.begin(url, headOf(url, more), content.length);
  writer?.write(content);
  return writer?.commit(trailers);
}

/** A content in a text that can be compared quickly. */
export function shown(content: Buffer | undefined): string {
  return content === undefined
    ? 'none'
    : `${content.length} octets ${createHash('sha256').update(content).digest('hex')}`;
}

/** Its content as it comes out, shown; an error's type where it fails. */
export async function got(store: Store, entry: Entry | undefined): Promise<string> {
  if (entry === undefined) return 'no entry';
  const { octets, ending } = await drained(store.content(entry, 0, entry.stored.octets - 1));
  return 'error' in ending ? ending.error.type : shown(octets);
}

export interface Drained {
  readonly octets: Buffer;
  readonly ending: { readonly trailers: Fields } | { readonly error: ProxyError };
}

/** Reads all of a content. */
export function drained(content: Content): Promise<Drained> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const finish = (ending: Drained['ending']) => resolve({ octets: Buffer.concat(pieces), ending });
    content.flow({
      write: (octets) => {
        pieces.push(octets);
        return true;
      },
      end: (trailers) => finish({ trailers }),
      fail: (error) => finish({ error }),
    });
  });
}

/** Resolves when a condition holds that the store brings about by itself. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
