// What tells two states of a content apart: entity tags and modification dates, and when they are strong. RFC 9110 8.8.
import { type Fields, listMembers, onlyValue } from '../fields.ts';
import { parseHttpDate } from '../http-date.ts';
import type { CacheResponse, Time } from './stored.ts';

/** One entity tag. RFC 9110 8.8.3. */
export interface EntityTag {
  readonly isWeak: boolean;
  /** With its quotes. A tag that some origin sent without them is kept as it is, and is weak. */
  readonly opaque: string;
  /** As it came. */
  readonly text: string;
}

/** Reads one tag. What has no quotes, or a wrong mark of weakness, can only be equal to the same text. */
export function parseEntityTag(text: string): EntityTag | undefined {
  if (/^"[\x21\x23-\x7e\x80-\xff]*"$/.test(text)) return { isWeak: false, opaque: text, text };
  if (/^W\/"[\x21\x23-\x7e\x80-\xff]*"$/.test(text)) return { isWeak: true, opaque: text.slice(2), text };
  return /^[\x21\x23-\x2b\x2d-\x7e\x80-\xff"]+$/.test(text) ? { isWeak: true, opaque: text, text } : undefined;
}

/** The tag of a response that has exactly one. */
export function entityTagOf(fields: Fields): EntityTag | undefined {
  const value = onlyValue(fields, 'etag');
  return value === undefined ? undefined : parseEntityTag(value.trim());
}

/** The tags of a condition, which may also be `*`. Members that are no tags match nothing. RFC 9110 13.1.1, 13.1.2. */
export function listedTags(fields: Fields, name: 'if-match' | 'if-none-match'): '*' | readonly EntityTag[] {
  const members = listMembers(fields, name);
  if (members.length === 1 && members[0] === '*') return '*';
  return members.map(parseEntityTag).filter((tag) => tag !== undefined);
}

/** RFC 9110 8.8.3.2. */
export function matchesWeakly(one: EntityTag, other: EntityTag): boolean {
  return one.opaque === other.opaque;
}

/** RFC 9110 8.8.3.2. */
export function matchesStrongly(one: EntityTag, other: EntityTag): boolean {
  return !one.isWeak && !other.isWeak && one.opaque === other.opaque;
}

/** The value of a field that holds one date. */
export function dateIn(fields: Fields, name: string, now: Time): Time | undefined {
  const value = onlyValue(fields, name);
  return value === undefined ? undefined : parseHttpDate(value.trim(), now);
}

/**
 * Last-Modified, where it is as good as a strong validator: the content had been the same for a second when the
 * response was made. RFC 9110 8.8.2.2.
 */
export function strongDateOf({
  fields,
  responseTime,
}: Pick<CacheResponse, 'fields' | 'responseTime'>): Time | undefined {
  const modified = dateIn(fields, 'last-modified', responseTime);
  const made = dateIn(fields, 'date', responseTime);
  return modified !== undefined && made !== undefined && made - modified >= strongAfterMs ? modified : undefined;
}

const strongAfterMs = 1_000;

export function hasStrongValidator(response: Pick<CacheResponse, 'fields' | 'responseTime'>): boolean {
  return entityTagOf(response.fields)?.isWeak === false || strongDateOf(response) !== undefined;
}

/** Whether two responses carry one and the same state of a content, octet for octet. */
export function haveSameOctets(
  one: Pick<CacheResponse, 'fields' | 'responseTime'>,
  other: Pick<CacheResponse, 'fields' | 'responseTime'>,
): boolean {
  const tag = entityTagOf(one.fields);
  const otherTag = entityTagOf(other.fields);
  if (tag !== undefined || otherTag !== undefined) {
    return tag !== undefined && otherTag !== undefined && matchesStrongly(tag, otherTag);
  }
  const modified = strongDateOf(one);
  return modified !== undefined && modified === strongDateOf(other);
}
