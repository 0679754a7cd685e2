// Lists of host names as people publish them: hosts files, plain names, and the `||name^` form of ad blockers.
import { aboveShift, hostNames } from './host-names.ts';

export interface HostListCounts {
  /** Names that the list has. */
  readonly names: number;
  /** Names that it excepts, with all below them. */
  readonly exceptions: number;
  /** Lines that are in none of the forms. */
  readonly notUnderstood: number;
}

export interface HostList {
  readonly counts: HostListCounts;
  /**
   * Whether the list has a host, which is canonical: in lower case, without the root dot. A hosts file names hosts; a
   * plain name and `||name^` stand for all names below, too. An exception (`@@||name^`) comes before both.
   */
  has(host: string): boolean;
}

export interface HostListReader {
  /** Takes text in whatever pieces it comes. */
  take(text: string): void;
  /** The list, once all of its text was taken; or why it is none. */
  end(): { readonly kind: 'read'; readonly list: HostList } | { readonly kind: 'refused'; readonly because: string };
}

const exact = 1;
const below = 2;
const excepted = 4;
/** The host itself. */
const listed = exact | below;

/** Beyond it a list is refused: each name takes some 45 octets of memory. */
export const maxNames = 4_000_000;

/** A longer line is none that names a host. */
const maxLineCharacters = 8 * 1024;

/** Reads one list. It holds no more of the text than a line. */
export function hostListReader(): HostListReader {
  const all = hostNames();
  let notUnderstood = 0;
  let rest = '';
  let isSkipping = false;

  let isTooLong = false;
  let isPage: boolean | undefined;

  const add = (mark: number, name: string | undefined) => {
    if (name === undefined) notUnderstood++;
    else if (all.size < maxNames) all.add(name, mark);
    else isTooLong = true;
  };
  const line = (text: string) => {
    const [said = ''] = text.split(inlineComment, 1);
    const words = said.trim();
    if (words === '' || /^[#![]/.test(words)) return;
    isPage ??= words.startsWith('<');
    const rule = adBlockRule.exec(words);
    if (rule !== null) return add(rule[1] === undefined ? below : excepted, canonicalName(rule[2] as string));
    const [first = '', ...names] = words.split(/\s+/);
    if (names.length === 0) return add(below, canonicalName(first.replace(/^\*?\./, '')));
    if (!/^[\d.]+$|:/.test(first)) return add(exact, undefined);
    for (const name of names) {
      if (ownNames.test(name)) continue;
      add(exact, nowhere.has(first) ? canonicalName(name) : undefined);
    }
  };
  return {
    take: (text) => {
      const lines = text.split('\n');
      for (let at = 0; at < lines.length - 1; at++) {
        const whole = at === 0 ? rest + (lines[0] as string) : (lines[at] as string);
        if (isSkipping || whole.length > maxLineCharacters) notUnderstood++;
        else line(whole);
        isSkipping = false;
        rest = '';
      }
      rest = isSkipping ? '' : rest + (lines.at(-1) as string);
      if (rest.length > maxLineCharacters) {
        isPage ??= rest.trimStart().startsWith('<');
        isSkipping = true;
        rest = '';
      }
    },
    end: () => {
      if (isSkipping) notUnderstood++;
      else line(rest);
      rest = '';
      if (isTooLong) return { kind: 'refused', because: `it has more than ${maxNames} names` };
      all.trim();
      const counts = { names: all.count(listed), exceptions: all.count(excepted), notUnderstood };
      if (counts.names === 0 && notUnderstood > 0) return { kind: 'refused', because: 'no line of it names a host' };
      // A network that asks to log in first answers with one, and a word in it on a line of its own looks like a name.
      if (isPage === true) return { kind: 'refused', because: 'it is a page, and no list of hosts' };
      const has = (host: string) => {
        const marks = all.marksOf(host);
        const above = marks >> aboveShift;
        return ((marks & listed) | (above & below)) !== 0 && ((marks | above) & excepted) === 0;
      };
      return { kind: 'read', list: { counts, has } };
    },
  };
}

/** Behind white space: names have no such sign. */
const inlineComment = /\s#/;

/** A name without path, wildcard or options: with those it is no rule on hosts. */
const adBlockRule = /^(@@)?\|\|([^\s/^$*|:]+)\^$/;

/** Addresses in hosts files that lead nowhere. */
const nowhere: ReadonlySet<string> = new Set(['0.0.0.0', '127.0.0.1', '0', '::', '::0', '::1']);

/** What a system's own hosts file has. */
const ownNames = /^(?:localhost|localhost\.localdomain|local|broadcasthost|ip6-[a-z]+|0\.0\.0\.0)$/i;

const maxNameCharacters = 253; // RFC 1035 2.3.4

/** A name, or an address, as hosts of requests are written; nothing where it is none. */
function canonicalName(text: string): string | undefined {
  const lower = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (lower.length > maxNameCharacters) return undefined;
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(lower)) return lower;
  if (/^(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/.test(lower)) return /(?:^|\.)\d+$/.test(lower) ? undefined : lower;
  return /[^\0-\x7f]/.test(lower) ? inAscii(lower) : undefined;
}

/** A name in another script as it is asked for. RFC 5891 4.4. */
function inAscii(name: string): string | undefined {
  if (/[\s/?#@\\:%[\]]/.test(name)) return undefined;
  try {
    return new URL(`http://${name}/`).hostname;
  } catch {
    return undefined;
  }
}
