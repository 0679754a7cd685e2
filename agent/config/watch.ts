// Watches a file for what it says: asks the disk now and then, since editors put new files in the place of old ones.
import { readFileSync, statSync } from 'node:fs';

export interface WatchPorts {
  /** The first of them that is there is watched, and from then on no other. */
  readonly paths: readonly string[];
  /** In milliseconds since 1970. */
  readonly wallTime: () => number;
  /**
   * Told, once it has not changed between two looks, and only where it is another text than the one told before; or
   * where that was asked for.
   */
  readonly onText: (text: string, path: string, isAsked: boolean) => void;
  /** The file that has been there is gone, or cannot be read. Told once. */
  readonly onGone: (path: string, because: string) => void;
  readonly intervalMs?: number;
}

export interface Watch {
  /** Tells what the file says now, although it may be the same as before. */
  readNow(): void;
  stop(): void;
}

const usualIntervalMs = 500;

/** Nobody writes more by hand, and to read it takes a while. */
const maxBytes = 16 * 1024 * 1024;

/** Disks tell times no finer than this, so that a file that is younger may have changed once more unnoticed. */
const youngMs = 2_000;

/** Looks every `intervalMs`. A file that is being written is left alone until two looks see the same of it. */
export function watchFile(ports: WatchPorts): Watch {
  const { paths, wallTime, onText, onGone, intervalMs = usualIntervalMs } = ports;
  let watched: string | undefined;
  let seen: string | undefined;
  let settled: string | undefined;
  let told: { readonly text: string } | { readonly because: string } | undefined;

  const tell = (path: string, now: typeof told & object, isAsked: boolean) => {
    const isKnown = JSON.stringify(now) === JSON.stringify(told);
    const wasThere = told !== undefined;
    told = now;
    if ('text' in now) {
      if (!isKnown || isAsked) onText(now.text, path, isAsked);
    } else if (wasThere && (!isKnown || isAsked)) onGone(path, now.because);
  };
  const look = (isAsked: boolean) => {
    const path = watched ?? paths.find((each) => lookAt(each).kind === 'there') ?? paths[0];
    if (path === undefined) return;
    const state = lookAt(path);
    const isSame = state.signature === seen;
    seen = state.signature;
    if (!isAsked && (!isSame || state.signature === settled)) return;
    if (state.kind === 'missing') {
      if (watched !== undefined) tell(path, { because: state.because }, isAsked);
      settled = state.signature;
      return;
    }
    watched = path;
    const read = textOf(path);
    settled = state.changedAt > wallTime() - youngMs ? undefined : state.signature;
    tell(path, read, isAsked);
  };
  const timer = setInterval(() => look(false), intervalMs);
  timer.unref();
  return { readNow: () => look(true), stop: () => clearInterval(timer) };
}

type State =
  | { readonly kind: 'there'; readonly signature: string; readonly changedAt: number }
  | { readonly kind: 'missing'; readonly signature: string; readonly because: string };

function lookAt(path: string): State {
  try {
    const stats = statSync(path, { bigint: true });
    const { mtimeNs, ctimeNs, mtimeMs, size, ino } = stats;
    // A pipe or a device might never end.
    if (!stats.isFile()) return missing('it is no file');
    if (size > maxBytes) return missing(`it is larger than ${maxBytes} octets`);
    return { kind: 'there', signature: [path, mtimeNs, ctimeNs, size, ino].join(' '), changedAt: Number(mtimeMs) };
  } catch (cause) {
    return missing(inWords(cause));
  }
}

function missing(because: string): State {
  return { kind: 'missing', signature: because, because };
}

function textOf(path: string): { readonly text: string } | { readonly because: string } {
  try {
    return { text: readFileSync(path, 'utf8').replace(/^\ufeff/, '') };
  } catch (cause) {
    return { because: inWords(cause) };
  }
}

function inWords(cause: unknown): string {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'it is gone' : `it cannot be read (${code})`;
}
