// Reads and writes the lines of a message's head. Each character of the text stands for one octet, and CRLF ends each line. RFC 9112.
import type { Field, Fields } from './fields.ts';
import { ProxyError } from './proxy-error.ts';

export interface StatusLine {
  readonly httpVersion: '1.0' | '1.1';
  readonly status: number;
  readonly reason: string;
  /** Where the next line begins. */
  readonly end: number;
}

/** Understands the first line of a response, whose reason phrase may be missing with its space. RFC 9112 4. */
export function parseStatusLine(text: string): StatusLine | undefined {
  const end = text.indexOf('\r\n');
  const [, httpVersion, status, reason = ''] = /^HTTP\/(1\.[01]) ([1-9]\d\d)(?: (.*))?$/.exec(text.slice(0, end)) ?? [];
  if (httpVersion === undefined) return undefined;
  return { httpVersion: httpVersion as StatusLine['httpVersion'], status: Number(status), reason, end: end + 2 };
}

export type FieldLines =
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  | { readonly kind: 'failed'; readonly error: ProxyError };

/**
 * The field lines from `start` up to the empty line that ends the text. A folded line, space before the colon or a
 * name that is no token is an error. RFC 9112 5. Control octets have been refused by whoever found the lines.
 */
export function fieldsFromLines(text: string, start: number, maxFields: number): FieldLines {
  const fields: Field[] = [];
  const last = text.length - 2;
  for (let at = start; at < last; ) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon > end) return malformed('The destination sent a field line without a colon.');
    const name = text.slice(at, colon);
    if (!isToken(name)) return malformed('The destination sent a field name that is none.');
    if (fields.length === maxFields) return tooMany();
    fields.push([name, withoutOws(text, colon + 1, end)]);
    at = end + 2;
  }
  return { kind: 'fields', fields };
}

/** Field lines as a message has them, each with its end. Names and values have been judged before. */
export function fieldLines(fields: Fields): string {
  let text = '';
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return text;
}

function isToken(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
}

/** RFC 9110 5.5: spaces and tabs around a value are not part of it. Other white space is. */
function withoutOws(text: string, start: number, end: number): string {
  let first = start;
  let behind = end;
  while (first < behind && isOws(text.charCodeAt(first))) first++;
  while (behind > first && isOws(text.charCodeAt(behind - 1))) behind--;
  return text.slice(first, behind);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function malformed(message: string): FieldLines {
  return { kind: 'failed', error: new ProxyError('http_protocol_error', message) };
}

function tooMany(): FieldLines {
  return {
    kind: 'failed',
    error: new ProxyError('http_response_header_section_size', 'The destination sent more fields than are relayed.'),
  };
}
