// Judges the head of an origin's response before anything of it is passed on. RFC 9112 6.3, RFC 9110 15.
import { type Fields, fieldValues } from '../../../http/fields.ts';
import { hasNoContent, parseContentLength } from '../../../http/framing.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

export type Judged =
  | {
      readonly kind: 'sound';
      readonly fields: Fields;
      readonly content: { readonly kind: 'none' } | { readonly kind: 'some'; readonly octets: number | undefined };
    }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** Whether the head is sound, and what content it announces. */
export function judgeResponse(method: string, status: number, fields: Fields): Judged {
  if (status < 200 || status > 599) return refused('The origin sent a status that is no final one.');
  if (status === 407) {
    // RFC 9110 15.5.8: only a proxy asks for proxy credentials; passed on, it would look like ours.
    return refused("The origin asked for a proxy's credentials.");
  }
  const lengths = fieldValues(fields, 'content-length');
  const codings = fieldValues(fields, 'transfer-encoding');
  if (codings.length > 0 && lengths.length > 0)
    return refused('The origin sent both Content-Length and Transfer-Encoding.');
  // RFC 9112 6.1. Of others nobody would take them off, and what was taken for the content would be something else.
  if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked')
    return refused('The origin sent a Transfer-Encoding other than one single chunked.');
  if (lengths.length > 1) return refused('The origin sent more than one Content-Length.');
  const octets = lengths[0] === undefined ? undefined : parseContentLength(lengths[0]);
  if (lengths.length === 1 && octets === undefined)
    return refused('The origin sent a Content-Length that is not a number of octets.');
  if (hasNoContent(method, status)) return { kind: 'sound', fields, content: { kind: 'none' } };
  return { kind: 'sound', fields, content: { kind: 'some', octets } };
}

/** Whether a method may be sent twice. RFC 9110 9.2.2. */
export function isIdempotent(method: string): boolean {
  return idempotentMethods.has(method);
}

const idempotentMethods = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PUT',
  'DELETE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
]);

function refused(message: string): Judged {
  return { kind: 'refused', error: new ProxyError('http_protocol_error', message) };
}
