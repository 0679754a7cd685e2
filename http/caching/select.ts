// Which stored responses a request selects: Vary. RFC 9111 4.1.
import { FieldNames, type Fields, fieldValues, listMembers } from '../fields.ts';
import { remembered } from '../remembered.ts';
import type { CacheRequest, Selecting, StoredResponse } from './stored.ts';

/** What a request has in the fields that a response's Vary names, normalised. `fields`: the response's. With `*` it selects nothing. */
export function selectingOf(fields: Fields, request: Pick<CacheRequest, 'fields'>): Selecting {
  const names = new Set(listMembers(fields, 'vary').map((name) => name.toLowerCase()));
  return [...names].sort().map((name) => [name, normalised(name, request.fields)]);
}

/**
 * Those that the request selects, in their order. `entries`: all under one key, the latest first. A response that was
 * stored before the resource said to vary by some field is not selected any more: nobody knows for which of its values
 * it was meant.
 */
export function selected<S extends { readonly stored: StoredResponse }>(
  all: readonly S[],
  request: Pick<CacheRequest, 'fields' | 'transformKey'>,
): readonly S[] {
  const entries = transformedAlike(all, request);
  if (entries.length === 1 && entries[0]?.stored.selecting.length === 0) return entries;
  const nominated = new Set<string>();
  const values = new Map<string, string | undefined>();
  return entries.filter(({ stored: { selecting } }) => {
    for (const [name] of selecting) nominated.add(name);
    if (selecting.length < nominated.size) return false;
    return selecting.every(([name, value]) => {
      if (!values.has(name)) values.set(name, normalised(name, request.fields));
      return name !== '*' && values.get(name) === value;
    });
  });
}

/** Those that were stored for requests with the same transform. The very list where all were. */
export function transformedAlike<S extends { readonly stored: StoredResponse }>(
  entries: readonly S[],
  { transformKey }: Pick<CacheRequest, 'transformKey'>,
): readonly S[] {
  const isAlike = ({ stored }: S): boolean => stored.transformKey === transformKey;
  return entries.every(isAlike) ? entries : entries.filter(isAlike);
}

/** A field's value in the one form that all its equal spellings share; undefined where the field is absent. */
function normalised(name: string, fields: Fields): string | undefined {
  const lines = fieldValues(fields, name);
  if (lines.length === 0) return undefined;
  if (name === 'cookie') return lines.join('; ').trim(); // RFC 9113 8.2.3
  const line = lines.join(', ');
  if (singletons.has(name)) return line.trim();
  return preferences.get(name)?.(line) ?? listMembers([[name, line]], name).join(',');
}

/** Fields in whose values a comma separates nothing, or not lists: all of the octets count. */
const singletons = new FieldNames([
  'authorization',
  'date',
  'from',
  'host',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'origin',
  'referer',
  'user-agent',
]);

const maxRemembered = 64;

/**
 * Lists whose members are the same in any case, and whose order cannot be relied on to mean anything. RFC 9110 12.5.4.
 * The same few values come over and over.
 */
const preferences = new Map(
  ['accept-charset', 'accept-encoding', 'accept-language'].map((name) => [
    name,
    remembered(maxRemembered, (line) => {
      const members = listMembers([[name, line]], name);
      return members
        .map((member) => normalisedPreference(name, member))
        .sort()
        .join(',');
    }),
  ]),
);

/** `EN ; Q=0.50` is `en;q=0.5`, and a weight of 1 is the same as none. RFC 9110 12.4.2. */
function normalisedPreference(name: string, member: string): string {
  const text = member.toLowerCase().replace(/[\t ]*;[\t ]*/g, ';');
  const [, value, weight = '1'] = /^([^;]+)(?:;q=([01](?:\.\d{0,3})?))?$/.exec(text) ?? [];
  if (value === undefined) return text;
  const number = Number(weight);
  return number === 1 ? equivalent(name, value) : `${equivalent(name, value)};q=${number}`;
}

/** RFC 9110 8.4.1.2 and 8.4.1.3: names with and without `x-` are the same coding. */
function equivalent(name: string, value: string): string {
  if (name !== 'accept-encoding') return value;
  return value === 'x-gzip' ? 'gzip' : value === 'x-compress' ? 'compress' : value;
}
