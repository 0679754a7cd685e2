// Whether a connection may carry another exchange after this response. RFC 9112 9.3.
import { type Fields, fieldValues, listMembers } from './fields.ts';
import { remembered } from './remembered.ts';

export type Persistence = { readonly kind: 'close' } | { readonly kind: 'keep'; readonly idleTimeoutMs?: number };

const close: Persistence = { kind: 'close' };
const keep: Persistence = { kind: 'keep' };

/** What a response of this version says of its connection. HTTP/1.0 connections are not kept: too few kept their word. */
export function persistence(httpVersion: string, fields: Fields): Persistence {
  if (httpVersion !== '1.1') return close;
  for (const value of fieldValues(fields, 'connection')) if (saysClose(value)) return close;
  const [parameters] = fieldValues(fields, 'keep-alive');
  return parameters === undefined ? keep : keptFor(parameters);
}

const maxRemembered = 64; // the same few values come over and over

const saysClose = remembered(maxRemembered, (value) =>
  listMembers([['connection', value]], 'connection').some((option) => option.toLowerCase() === 'close'),
);

const keptFor = remembered(maxRemembered, (parameters): Persistence => {
  const seconds = /(?:^|[\s,])timeout=(\d{1,9})(?:$|[\s,])/i.exec(parameters)?.[1];
  return seconds === undefined ? keep : { kind: 'keep', idleTimeoutMs: Number(seconds) * 1000 };
});
