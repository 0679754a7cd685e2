// Reads a list of host names from a file, in pieces, so that other work goes on meanwhile.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type HostList, hostListReader } from '../../http/host-list.ts';

export type ReadList =
  | { readonly kind: 'read'; readonly list: HostList; readonly modifiedAtMs: number }
  /** It is as it was at `unless`. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent' }
  /** `because`: a fragment for people. */
  | { readonly kind: 'failed'; readonly because: string };

/** Some 2,000 lines, which are read in less than three milliseconds: then it is others' turn. */
const pieceBytes = 64 * 1024;

/**
 * Reads no more than `maxBytes`: a larger file fails, by its size or once it turns out to be. `unless`: when it was
 * changed, in milliseconds since 1970, as it was read before.
 */
export async function readListFile(path: string, maxBytes: number, unless?: number): Promise<ReadList> {
  try {
    // A pipe would otherwise be waited for.
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (!stat.isFile()) return { kind: 'failed', because: 'it is not a file' };
    if (stat.size > maxBytes) return tooLarge(maxBytes);
    if (stat.mtimeMs === unless) return { kind: 'unchanged' };
    const reader = hostListReader();
    const decoder = new TextDecoder();
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (let octets = 0; ; ) {
      const { bytesRead } = await file.read(piece, 0, pieceBytes, null);
      if (bytesRead === 0) break;
      octets += bytesRead;
      if (octets > maxBytes) return tooLarge(maxBytes);
      reader.take(decoder.decode(piece.subarray(0, bytesRead), { stream: true }));
    }
    reader.take(decoder.decode());
    const ended = reader.end();
    if (ended.kind === 'refused') return { kind: 'failed', because: ended.because };
    return { kind: 'read', list: ended.list, modifiedAtMs: stat.mtimeMs };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'absent' };
    return { kind: 'failed', because: `it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})` };
  }
}

function tooLarge(maxBytes: number): ReadList {
  return { kind: 'failed', because: tooLargeInWords(maxBytes) };
}

export function tooLargeInWords(maxBytes: number): string {
  return `it is larger than its maxBytes, ${maxBytes}`;
}
