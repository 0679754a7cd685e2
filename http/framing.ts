// How the content of a message is delimited, and when that is ambiguous. RFC 9112 6.
import { type Fields, fieldValues } from './fields.ts';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly octets: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'ambiguous'; readonly because: string };

/** The framing of a request by its head alone. `httpVersion` is `1.0` or `1.1`. RFC 9112 6.1 to 6.3. */
export function requestFraming(httpVersion: string, fields: Fields): Framing {
  const codings = fieldValues(fields, 'transfer-encoding');
  const lengths = fieldValues(fields, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) return ambiguous('both Content-Length and Transfer-Encoding'); // 6.3 (3)
    if (httpVersion === '1.0') return ambiguous('Transfer-Encoding in an HTTP/1.0 message'); // 6.1
    if (codings.length > 1 || (codings[0] as string).toLowerCase() !== 'chunked') {
      return ambiguous('a Transfer-Encoding other than one single chunked'); // 6.1: applied last and once
    }
    return { kind: 'chunked' };
  }
  if (lengths.length === 0) return { kind: 'none' };
  if (lengths.length > 1) return ambiguous('more than one Content-Length');
  const octets = parseContentLength(lengths[0] as string);
  return octets === undefined
    ? ambiguous('a Content-Length that is not a number of octets')
    : { kind: 'length', octets };
}

/** Of a response: `close` ends with its connection. RFC 9112 6.3 (8). */
export type ResponseFraming = Framing | { readonly kind: 'close' };

/** The framing of a response by its head. RFC 9112 6.1 to 6.3. */
export function responseFraming(method: string, httpVersion: string, status: number, fields: Fields): ResponseFraming {
  const codings = fieldValues(fields, 'transfer-encoding');
  const lengths = fieldValues(fields, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) return ambiguous('both Content-Length and Transfer-Encoding');
    if (httpVersion === '1.0') return ambiguous('Transfer-Encoding in an HTTP/1.0 message');
    // Of others nobody would take them off, and what was taken for the content would be something else.
    if (codings.length > 1 || (codings[0] as string).toLowerCase() !== 'chunked') {
      return ambiguous('a Transfer-Encoding other than one single chunked');
    }
  }
  if (lengths.length > 1) return ambiguous('more than one Content-Length');
  const octets = lengths[0] === undefined ? undefined : parseContentLength(lengths[0]);
  if (lengths.length === 1 && octets === undefined) return ambiguous('a Content-Length that is not a number of octets');
  if (hasNoContent(method, status)) return { kind: 'none' };
  if (codings.length > 0) return { kind: 'chunked' };
  return octets === undefined ? { kind: 'close' } : { kind: 'length', octets };
}

/** What a head says of its content: how many octets, none at all, or nothing that is known before its end. */
export function announcedOctets(framing: ResponseFraming): number | 'none' | undefined {
  if (framing.kind === 'none') return 'none';
  return framing.kind === 'length' ? framing.octets : undefined;
}

/** The size that a chunk's first line states, its extensions skipped, or nothing when it states none. RFC 9112 7.1. */
export function parseChunkSize(line: string): number | undefined {
  const digits = /^([0-9A-Fa-f]{1,16})(?:;.*)?$/.exec(line)?.[1];
  const octets = Number.parseInt(digits ?? '', 16);
  return Number.isSafeInteger(octets) ? octets : undefined;
}

/** The number that a Content-Length states, or nothing when it is no such number. RFC 9110 8.6. */
export function parseContentLength(value: string): number | undefined {
  if (!/^[0-9]{1,20}$/.test(value)) return undefined;
  const octets = Number(value);
  return Number.isSafeInteger(octets) ? octets : undefined;
}

/** Whether a response to this method with this status has no content, whatever its fields say. RFC 9112 6.3 (1). */
export function hasNoContent(method: string, status: number): boolean {
  return (
    method === 'HEAD' || (method === 'CONNECT' && status < 300) || status === 204 || status === 304 || status < 200
  );
}

function ambiguous(because: string): Framing {
  return { kind: 'ambiguous', because };
}
