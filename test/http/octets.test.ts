// Field octets go through a platform of Unicode text and come out the same, or not at all.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { octetsFromText, textFromOctets } from '../../http/octets.ts';

const asOctets = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

test('octets that are UTF-8 go there and back', () => {
  const valid = fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\ufffd'));
  fc.assert(
    fc.property(valid, (text) => {
      expect(textFromOctets(asOctets(text))).toBe(text);
      expect(octetsFromText(text)).toBe(asOctets(text));
    }),
  );
});

test('any octets come back the same or are told to have no text', () => {
  const anyOctets = fc.uint8Array().map((octets) => Buffer.from(octets).toString('latin1'));
  fc.assert(
    fc.property(anyOctets, (octets) => {
      const text = textFromOctets(octets);
      if (text === undefined) expect(asOctets(Buffer.from(octets, 'latin1').toString('utf8'))).not.toBe(octets);
      else if (!text.includes('\ufffd')) expect(octetsFromText(text)).toBe(octets);
    }),
  );
});

test.each([
  ['Latin-1', 'caf\xe9'],
  ['an overlong form', '\xc0\x8a'],
  ['a surrogate', '\xed\xa0\x80'],
  ['a cut sequence', '\xe2\x82'],
])('%s is no text', (_, octets) => {
  expect(textFromOctets(octets)).toBeUndefined();
});

test('a byte order mark is text like any other', () => {
  expect(textFromOctets('\xef\xbb\xbfa')).toBe('\ufeffa');
  expect(octetsFromText('\ufeffa')).toBe('\xef\xbb\xbfa');
});

test('text in which the platform had to replace octets is not taken for what was sent', () => {
  expect(octetsFromText('caf\ufffd')).toBeUndefined();
});

test('D06: a character that is no octet never becomes another one', () => {
  expect(textFromOctets('a\u010ab')).toBeUndefined();
});
