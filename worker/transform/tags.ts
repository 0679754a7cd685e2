// Entity tags of transformed content: weak, told apart by the transform, and led back to the origin's own when asked about.
import { listedTags, parseEntityTag } from '../../http/caching/validators.ts';
import { type Field, FieldNames, type Fields, fieldsWithout, onlyValue } from '../../http/fields.ts';

/** What stands behind the origin's own tag: which transform, and whether that tag was strong. */
const ours = /^W\/"([\x21\x23-\x7e\x80-\xff]*)~eh([0-9a-f]{8})([sw])"$/;

const etag = new FieldNames(['etag']);
const ifNoneMatch = new FieldNames(['if-none-match']);

/** Octets that are not the origin's have a tag that is not the origin's, and weak: their codings share it. RFC 9110 8.8.1. */
export function transformedTag(origin: string, transformId: string): string | undefined {
  const tag = parseEntityTag(origin.trim());
  const [, opaque] = /^(?:W\/)?"(.*)"$/.exec(tag?.text ?? '') ?? [];
  return opaque === undefined ? undefined : `W/"${opaque}~eh${transformId}${tag?.isWeak === true ? 'w' : 's'}"`;
}

/** The fields with the tag of transformed content in the place of the origin's; one that is no tag goes. */
export function withTransformedTag(fields: Fields, transformId: string): Field[] {
  const origin = onlyValue(fields, 'etag');
  const tag = origin === undefined ? undefined : transformedTag(origin, transformId);
  return [...fieldsWithout(fields, etag), ...(tag === undefined ? [] : ([['ETag', tag]] as const))];
}

export interface Led {
  readonly fields: Fields;
  /** The tag that was asked about, by the opaque part of the origin's. */
  readonly tags: ReadonlyMap<string, string>;
}

/**
 * A request that asks the origin about its own tags where it asked about those of content that these transforms made. A
 * tag of another transform stays as it is: it matches nothing, so the content comes anew. RFC 9110 13.1.2.
 */
export function ledBack(fields: Fields, transformIds: readonly string[]): Led {
  const listed = listedTags(fields, 'if-none-match');
  const tags = new Map<string, string>();
  if (listed === '*' || listed.length === 0) return { fields, tags };
  const own = new Set(listed.map(({ opaque }) => opaque));
  const texts = listed.map(({ text }) => {
    const [, opaque, id = '', strength] = ours.exec(text) ?? [];
    if (opaque === undefined || !transformIds.includes(id)) return text;
    const origin = `"${opaque}"`;
    if (!own.has(origin)) tags.set(origin, text); // else a 304 would be about what was not transformed, too
    return strength === 'w' ? `W/${origin}` : origin;
  });
  if (tags.size === 0) return { fields, tags };
  return { fields: [...fieldsWithout(fields, ifNoneMatch), ['If-None-Match', texts.join(', ')]], tags };
}

/** The fields of a 304 as it answers what was asked: about content that was transformed, where the origin's tag stands for that. */
export function notModifiedFields(fields: Fields, tags: Led['tags']): Field[] | undefined {
  const origin = parseEntityTag(onlyValue(fields, 'etag')?.trim() ?? '');
  const tag = origin === undefined ? undefined : tags.get(origin.opaque);
  return tag === undefined ? undefined : [...fieldsWithout(fields, etag), ['ETag', tag]];
}

const idBytes = 4;

/** Tells transforms apart: 8 hexadecimal digits. */
export async function transformId(transform: unknown): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(transform)));
  return new Uint8Array(digest, 0, idBytes).toHex();
}
