// Images for tests: PNG made of nothing but zlib, and what a made image says of itself.
import { crc32, deflateSync } from 'node:zlib';

/** A PNG of so many pixels that a compressor has something to do with; the same each time. */
export function png(width: number, height: number): Buffer {
  const lines = Array.from({ length: height }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width * 3 }, (_, x) => (x * 7 + y * 13 + ((x * y * 7919) % 61)) & 0xff)]),
  );
  return pngOf(width, height, [['IDAT', deflateSync(Buffer.concat(lines))]]);
}

/** A PNG with these chunks between its header and its end. */
export function pngOf(width: number, height: number, chunks: readonly (readonly [string, Buffer])[]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const all = [['IHDR', header] as const, ...chunks, ['IEND', Buffer.alloc(0)] as const];
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...all.map(([name, octets]) => chunkOf(name, octets)),
  ]);
}

function chunkOf(name: string, octets: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), octets]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(octets.length, 0);
  framed.set(body, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

export interface ImageFacts {
  readonly format: 'png' | 'webp' | 'jpeg' | 'other';
  /** Of PNG and lossy WebP. */
  readonly width?: number;
  readonly height?: number;
}

export function factsOf(image: Buffer): ImageFacts {
  if (image.toString('latin1', 1, 4) === 'PNG') {
    return { format: 'png', width: image.readUInt32BE(16), height: image.readUInt32BE(20) };
  }
  if (image.toString('latin1', 8, 16) === 'WEBPVP8 ') {
    return { format: 'webp', width: image.readUInt16LE(26) & 0x3fff, height: image.readUInt16LE(28) & 0x3fff };
  }
  return { format: image.readUInt16BE(0) === 0xffd8 ? 'jpeg' : 'other' };
}
