// The records of the index file: each has its length and checksum before it, so that a torn one is known.
import { crc32 } from 'node:zlib';
import type { Selecting, StoredResponse } from '../../http/caching/stored.ts';
import type { Fields } from '../../http/fields.ts';

/** A stored response as the index keeps it. `head`: what `headText` gives. */
export interface PutFrame {
  readonly kind: 'put';
  readonly id: number;
  readonly octets: number;
  /** Of the content: CRC-32. */
  readonly checksum: number;
  readonly key: string;
  readonly url: string;
  readonly head: string;
}

export type Frame =
  | PutFrame
  | { readonly kind: 'remove'; readonly id: number }
  /** Entries in the order of their latest use, the one used longest ago first. */
  | { readonly kind: 'order'; readonly ids: readonly number[] };

/** What an index begins with: another version's is not read. */
export const indexMagic = Buffer.from('edgehop cache 1\n', 'latin1');

/** Of a frame: its length and its checksum. */
const prefixOctets = 8;
const idOctets = 6;
const putOctets = prefixOctets + 1 + 2 * idOctets + 3 * 4;
const kinds = { put: 1, remove: 2, order: 3 } as const;

/** What a frame of these texts takes in the index. */
export function putFrameOctets({ key, url, head }: Pick<PutFrame, 'key' | 'url' | 'head'>): number {
  return putOctets + key.length + (url === key ? 0 : url.length) + head.length;
}

/** The octets of a frame. Key and URL are ASCII, as canonical URLs and `asciiJson` are. */
export function frameOctets(frame: Frame): Buffer {
  switch (frame.kind) {
    case 'put': {
      const url = frame.url === frame.key ? '' : frame.url;
      const octets = Buffer.allocUnsafe(putFrameOctets(frame));
      octets.writeUInt8(kinds.put, 8);
      octets.writeUIntLE(frame.id, 9, idOctets);
      octets.writeUIntLE(frame.octets, 15, idOctets);
      octets.writeUInt32LE(frame.checksum, 21);
      octets.writeUInt32LE(frame.key.length, 25);
      octets.writeUInt32LE(url.length, 29);
      octets.write(frame.key, putOctets, 'latin1');
      octets.write(url, putOctets + frame.key.length, 'latin1');
      octets.write(frame.head, putOctets + frame.key.length + url.length, 'latin1');
      return sealed(octets);
    }
    case 'remove': {
      const octets = Buffer.allocUnsafe(prefixOctets + 1 + idOctets);
      octets.writeUInt8(kinds.remove, 8);
      octets.writeUIntLE(frame.id, 9, idOctets);
      return sealed(octets);
    }
    case 'order': {
      const octets = Buffer.allocUnsafe(prefixOctets + 1 + frame.ids.length * idOctets);
      octets.writeUInt8(kinds.order, 8);
      for (const [i, id] of frame.ids.entries()) octets.writeUIntLE(id, 9 + i * idOctets, idOctets);
      return sealed(octets);
    }
  }
}

export type ReadFrame =
  | { readonly kind: 'frame'; readonly frame: Frame; readonly octets: number }
  /** More octets are needed: so many from the frame's beginning. */
  | { readonly kind: 'incomplete'; readonly octets: number }
  | { readonly kind: 'torn' };

/** The frame that begins at an offset. */
export function readFrame(from: Buffer, offset: number, maxFrameOctets: number): ReadFrame {
  const held = from.length - offset;
  if (held < prefixOctets + 1) return { kind: 'incomplete', octets: prefixOctets + 1 };
  const octets = from.readUInt32LE(offset);
  if (octets < prefixOctets + 1 || octets > maxFrameOctets) return { kind: 'torn' };
  if (held < octets) return { kind: 'incomplete', octets };
  const end = offset + octets;
  if (crc32(from.subarray(offset + prefixOctets, end)) !== from.readUInt32LE(offset + 4)) return { kind: 'torn' };
  const frame = frameAt(from, offset, end);
  return frame === undefined ? { kind: 'torn' } : { kind: 'frame', frame, octets };
}

function frameAt(from: Buffer, offset: number, end: number): Frame | undefined {
  switch (from.readUInt8(offset + 8)) {
    case kinds.put: {
      const keyAt = offset + putOctets;
      if (keyAt > end) return undefined;
      const urlAt = keyAt + from.readUInt32LE(offset + 25);
      const headAt = urlAt + from.readUInt32LE(offset + 29);
      if (headAt > end) return undefined;
      const key = from.toString('latin1', keyAt, urlAt);
      return {
        kind: 'put',
        id: from.readUIntLE(offset + 9, idOctets),
        octets: from.readUIntLE(offset + 15, idOctets),
        checksum: from.readUInt32LE(offset + 21),
        key,
        url: urlAt === headAt ? key : from.toString('latin1', urlAt, headAt),
        head: from.toString('latin1', headAt, end),
      };
    }
    case kinds.remove:
      return { kind: 'remove', id: from.readUIntLE(offset + 9, idOctets) };
    case kinds.order: {
      const ids: number[] = [];
      for (let at = offset + 9; at + idOctets <= end; at += idOctets) ids.push(from.readUIntLE(at, idOctets));
      return { kind: 'order', ids };
    }
    default:
      return undefined;
  }
}

function sealed(octets: Buffer): Buffer {
  octets.writeUInt32LE(octets.length, 0);
  octets.writeUInt32LE(crc32(octets.subarray(prefixOctets)), 4);
  return octets;
}

type HeadTuple = readonly [
  status: number,
  reason: string,
  requestTime: number,
  responseTime: number,
  fields: Fields,
  selecting: readonly (readonly [string, string | null])[],
  part: StoredResponse['part'] | null,
  trailers: Fields | null,
  transformKey?: string,
];

/** The head of a stored response as ASCII text; its URL and its length are kept beside it. */
export function headText(head: Omit<StoredResponse, 'octets'>): string {
  const tuple: HeadTuple = [
    head.status,
    head.reason,
    head.requestTime,
    head.responseTime,
    head.fields,
    head.selecting.map(([name, value]) => [name, value ?? null]),
    head.part ?? null,
    head.trailers ?? null,
  ];
  const { transformKey } = head;
  return JSON.stringify(transformKey === undefined ? tuple : [...tuple, transformKey]).replace(
    /[\x7f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The stored response that a text was made of. */
export function storedFromText(text: string, url: string, octets: number): StoredResponse {
  const tuple = JSON.parse(text) as HeadTuple;
  const [status, reason, requestTime, responseTime, fields, selecting, part, trailers, transformKey] = tuple;
  return {
    url,
    status,
    reason,
    fields,
    requestTime,
    responseTime,
    selecting: selecting.map(([name, value]): Selecting[number] => [name, value ?? undefined]),
    octets,
    ...(part != null && { part }),
    ...(trailers !== null && { trailers }),
    ...(transformKey !== undefined && { transformKey }),
  };
}
