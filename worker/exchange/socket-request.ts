// Writes a request on a connection of our own, as HTTP/1.1 has it. RFC 9112 3, 6 and 7.1.
import { hostFieldOf } from '../../http/authority.ts';
import { fieldLines } from '../../http/head.ts';
import type { AbsoluteTarget } from '../../http/request-target.ts';
import type { Upstream } from '../dial/choose-upstream.ts';
import type { IdleWatch } from './idle-watch.ts';

/** How the content of the request is delimited. */
export type SentFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly octets: number }
  | { readonly kind: 'chunked' };

/** The head. Method, fields and target have been judged before. The connection is for this one exchange. */
export function requestHead(
  method: string,
  { scheme, host, port, path }: AbsoluteTarget,
  { fields, trailers }: Extract<Upstream, { kind: 'socket' }>,
  framing: SentFraming,
): Uint8Array {
  let text = `${method} ${path} HTTP/1.1\r\nHost: ${hostFieldOf(scheme, host, port)}\r\n${fieldLines(fields)}`;
  if (framing.kind === 'length') text += `Content-Length: ${framing.octets}\r\n`;
  else if (framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  else if (contentIsUsual.has(method)) text += 'Content-Length: 0\r\n'; // RFC 9110 8.6
  text += trailers ? 'TE: trailers\r\nConnection: close, TE\r\n\r\n' : 'Connection: close\r\n\r\n';
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const contentIsUsual: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The most that is read of the request's content before it is written. */
const maxReadBytes = 64 * 1024;

/** `refused`: the origin takes no more, and may have answered. `cut`: the client broke off. */
export type SendingEnd = 'sent' | 'refused' | 'cut';

/** Writes the content in its framing, at the pace of the origin. Never rejects. */
export async function sendContent(
  content: ReadableStream<Uint8Array>,
  framing: SentFraming,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  watch: IdleWatch,
): Promise<SendingEnd> {
  const isChunked = framing.kind === 'chunked';
  const reader = content.getReader({ mode: 'byob' });
  let buffer: ArrayBufferLike = new ArrayBuffer(maxReadBytes);
  for (;;) {
    let read: ReadableStreamReadResult<Uint8Array>;
    try {
      read = await reader.read(new Uint8Array(buffer));
    } catch {
      return 'cut';
    }
    try {
      if (read.done) {
        if (isChunked) await watch.during('take', writer.write(lastChunk));
        return 'sent';
      }
      await watch.during('take', writer.write(isChunked ? chunk(read.value) : read.value));
      buffer = read.value.buffer;
    } catch {
      reader.cancel().catch(nobodyWaits);
      return 'refused';
    }
  }
}

const encoder = new TextEncoder();
const lastChunk = encoder.encode('0\r\n\r\n');

/** RFC 9112 7.1. In one piece, for each write is a segment. */
function chunk(octets: Uint8Array): Uint8Array {
  const size = encoder.encode(`${octets.length.toString(16)}\r\n`);
  const whole = new Uint8Array(size.length + octets.length + 2);
  whole.set(size);
  whole.set(octets, size.length);
  whole.set([13, 10], size.length + octets.length);
  return whole;
}

function nobodyWaits(): void {}
