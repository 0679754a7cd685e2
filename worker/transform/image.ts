// Makes an image smaller, or another format, by the Images binding of the platform. Whatever goes wrong, the original passes.
import type { Transform } from '../../schemas/transform.ts';
import { type Allowance, createAllowance } from '../cache/keeping.ts';
import { clock } from '../clock.ts';
import type { ImageType } from './treatment.ts';

/** An isolate has 128 MB for everything, and the image is held whole, before and after. */
export const maxImageBytes = 10 * 1024 * 1024;

/** Octets say little of what an image takes once it is decoded. */
const maxImagePixels = 50_000_000;

/** Of all images that this isolate has changed at once: an embedded edge has it done on this machine. */
const maxPixelsAtOnce = 100_000_000;
const pixelsAtOnce = createAllowance(maxPixelsAtOnce);

/** How long an image waits for others, and how often it looks. */
const maxWaitMs = 10_000;
const lookEveryMs = 50;

/** What of the binding is used. */
export type Images = Pick<ImagesBinding, 'input' | 'info'>;

export type Imaged =
  | { readonly kind: 'changed'; readonly octets: Uint8Array }
  /** A fragment in words. */
  | { readonly kind: 'unchanged'; readonly because: string };

interface Asked {
  readonly image: NonNullable<Transform['image']>;
  readonly from: ImageType;
  readonly to: ImageType;
  readonly isFormatAsked: boolean;
}

/** Never rejects. */
export async function imaged(images: Images | undefined, octets: Uint8Array, asked: Asked): Promise<Imaged> {
  if (images === undefined) return unchanged('the edge has no Images binding');
  const { image, from, to, isFormatAsked } = asked;
  if (!beginnings[from].test(latin1(octets, 0, 16))) return unchanged(another);
  if (isAnimated(octets)) return unchanged('it is animated');
  try {
    const info = await images.info(streamOf(octets));
    if (info.format !== from || !('width' in info)) return unchanged(another);
    if (info.width * info.height > maxImagePixels) return unchanged('it has too many pixels');
    const share = await shareOf(info.width * info.height);
    if (share === undefined) return unchanged('too many images are being changed at once');
    try {
      const changed = await madeOf(images.input(streamOf(octets)), image, to);
      if (changed === undefined) return unchanged('what became of it is too large');
      if (!isFormatAsked && changed.length >= octets.length) return unchanged('it would not get smaller');
      return { kind: 'changed', octets: changed };
    } finally {
      pixelsAtOnce.end(share);
    }
  } catch {
    return unchanged('the Images binding cannot change it');
  }
}

/** Waits by looking again: no promise of one request may wait for another's. */
async function shareOf(pixels: number): Promise<ReturnType<Allowance['begin']>> {
  const begun = clock.now();
  for (;;) {
    const share = pixelsAtOnce.begin(pixels, clock.now());
    if (share !== undefined || clock.now() - begun > maxWaitMs) return share;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** Nothing where it is too large. */
async function madeOf(
  input: ImageTransformer,
  { width, height, quality }: Asked['image'],
  to: ImageType,
): Promise<Uint8Array | undefined> {
  const sizes = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
  const isResized = width !== undefined || height !== undefined;
  const scaled = isResized ? input.transform({ ...sizes, fit: 'scale-down' }) : input;
  const output = await scaled.output({ format: to, ...(quality !== undefined && { quality }) });
  return readWhole(output.response());
}

const another = 'it is not what its Content-Type says';

/** Nothing else is given to a decoder: there are some that had better not see what an origin likes to send. */
const beginnings: Readonly<Record<ImageType, RegExp>> = {
  'image/jpeg': /^\xff\xd8\xff/,
  'image/png': /^\x89PNG\r\n\x1a\n/,
  'image/webp': /^RIFF.{4}WEBP/s,
  'image/avif': /^.{4}ftypavi[fs]/s,
};

function latin1(octets: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...octets.subarray(from, to));
}

function unchanged(because: string): Imaged {
  return { kind: 'unchanged', because };
}

function streamOf(octets: Uint8Array): ReadableStream<Uint8Array> {
  return new Response(octets).body as ReadableStream<Uint8Array>;
}

/** Nothing where it is too much. */
async function readWhole(response: Response): Promise<Uint8Array | undefined> {
  if (!response.ok) throw new Error(`the binding answered ${response.status}`);
  const into = new Uint8Array(maxImageBytes);
  let length = 0;
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    if (length + piece.length > maxImageBytes) return undefined;
    into.set(piece, length);
    length += piece.length;
  }
  return into.slice(0, length);
}

/** Of an animation hardly any tool leaves more than its first frame: WebP with the flag, PNG with `acTL` ahead of its data. */
function isAnimated(octets: Uint8Array): boolean {
  const text = (from: number, to: number) => latin1(octets, from, to);
  if (text(8, 16) === 'WEBPVP8X') return ((octets[20] ?? 0) & 0x02) !== 0;
  if (text(4, 12) === 'ftypavis') return true;
  if (text(1, 4) !== 'PNG') return false;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 8; at + 8 <= octets.length; at += 12 + view.getUint32(at)) {
    const name = text(at + 4, at + 8);
    if (name === 'acTL') return true;
    if (name === 'IDAT') return false;
  }
  return false;
}
