// Texts in content: whatever the pieces, the result is that of the whole.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProxyError } from '../../../http/proxy-error.ts';
import { type Piece, type Source, wholeSource } from '../../../worker/exchange/pour.ts';
import { replaced, replacing } from '../../../worker/transform/replacing.ts';

const encoder = new TextEncoder();

/** The result for a text in pieces of these lengths. */
function inPieces(
  text: string,
  lengths: readonly number[],
  replace: readonly { find: string; with: string }[],
): string {
  const stage = replacing(replace);
  const octets = encoder.encode(text);
  const out: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < octets.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    // As of a source whose pieces are valid only until the next one.
    const piece = octets.slice(at, at + length);
    out.push(stage.take(piece).slice());
    piece.fill(0x21);
    at += length;
  }
  out.push(stage.end());
  return Buffer.concat(out).toString();
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), maxLength: 40 });

test('in pieces of any size it is what the whole comes to', () => {
  const finds = fc.string({ unit: fc.constantFrom('a', 'b', 'ä'), minLength: 1, maxLength: 5 });
  const replacements = fc.array(fc.record({ find: finds, with: letters }), { minLength: 1, maxLength: 3 });
  const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(letters, lengths, replacements, (text, pieces, replace) => {
      const expected = replace.reduce((whole, { find, with: put }) => whole.replaceAll(find, () => put), text);
      expect(inPieces(text, pieces, replace)).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

describe('occurrences', () => {
  test.each([
    ['aaab', 'aab', 'X', 'aX'],
    ['aaaa', 'aa', 'X', 'XX'],
    ['ababac', 'abac', 'X', 'abX'],
    ['abab', 'abc', 'X', 'abab'],
    ['the end', 'end', '', 'the '],
    ['$& and $1', '$&', '$1', '$1 and $1'],
  ])('%j: %j', (text, find, put, expected) => {
    for (const length of [1, 2, 3, 100]) expect(inPieces(text, [length], [{ find, with: put }])).toBe(expected);
  });

  test('each finds what those before it have made', () => {
    expect(
      inPieces(
        'a',
        [1],
        [
          { find: 'a', with: 'b' },
          { find: 'b', with: 'c' },
        ],
      ),
    ).toBe('c');
  });

  test('a text that begins like itself over and over takes no longer than others', () => {
    const find = `${'a'.repeat(1_000)}b`;
    expect(inPieces('a'.repeat(200_000), [65_536], [{ find, with: 'x' }])).toHaveLength(200_000);
  });
});

test('what was held back comes ahead of the end, and not ahead of a failure', async () => {
  const read = async (source: Source) => {
    const told: string[] = [];
    for (;;) {
      const piece = await source.next();
      if (piece.kind !== 'octets') return [...told, piece.kind];
      told.push(Buffer.from(piece.octets).toString());
    }
  };
  const replace = [{ find: 'end', with: 'x' }];
  expect(await read(replaced(wholeSource(encoder.encode('the en')), replace))).toEqual(['the ', 'en', 'end']);
  const pieces: Piece[] = [
    { kind: 'octets', octets: encoder.encode('the en') },
    { kind: 'failed', error: new ProxyError('http_response_incomplete', 'It stopped.') },
  ];
  const failing: Source = { next: async () => pieces.shift() as Piece, cancel: () => undefined };
  expect(await read(replaced(failing, replace))).toEqual(['the ', 'failed']);
});

test('B09: what is made of content comes in pieces of bounded size, whatever a text becomes', async () => {
  const replace = [
    { find: 'l', with: 'X'.repeat(1_000) },
    { find: 'XX', with: 'Y'.repeat(100) },
  ];
  const source = replaced(wholeSource(encoder.encode('l'.repeat(8 * 1024))), replace);
  let octets = 0;
  let longest = 0;
  for (let piece = await source.next(); piece.kind === 'octets'; piece = await source.next()) {
    octets += piece.octets.length;
    longest = Math.max(longest, piece.octets.length);
  }
  expect(octets).toBe(8 * 1024 * 500 * 100);
  expect(longest).toBeLessThanOrEqual(512 * 1024);
});
