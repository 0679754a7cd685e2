// Judges the head of an origin's response before anything of it is passed on. RFC 9112 6.3, RFC 9110 15.
import type { Fields } from '../../../http/fields.ts';
import { responseFraming } from '../../../http/framing.ts';
import { ProxyError } from '../../../http/proxy-error.ts';

export type Judged =
  | {
      readonly kind: 'sound';
      readonly fields: Fields;
      readonly content: { readonly kind: 'none' } | { readonly kind: 'some'; readonly octets: number | undefined };
    }
  | { readonly kind: 'refused'; readonly error: ProxyError };

/** Whether a head that came in an envelope is sound, and what content it announces. */
export function judgeResponse(method: string, status: number, fields: Fields): Judged {
  const wrong = judgeStatus(status);
  if (wrong !== undefined) return { kind: 'refused', error: wrong };
  const framing = responseFraming(method, '1.1', status, fields);
  if (framing.kind === 'ambiguous') {
    return {
      kind: 'refused',
      error: new ProxyError('http_protocol_error', `The length of the response is ambiguous: ${framing.because}.`),
    };
  }
  if (framing.kind === 'none') return { kind: 'sound', fields, content: { kind: 'none' } };
  const octets = framing.kind === 'length' ? framing.octets : undefined;
  return { kind: 'sound', fields, content: { kind: 'some', octets } };
}

/** Why a response with this status cannot be relayed as the final one, if it cannot. */
export function judgeStatus(status: number): ProxyError | undefined {
  if (status < 200 || status > 599) {
    return new ProxyError('http_protocol_error', 'The origin sent a status that is no final one.');
  }
  // RFC 9110 15.5.8: only a proxy asks for proxy credentials; passed on, it would look like ours.
  if (status === 407) return new ProxyError('http_protocol_error', "The origin asked for a proxy's credentials.");
  return undefined;
}
