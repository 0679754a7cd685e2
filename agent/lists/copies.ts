// Last copies of lists that come from elsewhere, on disk: a start without network has them.
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Validators } from './list-fetch.ts';

/** A copy on its way in: it takes the place of the one before when it is kept, and is gone when it is not. */
export interface NewCopy {
  /** Where it is until it is kept. */
  readonly path: string;
  begin(validators: Validators): Promise<void>;
  write(octets: Buffer): Promise<void>;
  keep(): Promise<void>;
  /** Nothing is left of it, unless it was kept. */
  drop(): Promise<void>;
}

/** The first line of a copy, which a list takes for a comment. The rest is the list as it was fetched. */
const firstLine = z.object({
  url: z.string(),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
});

/** The longest first line: validators that do not fit are not kept. */
export const maxFirstLineBytes = 4 * 1024;

/** Where the copy of what a URL leads to is. */
export function copyPath(cacheFolder: string, url: string): string {
  return join(cacheFolder, 'lists', `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.txt`);
}

/** What the source said of a copy's version; nothing where there is no copy of that URL. */
export async function validatorsOf(path: string, url: string): Promise<Validators> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxFirstLineBytes), 0, maxFirstLineBytes, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    const said = firstLine.parse(JSON.parse(text.slice(mark.length, text.indexOf('\n'))));
    return said.url === url ? { etag: said.etag, lastModified: said.lastModified } : {};
  } catch {
    return {};
  }
}

/** Notes that a copy is what its source still has. `at`: milliseconds since 1970. */
export async function touch(path: string, at: number): Promise<void> {
  await utimes(path, at / 1_000, at / 1_000).catch(() => undefined); // it is then asked for sooner than it must be
}

/** A place for a copy of what a URL leads to. Writing fails as the disk does. */
export function newCopy(cacheFolder: string, url: string): NewCopy {
  const last = copyPath(cacheFolder, url);
  const path = `${last}.${randomBytes(6).toString('hex')}`;
  let file: FileHandle | undefined;
  const close = async () => {
    await file?.close();
    file = undefined;
  };
  return {
    path,
    begin: async ({ etag, lastModified }) => {
      await mkdir(join(cacheFolder, 'lists'), { recursive: true, mode: 0o700 });
      file = await open(path, 'wx', 0o600);
      const line = `${mark}${JSON.stringify({ url, etag, lastModified })}\n`;
      await file.writeFile(Buffer.byteLength(line) < maxFirstLineBytes ? line : `${mark}{}\n`);
    },
    write: async (octets) => {
      await file?.writeFile(octets);
    },
    keep: async () => {
      await close();
      await rename(path, last);
    },
    drop: async () => {
      await close();
      await unlink(path).catch(() => undefined); // it was kept, or never begun
    },
  };
}

const mark = '! ';
