// Patterns of URLs and paths, in the spelling of the canonical URLs that they are compared with.
import { asciiOf, canonicalHost } from './host-pattern.ts';
import { compilePattern } from './pattern.ts';

/** A URL as its pattern sees it. */
export interface UrlParts {
  readonly url: string;
  readonly scheme: string;
  /** As in a Host field, without root dot. */
  readonly authority: string;
  /** With the query. */
  readonly path: string;
}

export interface UrlPattern {
  /** How many `*` it has. */
  readonly stars: number;
  matches(parts: UrlParts): boolean;
  /** What each `*` stands for; nothing where the URL does not match. */
  captures(parts: UrlParts): readonly string[] | undefined;
}

/**
 * Reads a pattern of URLs. Where it has a host, no `*` reaches over the host's end: `https://*.example.com/*` is never
 * `https://elsewhere.example/?.example.com/`. One that begins with `*` and has no `://` is of the whole text.
 */
export function compileUrlPattern(text: string): UrlPattern {
  const parts = partsOfUrlPattern(text);
  if (parts === undefined) {
    const whole = compilePattern(text);
    return {
      stars: whole.stars,
      matches: ({ url }) => whole.matches(url),
      captures: ({ url }) => whole.captures(url),
    };
  }
  const [scheme, authority, path] = [parts.scheme, parts.authority, parts.rest].map(compilePattern) as [
    ReturnType<typeof compilePattern>,
    ReturnType<typeof compilePattern>,
    ReturnType<typeof compilePattern>,
  ];
  const matches = (given: UrlParts) =>
    authority.matches(given.authority) && path.matches(given.path) && scheme.matches(given.scheme);
  const captured = (given: UrlParts) => [
    ...(scheme.captures(given.scheme) ?? []),
    ...(authority.captures(given.authority) ?? []),
    ...(path.captures(given.path) ?? []),
  ];
  return {
    stars: scheme.stars + authority.stars + path.stars,
    matches,
    captures: (given) => (matches(given) ? captured(given) : undefined),
  };
}

/** The parts of a URL pattern in canonical spelling. */
export interface PartsOfUrlPattern {
  readonly scheme: string;
  /** Host, and the port where it is not the scheme's own. */
  readonly authority: string;
  /** Path and query. */
  readonly rest: string;
}

/** Takes a pattern apart that has a scheme and a host; nothing of another, such as `*.js` or `https://*`. */
export function partsOfUrlPattern(pattern: string): PartsOfUrlPattern | undefined {
  const parts = /^(\*|https?):\/\/([^/?]*)(.*)$/is.exec(pattern);
  if (parts === null) return undefined;
  const [, scheme = '', authority = '', rest = ''] = parts;
  if (rest === '' && authority.endsWith('*')) return undefined;
  return {
    scheme: scheme.toLowerCase(),
    authority: canonicalAuthority(scheme.toLowerCase(), authority),
    rest: canonicalPathPattern(rest.startsWith('/') ? rest : `/${rest}`),
  };
}

/** The hosts that a URL pattern is for, as a rule's `host` names them; nothing where it may be any. */
export function hostOfUrlPattern(pattern: string): string | undefined {
  const host = partsOfUrlPattern(pattern)?.authority.replace(/:(?:\d+|\*)$/, '');
  return host === undefined || host.slice(host.startsWith('*.') ? 2 : 0).includes('*')
    ? undefined
    : canonicalHost(host);
}

/** Path, or path and query, with the characters percent-encoded that no canonical URL has as they are. */
export function canonicalPathPattern(pattern: string): string {
  const end = pattern.indexOf('?');
  const path = end < 0 ? pattern : pattern.slice(0, end);
  const query = end < 0 ? '' : pattern.slice(end);
  return (
    path.replace(/[^\x21-\x7e]+|["<>`]/gu, encoded) +
    query.replace(/[^\x21-\x7e]+|["<>]/gu, encoded).replaceAll("'", '%27')
  );
}

function encoded(characters: string): string {
  return encodeURIComponent(characters.toWellFormed());
}

function canonicalAuthority(scheme: string, authority: string): string {
  const [, host = '', port = ''] = /^(.*?)(:(?:\d+|\*))?$/s.exec(authority) as RegExpExecArray;
  const isOwn = (scheme === 'http' && port === ':80') || (scheme === 'https' && port === ':443');
  const canonical = host.includes('*')
    ? (asciiOf(host) ?? host).toLowerCase()
    : (canonicalHost(host) ?? host.toLowerCase());
  return canonical + (isOwn ? '' : port);
}
