// What of a transform a response takes, judged by the heads of request and response.
import { parseCacheControl } from '../../http/cache-control.ts';
import { type Fields, listMembers, onlyValue } from '../../http/fields.ts';
import type { Transform, transformParts } from '../../schemas/transform.ts';

type Part = (typeof transformParts)[number];
type Coding = 'gzip' | 'identity';

export interface TextTreatment {
  readonly kind: 'text';
  /** The origin's content coding, which is undone; and that of what goes on. */
  readonly from: Coding;
  readonly to: Coding;
  readonly html: boolean;
  readonly replace: boolean;
  readonly compress: boolean;
  /** Content-Type. */
  readonly type: string;
  /** Request fields that had a part in this. RFC 9110 12.5.5. */
  readonly varies: readonly string[];
  /** Why not all of it is done. */
  readonly skipped?: string | undefined;
}

export type Treatment =
  | TextTreatment
  | {
      readonly kind: 'image';
      readonly type: ImageType;
      readonly to: ImageType;
      /** Whether a format was asked for, so that the result counts even if it is larger. */
      readonly isFormatAsked: boolean;
      readonly varies: readonly string[];
    }
  /** `because`: a fragment for people. */
  | { readonly kind: 'pass'; readonly because: string; readonly varies: readonly string[] };

/** Smaller content does not get smaller, or hardly. */
export const minCompressBytes = 860;

/** Judges a response with this head, whose content has so many octets. */
export function treatmentOf(
  transform: Transform,
  request: { readonly fields: Fields },
  head: { readonly status: number; readonly fields: Fields },
  octets: number | undefined,
): Treatment {
  const because = octets === 0 ? 'there is no content' : refusalOf(request.fields, head);
  if (because !== undefined) return pass(because);
  const contentType = onlyValue(head.fields, 'content-type') ?? '';
  const type = mediaTypeOf(contentType);
  if (type === 'text/event-stream' || type === 'multipart/x-mixed-replace') return pass('it is sent as it happens');
  const codings = listMembers(head.fields, 'content-encoding').map((coding) => coding.toLowerCase());
  const from = codingOf(codings.filter((coding) => coding !== 'identity'));
  if (from === undefined) return pass(`its content coding is ${shown(codings.join(', '))}`);
  if (transform.image !== undefined && isImage(type))
    return imageTreatment(transform.image, request.fields, type, from);
  return textTreatment(transform, request.fields, { contentType, type, from, octets });
}

/** RFC 9110 7.7 forbids it, or there is no whole content. */
function refusalOf(asked: Fields, { status, fields }: { readonly status: number; readonly fields: Fields }) {
  if (status < 200 || status === 204 || status === 304) return 'there is no content';
  if (status === 206 || listMembers(fields, 'content-range').length > 0) return 'it is a part only';
  if (parseCacheControl(fields).noTransform) return 'the response says no-transform';
  return parseCacheControl(asked).noTransform ? 'the request says no-transform' : undefined;
}

function pass(because: string, varies: readonly string[] = []): Treatment {
  return { kind: 'pass', because, varies };
}

function codingOf(codings: readonly string[]): Coding | undefined {
  const [only, ...others] = codings;
  if (only === undefined) return 'identity';
  return others.length === 0 && (only === 'gzip' || only === 'x-gzip') ? 'gzip' : undefined;
}

interface Content {
  readonly contentType: string;
  readonly type: string;
  readonly from: Coding;
  readonly octets: number | undefined;
}

function textTreatment(transform: Transform, asked: Fields, content: Content): Treatment {
  const { contentType, type, from, octets } = content;
  const charset = charsetOf(contentType);
  const wantsHtml = transform.html !== undefined || transform.inject !== undefined;
  const reasons: string[] = [];
  const html = wantsHtml && type === 'text/html';
  if (wantsHtml && !html) reasons.push(`it is ${shown(type)}, not text/html`);
  const replaceBecause = transform.replace === undefined ? '' : refusalToReplace(transform, content, charset);
  if (replaceBecause) reasons.push(replaceBecause);
  const replace = replaceBecause === undefined;
  const compressible = transform.compress === true && isCompressible(type);
  const isGzipAccepted = acceptsGzip(asked);
  const compressBecause =
    transform.compress === undefined ? '' : refusalToCompress(compressible, isGzipAccepted, from, octets);
  if (compressBecause) reasons.push(compressBecause);
  const compress = compressBecause === undefined;
  if (transform.image !== undefined) reasons.push(`it is ${shown(type)}, no image that can be changed`);
  const isEdited = html || replace;
  const varies = compressible || (isEdited && from === 'gzip') ? ['Accept-Encoding'] : [];
  const skipped = reasons.length === 0 ? undefined : reasons.join('; ').slice(0, 256);
  if (!isEdited && !compress) return pass(skipped ?? 'nothing is to be done', varies);
  const to = isGzipAccepted && (compress || from === 'gzip') ? 'gzip' : 'identity';
  return { kind: 'text', from, to, html, replace, compress, type: contentType, varies, skipped };
}

/** Nothing where texts can be replaced. */
function refusalToReplace({ maxReplaceBytes }: Transform, content: Content, charset: string): string | undefined {
  const { type, octets, from } = content;
  if (!isText(type)) return `it is ${shown(type)}, not text`;
  if (!/^(?:utf-?8|us-ascii|ascii|)$/.test(charset)) return `its charset is ${shown(charset)}, not UTF-8`;
  const isLarger = from === 'identity' && octets !== undefined && octets > maxReplaceBytes;
  return isLarger ? tooLargeToReplace(maxReplaceBytes) : undefined;
}

export function tooLargeToReplace(maxReplaceBytes: number): string {
  return `it has more octets than can be held (maxReplaceBytes: ${maxReplaceBytes})`;
}

/** Nothing where it can be compressed. */
function refusalToCompress(
  compressible: boolean,
  isGzipAccepted: boolean,
  from: Coding,
  octets: number | undefined,
): string | undefined {
  if (!compressible) return 'its type is none that gets smaller';
  if (from !== 'identity') return 'it is compressed already';
  if (!isGzipAccepted) return 'the client does not accept gzip';
  return octets !== undefined && octets < minCompressBytes ? 'it is too small to get smaller' : undefined;
}

export const imageTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/avif'] as const;
export type ImageType = (typeof imageTypes)[number];

function isImage(type: string): type is ImageType {
  return (imageTypes as readonly string[]).includes(type);
}

function imageTreatment(
  { format }: NonNullable<Transform['image']>,
  asked: Fields,
  type: ImageType,
  from: Coding,
): Treatment {
  const varies = format === 'auto' ? ['Accept'] : [];
  if (from !== 'identity') return pass(`its content coding is ${from}`, varies);
  const accepted = (wanted: ImageType) => acceptsType(asked, wanted);
  const best = accepted('image/avif') ? 'image/avif' : accepted('image/webp') ? 'image/webp' : type;
  const to = format === undefined ? type : format === 'auto' ? best : (`image/${format}` as ImageType);
  return { kind: 'image', type, to, isFormatAsked: format !== undefined && format !== 'auto', varies };
}

function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase();
}

/** In lower case; empty where nothing is said. */
function charsetOf(contentType: string): string {
  return (/;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType)?.[1] ?? '').toLowerCase();
}

function isText(type: string): boolean {
  return /^(?:text\/.+|application\/(?:(?:x-)?javascript|ecmascript|json|xml|.+\+(?:json|xml))|image\/svg\+xml)$/.test(
    type,
  );
}

function isCompressible(type: string): boolean {
  return (
    isText(type) ||
    /^(?:application\/(?:wasm|vnd\.ms-fontobject|x-ndjson)|font\/(?:ttf|otf)|image\/(?:bmp|x-icon|vnd\.microsoft\.icon))$/.test(
      type,
    )
  );
}

/** Whether a client takes gzip. One that says nothing takes content as it is. RFC 9110 12.5.3. */
export function acceptsGzip(fields: Fields): boolean {
  const weights = weightsOf(fields, 'accept-encoding');
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0;
}

/** Whether a client names a type: that it takes all images says nothing of those that it may not know. RFC 9110 12.5.1. */
function acceptsType(fields: Fields, type: string): boolean {
  return (weightsOf(fields, 'accept').get(type) ?? 0) > 0;
}

/** Members by their names in lower case. RFC 9110 12.4.2. */
function weightsOf(fields: Fields, name: string): ReadonlyMap<string, number> {
  return new Map(
    listMembers(fields, name).map((member) => {
      const [value = '', ...parameters] = member.toLowerCase().split(';');
      const weight = parameters.map((text) => /^\s*q\s*=\s*([01](?:\.\d*)?)\s*$/.exec(text)?.[1]).find((q) => q);
      return [value.trim(), weight === undefined ? 1 : Number(weight)] as const;
    }),
  );
}

/** What an origin has written, as far as it can stand in a sentence. */
function shown(text: string): string {
  return text === '' ? 'of no type' : text.replace(/[^\x21-\x7e ]/g, '?').slice(0, 60);
}

export function partsOf({ html, replace, compress }: TextTreatment, { html: elements, inject }: Transform): Part[] {
  const parts: Part[] = [];
  if (html && elements !== undefined) parts.push('html');
  if (html && inject !== undefined) parts.push('inject');
  if (replace) parts.push('replace');
  if (compress) parts.push('compress');
  return parts;
}
