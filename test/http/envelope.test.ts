// An envelope goes through numbered fields and comes out the same, within its bounds and not beyond.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packEnvelope, unpackEnvelope } from '../../http/envelope.ts';
import type { Field } from '../../http/fields.ts';
import { maxEnvelopeBytes, maxEnvelopeFieldBytes } from '../../schemas/relay.ts';

test('what is packed is unpacked the same, in fields of bounded size', () => {
  const anyOctets = fc.uint8Array({ minLength: 1, maxLength: 30_000 });
  fc.assert(
    fc.property(anyOctets, (octets) => {
      const text = Buffer.from(octets).toString('base64url');
      const fields = packed(text);
      expect(fields.length).toBe(Math.ceil(text.length / maxEnvelopeFieldBytes));
      for (const [, value] of fields) expect(value.length).toBeLessThanOrEqual(maxEnvelopeFieldBytes);
      expect(unpackEnvelope(from(fields))).toEqual({ kind: 'unpacked', text });
    }),
    { numRuns: 50 },
  );
});

test('the largest envelope goes through, one octet more does not', () => {
  const largest = 'A'.repeat(maxEnvelopeBytes);
  const fields = packed(largest);
  expect(fields.map(([name]) => name)).toEqual(Array.from({ length: 12 }, (_, n) => `edgehop-envelope-${n}`));
  expect(unpackEnvelope(from(fields))).toEqual({ kind: 'unpacked', text: largest });
  expect(packEnvelope(`${largest}A`)).toEqual({ kind: 'too-large' });
});

test.each([
  ['in one field more', [...packed('A'.repeat(maxEnvelopeBytes)), ['edgehop-envelope-12', 'A']]],
  ['in one single field', [['edgehop-envelope-0', 'A'.repeat(maxEnvelopeBytes + 1)]]],
] as const)('one octet too many is not taken, %s', (_, fields) => {
  expect(unpackEnvelope(from(fields)).kind).toBe('malformed');
});

test('what is not there is missing', () => {
  expect(unpackEnvelope(() => null)).toEqual({ kind: 'missing' });
  expect(unpackEnvelope(from([['edgehop-envelope-1', 'A']]))).toEqual({ kind: 'missing' });
});

test.each(['', 'A=', 'A+/', 'A, A', 'A\nA', '\u0141'])('%j is not base64url', (value) => {
  expect(unpackEnvelope(from([['edgehop-envelope-0', value]]))).toEqual({
    kind: 'malformed',
    because: 'not base64url',
  });
});

function packed(text: string): Field[] {
  const result = packEnvelope(text);
  if (result.kind !== 'packed') throw new Error(result.kind);
  return result.fields;
}

function from(fields: readonly Field[]): (name: string) => string | undefined {
  return (name) => fields.find(([candidate]) => candidate === name)?.[1];
}
