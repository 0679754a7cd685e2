// What Cache-Control says, and the fields that speak in its place: Pragma in requests, targeted fields in responses. RFC 9111 5.2, RFC 9213.
import { parseDictionary, Token } from 'structured-headers';
import { type Fields, fieldValues, listMembers } from './fields.ts';
import { remembered } from './remembered.ts';

/** A directive that can be meant for some fields only. RFC 9111 5.2.2.4, 5.2.2.7. */
export type Qualified =
  | { readonly kind: 'absent' }
  | { readonly kind: 'whole' }
  /** Names in lower case; at least one. */
  | { readonly kind: 'fields'; readonly names: readonly string[] };

/**
 * The directives, read so that what is wrong in them never makes anything cacheable: of several values the strictest
 * holds, an invalid lifetime is 0, an invalid permission is none, an unreadable restriction restricts. Seconds, at most 2^31.
 */
export interface CacheDirectives {
  readonly noStore: boolean;
  readonly noCache: Qualified;
  readonly private: Qualified;
  readonly public: boolean;
  /** It also allows a shared cache to store the answer to an authorised request: a malformed one is a `proxy-revalidate`. */
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly noTransform: boolean;
  /** RFC 8246 2: it tells clients not to ask while it is fresh, and allows a cache nothing more than `max-age` does. */
  readonly immutable: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeSeconds: number | undefined;
  readonly sharedMaxAgeSeconds: number | undefined;
  /** In requests; infinite where it is invalid. */
  readonly minFreshSeconds: number | undefined;
  /** In requests; infinite where it has no argument. RFC 9111 5.2.1.2. */
  readonly maxStaleSeconds: number | undefined;
  /** RFC 5861 3. */
  readonly staleWhileRevalidateSeconds: number | undefined;
  /** RFC 5861 4. */
  readonly staleIfErrorSeconds: number | undefined;
}

/** What a response says to a shared cache, and by which field. */
export interface ResponseDirectives extends CacheDirectives {
  /** Lower case. Where it is not `cache-control`, Expires does not count either. RFC 9213 2.2. */
  readonly from: 'edgehop-cache-control' | 'cdn-cache-control' | 'cache-control';
}

/** Reads one field, over all its lines. `name`: lower case. RFC 9111 5.2, 4.2.1. */
export function parseCacheControl(fields: Fields, name = 'cache-control'): CacheDirectives {
  const lines = fieldValues(fields, name);
  if (lines.length === 0) return nothingSaid;
  return lines.length === 1 ? lineDirectives(lines[0] as string) : judged(lines.flatMap((line) => membersOf(line)));
}

/** The directives of a request; Pragma: no-cache counts where there is no Cache-Control. RFC 9111 5.4. */
export function requestDirectives(fields: Fields): CacheDirectives {
  const directives = parseCacheControl(fields);
  return directives === nothingSaid ? parseCacheControl(onlyNoCache(fields), 'pragma') : directives;
}

/** The directives of a response: of the first targeted field that is present and valid, else of Cache-Control. RFC 9213 2.2. */
export function responseDirectives(fields: Fields): ResponseDirectives {
  for (const name of targetedNames) {
    const lines = fieldValues(fields, name);
    const members = lines.length === 0 ? undefined : targetedMembers(lines.join(', '));
    if (members !== undefined) return { ...judged(members), from: name };
  }
  const lines = fieldValues(fields, 'cache-control');
  return lines.length === 1 ? untargeted(lines[0] as string) : { ...parseCacheControl(fields), from: 'cache-control' };
}

const targetedNames = ['edgehop-cache-control', 'cdn-cache-control'] as const;

/** One directive as it stands there. */
interface Member {
  /** Lower case. */
  readonly name: string;
  /** Unquoted. `invalid`: there is something in its place that cannot be read. */
  readonly argument: string | undefined | typeof invalid;
}

const invalid = Symbol('invalid');

const maxRemembered = 256;
const lineDirectives = remembered(maxRemembered, (line) => judged(membersOf(line)));
const untargeted = remembered(
  maxRemembered,
  (line): ResponseDirectives => ({ ...lineDirectives(line), from: 'cache-control' }),
);

const member = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)"))?$/;
const words = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/g;

function membersOf(line: string): Member[] {
  return listMembers([['cache-control', line]], 'cache-control').flatMap((text): Member[] => {
    const [, name, token, quoted] = member.exec(text) ?? [];
    if (name !== undefined) {
      return [{ name: name.toLowerCase(), argument: token ?? quoted?.replace(/\\(.)/g, '$1') }];
    }
    // What a malformed member means is anybody's guess: each word that would forbid something does.
    return (text.match(words) ?? []).map((word) => ({ name: word.toLowerCase(), argument: invalid }));
  });
}

const lifetimeNames = new Set(['max-age', 's-maxage']);

/** A targeted field is a structured dictionary. Nothing when it is malformed, empty or a lifetime is no integer. RFC 9213 2.1. */
function targetedMembers(value: string): Member[] | undefined {
  try {
    const members: Member[] = [];
    for (const [name, [argument]] of parseDictionary(value)) {
      if (lifetimeNames.has(name) && !Number.isInteger(argument)) return undefined;
      if (argument !== false) members.push({ name, argument: targetedArgument(argument) });
    }
    return members.length === 0 ? undefined : members;
  } catch {
    return undefined;
  }
}

function targetedArgument(argument: unknown): Member['argument'] {
  if (argument === true) return undefined;
  if (typeof argument === 'number' || typeof argument === 'string') return `${argument}`;
  return argument instanceof Token ? argument.toString() : invalid;
}

/** Only this much of Pragma was ever defined. */
function onlyNoCache(fields: Fields): Fields {
  const isAsked = listMembers(fields, 'pragma').some((directive) => directive.toLowerCase() === 'no-cache');
  return isAsked ? [['pragma', 'no-cache']] : [];
}

function judged(members: readonly Member[]): CacheDirectives {
  const has = (name: string): boolean => members.some((candidate) => candidate.name === name);
  const allows = (name: string): boolean => members.some(({ name: n, argument }) => n === name && argument !== invalid);
  const seconds = (name: string, otherwise = 0): number[] =>
    members.filter((candidate) => candidate.name === name).map(({ argument }) => deltaSeconds(argument) ?? otherwise);
  const maxStale = members.filter(({ name }) => name === 'max-stale');
  return {
    noStore: has('no-store'),
    noCache: qualified(members, 'no-cache'),
    private: qualified(members, 'private'),
    public: allows('public'),
    mustRevalidate: allows('must-revalidate'),
    proxyRevalidate: has('proxy-revalidate') || (has('must-revalidate') && !allows('must-revalidate')),
    mustUnderstand: allows('must-understand'),
    noTransform: has('no-transform'),
    immutable: allows('immutable'),
    onlyIfCached: allows('only-if-cached'),
    maxAgeSeconds: least(seconds('max-age')),
    sharedMaxAgeSeconds: least(seconds('s-maxage')),
    minFreshSeconds: most(seconds('min-fresh', Number.POSITIVE_INFINITY)),
    maxStaleSeconds: least(
      maxStale.map(({ argument }) =>
        argument === undefined ? Number.POSITIVE_INFINITY : (deltaSeconds(argument) ?? 0),
      ),
    ),
    staleWhileRevalidateSeconds: least(seconds('stale-while-revalidate')),
    staleIfErrorSeconds: least(seconds('stale-if-error')),
  };
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}

function most(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}

const maxDeltaSeconds = 2 ** 31;

/** RFC 9111 1.2.2: what is too large is 2^31. */
function deltaSeconds(argument: Member['argument']): number | undefined {
  if (typeof argument !== 'string' || !/^\d+$/.test(argument)) return undefined;
  return Math.min(Number(argument), maxDeltaSeconds);
}

/** The names of all its arguments; the whole when any of them cannot be read as names. */
function qualified(members: readonly Member[], name: string): Qualified {
  const occurrences = members.filter((candidate) => candidate.name === name);
  if (occurrences.length === 0) return { kind: 'absent' };
  const names: string[] = [];
  for (const { argument } of occurrences) {
    const listed = typeof argument === 'string' ? listMembers([[name, argument]], name) : [];
    if (listed.length === 0 || !listed.every((text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)))
      return { kind: 'whole' };
    names.push(...listed.map((text) => text.toLowerCase()));
  }
  return { kind: 'fields', names };
}

const nothingSaid = judged([]);
