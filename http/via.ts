// How a message tells the hops it went through, and how a loop shows in that. RFC 9110 7.6, RFC 8586.
import { type Field, type Fields, fieldValues, listMembers } from './fields.ts';

/** How edgehop names itself in `CDN-Loop` and, with a suffix, in `Via`. */
export const hopName = 'edgehop';

/** This hop's member of `Via`: the version it received, and its name. RFC 9110 7.6.3. */
export function viaMember(receivedVersion: string, pseudonym: string): string {
  return `${receivedVersion} ${pseudonym}`;
}

/** Whether a hop with this pseudonym has already carried the message. */
export function hasPassed(fields: Fields, pseudonym: string): boolean {
  return listMembers(fields, 'via').some(
    (member) => member.split(/[ \t]+/)[1]?.toLowerCase() === pseudonym.toLowerCase(),
  );
}

/** Whether an edgehop edge has already carried the message. RFC 8586 2: a CDN that finds itself has found a loop. */
export function hasPassedEdge(fields: Fields): boolean {
  return listMembers(fields, 'cdn-loop').some((member) => member.split(';', 1)[0]?.trim().toLowerCase() === hopName);
}

/** The fields with the edge added to `CDN-Loop`. RFC 8586 2. */
export function withCdnLoop(fields: Fields): Field[] {
  return [...fields, ['CDN-Loop', hopName]];
}

export type ForwardLimit =
  | { readonly kind: 'unlimited' }
  | { readonly kind: 'final-recipient' }
  | { readonly kind: 'forward'; readonly left: number }
  | { readonly kind: 'malformed' };

/** What `Max-Forwards` asks of this hop. It binds only OPTIONS and TRACE. RFC 9110 7.6.2. */
export function forwardLimit(method: string, fields: Fields): ForwardLimit {
  if (method !== 'OPTIONS' && method !== 'TRACE') return { kind: 'unlimited' };
  const values = fieldValues(fields, 'max-forwards');
  if (values.length === 0) return { kind: 'unlimited' };
  if (values.length > 1 || !/^[0-9]{1,10}$/.test(values[0] as string)) return { kind: 'malformed' };
  const left = Number(values[0]);
  return left === 0 ? { kind: 'final-recipient' } : { kind: 'forward', left: left - 1 };
}
