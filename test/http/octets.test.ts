// Field octets that a platform of Unicode text has read come out the same, or not at all.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { octetsFromText, textFromUtf8 } from '../../http/octets.ts';

const asOctets = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

test('octets that are UTF-8 come back the same', () => {
  const valid = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\ufffd'));
  fc.assert(
    fc.property(valid, (text) => {
      expect(octetsFromText(text)).toBe(asOctets(text));
    }),
  );
});

test('any octets come back the same or are told to have been replaced', () => {
  const anyOctets = fc.uint8Array().map((octets) => Buffer.from(octets).toString('latin1'));
  fc.assert(
    fc.property(anyOctets, (octets) => {
      const back = octetsFromText(Buffer.from(octets, 'latin1').toString('utf8'));
      if (back !== undefined) expect(back).toBe(octets);
    }),
  );
});

test('a byte order mark is text like any other', () => {
  expect(octetsFromText('\ufeffa')).toBe('\xef\xbb\xbfa');
});

test('text in which the platform had to replace octets is not taken for what was sent', () => {
  expect(octetsFromText('caf\ufffd')).toBeUndefined();
});

test('octets are text only where they are UTF-8', () => {
  expect(textFromUtf8(Buffer.from('\ufeffcafé'))).toBe('\ufeffcafé');
  expect(textFromUtf8(Buffer.from('café', 'latin1'))).toBeUndefined();
});
