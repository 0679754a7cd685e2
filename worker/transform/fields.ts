// The fields of a response whose content was changed: nothing that speaks of the octets that came. RFC 9110 7.7, 8.8.
import { type Field, FieldNames, type Fields, fieldsWithout, listMembers } from '../../http/fields.ts';
import { withTransformedTag } from './tags.ts';

export interface FieldChange {
  readonly transformId: string;
  /** The content coding of what goes on. */
  readonly coding: 'gzip' | 'identity';
  /** Where it has become another one. */
  readonly type?: string | undefined;
  /** Request fields that had a part in it. */
  readonly varies: readonly string[];
}

/** What is said of octets that are gone; a part of what is made anew each time cannot be asked for. RFC 9530. */
const ofOctets = new FieldNames([
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'repr-digest',
]);

const contentType = new FieldNames(['content-type']);

export function changedFields(fields: Fields, { transformId, coding, type, varies }: FieldChange): Field[] {
  let changed = withTransformedTag(fieldsWithout(fields, ofOctets), transformId);
  if (coding !== 'identity') changed.push(['Content-Encoding', coding]);
  if (type !== undefined) changed = [...fieldsWithout(changed, contentType), ['Content-Type', type]];
  return withVary(changed, varies);
}

const trailersOfOctets = new FieldNames(['content-digest', 'content-md5', 'digest', 'etag', 'repr-digest']);

/** What of a trailer section is true of changed content, too. */
export function changedTrailers(trailers: Fields): Fields {
  return fieldsWithout(trailers, trailersOfOctets);
}

/** The fields, whose Vary names these too. RFC 9110 12.5.5. */
export function withVary(fields: Fields, names: readonly string[]): Field[] {
  const listed = new Set(listMembers(fields, 'vary').map((name) => name.toLowerCase()));
  const missing = listed.has('*') ? [] : names.filter((name) => !listed.has(name.toLowerCase()));
  return missing.length === 0 ? [...fields] : [...fields, ['Vary', missing.join(', ')]];
}
