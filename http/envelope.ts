// Carries an envelope in numbered private fields of bounded size. Wire contract, version 1.
import { envelopeFieldPrefix, maxEnvelopeBytes, maxEnvelopeFieldBytes } from '../schemas/relay.ts';
import type { Field } from './fields.ts';

export type Packed = { readonly kind: 'packed'; readonly fields: Field[] } | { readonly kind: 'too-large' };

/** Cuts a base64url text into numbered fields; `too-large` beyond `maxEnvelopeBytes`. */
export function packEnvelope(text: string): Packed {
  if (text.length > maxEnvelopeBytes) return { kind: 'too-large' };
  const fields: Field[] = [];
  for (let start = 0; start < text.length; start += maxEnvelopeFieldBytes) {
    fields.push([`${envelopeFieldPrefix}${fields.length}`, text.slice(start, start + maxEnvelopeFieldBytes)]);
  }
  return { kind: 'packed', fields };
}

export type Unpacked =
  | { readonly kind: 'unpacked'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'malformed'; readonly because: string };

/** Joins the numbered fields again. `fieldValue` gives the value of a lower-case field name. */
export function unpackEnvelope(fieldValue: (name: string) => string | null | undefined): Unpacked {
  let text = fieldValue(`${envelopeFieldPrefix}0`);
  if (typeof text !== 'string') return { kind: 'missing' };
  for (let n = 1; text.length <= maxEnvelopeBytes; n++) {
    const next = fieldValue(`${envelopeFieldPrefix}${n}`);
    if (typeof next !== 'string') break;
    text += next;
  }
  if (text.length > maxEnvelopeBytes) return { kind: 'malformed', because: `over ${maxEnvelopeBytes} octets` };
  return /^[A-Za-z0-9_-]+$/.test(text) ? { kind: 'unpacked', text } : { kind: 'malformed', because: 'not base64url' };
}
