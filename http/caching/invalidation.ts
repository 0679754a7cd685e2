// What a request with an unsafe method makes unusable. RFC 9111 4.4.
import { type Fields, fieldValues } from '../fields.ts';
import type { CacheResponse } from './stored.ts';

/**
 * The URLs whose stored responses are to be removed: the target's, and those that Location and Content-Location name on
 * the same origin. None after a safe method, or after an error. `url` is canonical, and so are the results.
 */
export function invalidatedUrls(
  { method, url }: { readonly method: string; readonly url: string },
  { status, fields }: Pick<CacheResponse, 'status' | 'fields'>,
): readonly string[] {
  if (safeMethods.has(method) || status < 200 || status > 399) return [];
  const named = ['location', 'content-location'].flatMap((name) => urlsIn(fields, name, url));
  return [...new Set([url, ...named])];
}

/** Every other one is unsafe, or unknown, which counts as unsafe. RFC 9110 9.2.1, and the registry of methods. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'QUERY', 'REPORT', 'SEARCH', 'TRACE']);

/** Of the same origin only: anything else would let one site empty the cache of another. */
function urlsIn(fields: Fields, name: string, base: string): string[] {
  const { protocol, host } = new URL(base);
  return fieldValues(fields, name)
    .map((value) => value.replace(/[\x80-\xff]/g, percentEncoded))
    .filter((value) => URL.canParse(value, base))
    .map((value) => new URL(value, base))
    .filter((other) => other.protocol === protocol && other.host === host)
    .filter(({ username, password }) => username === '' && password === '')
    .map(({ href }) => href.split('#', 1)[0] as string);
}

/** A character stands for an octet, which the URL parser would take for two. */
function percentEncoded(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).toUpperCase()}`;
}
