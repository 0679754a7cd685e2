// A file of this machine as content: opened without waiting, held while it is read, closed when nothing more is wanted.
import { constants, type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import { getMimeType } from 'hono/utils/mime';
import type { Piece } from '../../../http/caching/reply.ts';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Content, Sink } from '../ports.ts';

export interface LocalFile {
  readonly octets: number;
  /** By its name. */
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** A strong entity tag: another one after each change. */
  readonly tag: string;
  /** These pieces of it, once. Closes it at their end. */
  content(pieces: readonly Piece[]): Content;
  close(): void;
}

export type Opened =
  | { readonly kind: 'file'; readonly file: LocalFile }
  | { readonly kind: 'missing' | 'folder' | 'forbidden' | 'outside' };

/** Opens a file wherever links lead, if it may lie where it then does. */
export async function openFile(path: string, mayLieAt: (path: string) => boolean = () => true): Promise<Opened> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | nonBlocking);
    const { size, mtimeNs, isFile, isFolder } = await statOf(handle);
    if (!mayLieAt(await placeOf(handle, path))) return { kind: 'outside' };
    if (isFile) {
      const file = localFile(handle, basename(path), size, mtimeNs);
      handle = undefined;
      return { kind: 'file', file };
    }
    return { kind: isFolder ? 'folder' : 'forbidden' };
  } catch (cause) {
    return { kind: kindOf(cause) };
  } finally {
    void handle?.close();
  }
}

/**
 * Opens what these names lead to, unless that lies outside of the folder: then nothing is opened. A link that comes into
 * the way meanwhile is found out, and nothing is read through it.
 */
export async function openWithin(folder: string, names: readonly string[]): Promise<Opened> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, ...names));
    const isWithin = (place: string) => {
      const way = relative(root, place);
      return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
    };
    return isWithin(path) ? await openFile(path, isWithin) : { kind: 'outside' };
  } catch (cause) {
    return { kind: kindOf(cause) };
  }
}

/** Where an open file lies. Linux knows; elsewhere it is where its path leads now, if that is the same file. */
async function placeOf(handle: FileHandle, path: string): Promise<string> {
  const known = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (known !== undefined) return known;
  const [place, now, opened] = await Promise.all([realpath(path), stat(path), handle.stat()]);
  if (now.ino !== opened.ino || now.dev !== opened.dev) throw new TypeError('another file has come in its place');
  return place;
}

/** A pipe would keep us waiting for its writer. Windows has no such flag, and no such pipes. */
const nonBlocking = constants.O_NONBLOCK ?? 0;
const pieceBytes = 64 * 1024;

async function statOf(handle: FileHandle) {
  const stats = await handle.stat({ bigint: true });
  return { size: Number(stats.size), mtimeNs: stats.mtimeNs, isFile: stats.isFile(), isFolder: stats.isDirectory() };
}

function kindOf(cause: unknown): 'missing' | 'folder' | 'forbidden' {
  const { code } = cause as { readonly code?: string };
  if (code === 'EACCES' || code === 'EPERM') return 'forbidden';
  return code === 'EISDIR' ? 'folder' : 'missing';
}

function localFile(handle: FileHandle, name: string, octets: number, modifiedNs: bigint): LocalFile {
  const close = () => void handle.close().catch(() => undefined);
  return {
    octets,
    type: getMimeType(name) ?? 'application/octet-stream',
    modifiedAt: Number(modifiedNs / 1_000_000n),
    tag: `"${octets.toString(16)}-${modifiedNs.toString(16)}"`,
    content: (pieces) => fileContent(handle, pieces, close),
    close,
  };
}

function fileContent(handle: FileHandle, pieces: readonly Piece[], close: () => void): Content {
  let isFlowing = false;
  let isCancelled = false;
  let goOn: (() => void) | undefined;
  const wake = () => goOn?.();
  const write = async (sink: Sink, octets: Buffer) => {
    const resumed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    if (!sink.write(octets) && !isCancelled) await resumed;
  };
  const pour = async (sink: Sink) => {
    for (const piece of pieces) {
      if ('text' in piece) await write(sink, Buffer.from(piece.text, 'latin1'));
      else {
        for (let at = piece.first; at <= piece.last && !isCancelled; ) {
          const wanted = Math.min(pieceBytes, piece.last + 1 - at);
          const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
          if (isCancelled) return;
          if (bytesRead === 0) throw new TypeError('the file has become shorter');
          at += bytesRead;
          await write(sink, buffer.subarray(0, bytesRead));
        }
      }
      if (isCancelled) return;
    }
    sink.end([]);
  };
  return {
    flow: (sink) => {
      isFlowing = true;
      const cut = (cause: unknown) => {
        const message = 'The file that answers could not be read to its end.';
        if (!isCancelled) sink.fail(new ProxyError('http_response_incomplete', message, { cause }));
      };
      void pour(sink).catch(cut).finally(close);
    },
    resume: wake,
    cancel: () => {
      isCancelled = true;
      wake();
      if (!isFlowing) close();
    },
  };
}
