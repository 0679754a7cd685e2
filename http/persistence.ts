// Whether a connection may carry another exchange after this response. RFC 9112 9.3.
import { type Fields, fieldValues, listMembers } from './fields.ts';

export type Persistence = { readonly kind: 'close' } | { readonly kind: 'keep'; readonly idleTimeoutMs?: number };

const close: Persistence = { kind: 'close' };
const keep: Persistence = { kind: 'keep' };

/** What a response of this version says of its connection. HTTP/1.0 connections are not kept: too few kept their word. */
export function persistence(httpVersion: string, fields: Fields): Persistence {
  if (httpVersion !== '1.1') return close;
  for (const option of listMembers(fields, 'connection')) if (option.toLowerCase() === 'close') return close;
  const seconds = /(?:^|[\s,])timeout=(\d{1,9})(?:$|[\s,])/i.exec(fieldValues(fields, 'keep-alive')[0] ?? '')?.[1];
  return seconds === undefined ? keep : { kind: 'keep', idleTimeoutMs: Number(seconds) * 1000 };
}
