// Finds the file that answers a request by rule. What a URL says never leads out of the folder of the rule.
import { basename, isAbsolute, join, resolve, sep } from 'node:path';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { RespondAction } from '../../../schemas/rule.ts';
import { type LocalFile, openFile, openWithin } from './local-file.ts';

export type Found =
  | { readonly kind: 'found'; readonly file: LocalFile }
  /** A folder that was asked for without its slash: links in its page would lead elsewhere. */
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** Opens what answers this URL. `base`: the folder from which paths of the configuration count. */
export async function fileOf(
  base: string,
  rule: string,
  { file, folder = '.', under = '/' }: Pick<RespondAction, 'file' | 'folder' | 'under'>,
  url: string,
): Promise<Found> {
  if (file !== undefined) {
    const opened = await openFile(resolve(base, file));
    if (opened.kind === 'file') return { kind: 'found', file: opened.file };
    return failed(404, `The rule "${rule}" answers with the file ${shown(file)}, ${reasons[opened.kind]}.`);
  }
  const root = resolve(base, folder);
  const missing = failed(404, `The folder ${shown(folder)} of the rule "${rule}" has no file for this path.`);
  const segments = segmentsBelow(under, new URL(url).pathname);
  if (segments === 'elsewhere') return missing;
  if (segments === 'leading-out') return leadingOut(rule);
  const opened = await openWithin(root, segments.at(-1) === '' ? [...segments.slice(0, -1), indexName] : segments);
  if (opened.kind === 'file') return { kind: 'found', file: opened.file };
  if (opened.kind === 'outside') return leadingOut(rule);
  if (opened.kind !== 'folder') return missing;
  const index = await openWithin(root, [...segments, indexName]);
  if (index.kind !== 'file') return index.kind === 'outside' ? leadingOut(rule) : missing;
  index.file.close();
  return { kind: 'redirect', location: withSlash(url) };
}

const indexName = 'index.html';

const reasons: Readonly<Record<'missing' | 'folder' | 'forbidden' | 'outside', string>> = {
  missing: 'which is not there',
  folder: 'which is not a file',
  forbidden: 'which may not be read',
  outside: 'which is elsewhere',
};

/**
 * The names that lead from the folder to a file, decoded once; the last one is empty where the path ends in a slash.
 * `elsewhere`: the path is not below `under`, or names nothing that could be there.
 */
export function segmentsBelow(under: string, path: string): readonly string[] | 'elsewhere' | 'leading-out' {
  const prefix = decoded(under.replace(/\/+$/, ''));
  const segments = decoded(path);
  if (prefix === undefined || segments === undefined) return 'elsewhere';
  if (segments.some(leadsElsewhere)) return 'leading-out';
  if (segments.length <= prefix.length || !prefix.every((name, at) => segments[at] === name)) return 'elsewhere';
  const below = segments.slice(prefix.length);
  const isPlain = below.every((name, at) => (name === '' ? at === below.length - 1 : !/[\x01-\x1f\x7f]/.test(name)));
  return isPlain && !below.some(isPrivate) ? below : 'elsewhere';
}

/** What often lies beside pages and is nobody's business: hidden files, with keys and histories in them, and our own tokens. */
function isPrivate(name: string): boolean {
  return (name.startsWith('.') && name !== '.well-known') || name.toLowerCase() === 'edgehop.jsonc';
}

/** Whether it is more than the name of one file: a separator here or elsewhere, or on Windows a drive or stream. */
function leadsElsewhere(name: string): boolean {
  return name === '.' || name === '..' || /[/\\\0]/.test(name) || (sep === '\\' && name.includes(':'));
}

/** Each name of a path behind its slash; nothing where one is not encoded right. */
function decoded(path: string): readonly string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function withSlash(url: string): string {
  const location = new URL(url);
  location.pathname += '/';
  return location.href;
}

/** As the configuration names it, but never where it lies on this machine: a page may read this. */
function shown(path: string): string {
  return JSON.stringify(isAbsolute(path) ? basename(path) : join(path));
}

function leadingOut(rule: string): Found {
  const message = `The path leads out of the folder of the rule "${rule}".`;
  return { kind: 'failed', error: new ProxyError('http_request_denied', message, { status: 403 }) };
}

function failed(status: number, message: string): Found {
  return { kind: 'failed', error: new ProxyError('destination_not_found', message, { status }) };
}
