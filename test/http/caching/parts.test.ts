// Parts of one content, put together only where a strong validator says that they belong together.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combined, completingFields } from '../../../http/caching/parts.ts';
import { dateBefore, fieldLines, responseWith, storedWith } from '../../support/stored.ts';

describe('what is missing of a part (RFC 9111 3.3)', () => {
  test('is asked for, under the condition that it still is the same content', () => {
    const asked = completingFields(
      fieldLines('Accept: */*', 'Range: bytes=0-', 'If-Range: "x"'),
      storedWith(['ETag: "a"'], 5, 0),
    );
    expect(asked).toEqual(fieldLines('Accept: */*', 'Range: bytes=5-', 'If-Range: "a"'));
    expect(completingFields([], storedWith(['ETag: "a"'], 10, 90))).toEqual(
      fieldLines('Range: bytes=0-89', 'If-Range: "a"'),
    );
  });

  test.each([
    ['of a content that is whole', storedWith(['ETag: "a"'])],
    ['at both ends', storedWith(['ETag: "a"'], 10, 20)],
    ['under a weak tag', storedWith(['ETag: W/"a"'], 10, 0)],
    ['under no tag', storedWith([`Last-Modified: ${dateBefore(100)}`], 10, 0)],
  ])('is not asked for %s', (_, stored) => {
    expect(completingFields([], stored)).toBeUndefined();
  });
});

describe('combining (RFC 9111 3.4)', () => {
  const answer = (range: string, ...lines: string[]) =>
    responseWith(206, ['ETag: "a"', `Content-Range: bytes ${range}`, ...lines]);

  test('the rest makes it whole, with the newer fields', () => {
    const stored = storedWith(['ETag: "a"', 'A: 1', 'B: 1', 'Age: 5', 'Content-Range: bytes 0-39/100'], 40, 0);
    const response = answer('40-99/100', 'A: 2', 'Content-Length: 60');
    expect(combined(stored, response)).toEqual({
      kind: 'combined',
      head: {
        url: stored.url,
        selecting: [],
        status: 200,
        reason: 'OK',
        fields: fieldLines('B: 1', 'ETag: "a"', 'A: 2'),
        requestTime: response.requestTime,
        responseTime: response.responseTime,
      },
      pieces: [
        { from: 'stored', first: 0, last: 39 },
        { from: 'response', first: 40, last: 99 },
      ],
    });
  });

  test('two parts make a greater one', () => {
    const result = combined(storedWith(['ETag: "a"'], 10, 20), answer('30-49/100'));
    if (result.kind === 'apart') throw new Error('apart');
    expect(result.head).toMatchObject({ status: 206, part: { first: 20, completeOctets: 100 } });
    expect(result.head.fields).toContainEqual(['Content-Range', 'bytes 20-49/100']);
  });

  test.each([
    ['ahead', '10-19/100', 'bytes 10-29/100'],
    ['ahead, from the beginning', '0-19/100', 'bytes 0-29/100'],
    ['behind, to the end', '30-99/100', 'bytes 20-99/100'],
    ['behind, of a whole that is not told', '30-49/*', 'bytes 20-49/100'],
  ])('a part that touches %s', (_, range, whole) => {
    const result = combined(storedWith(['ETag: "a"'], 10, 20), answer(range));
    if (result.kind === 'apart') throw new Error('apart');
    expect(result.head).toMatchObject({ status: 206 });
    expect(result.head.fields).toContainEqual(['Content-Range', whole]);
  });

  test('of nothing that is held there is no piece, and trailers stay', () => {
    const nothing = { ...storedWith(['ETag: "a"'], 0, 20), trailers: fieldLines('Digest: x') };
    expect(combined(nothing, answer('20-29/100'))).toMatchObject({
      pieces: [{ from: 'response', first: 20, last: 29 }],
      head: { trailers: [['Digest', 'x']] },
    });
  });

  test.each([
    ['another tag', storedWith(['ETag: "b"'], 10, 20), answer('30-49/100')],
    ['a weak tag', storedWith(['ETag: W/"a"'], 10, 20), answer('30-49/100')],
    ['another whole', storedWith(['ETag: "a"'], 10, 20), answer('30-49/101')],
    ['a gap', storedWith(['ETag: "a"'], 10, 20), answer('31-49/100')],
    ['a gap ahead', storedWith(['ETag: "a"'], 10, 20), answer('0-18/100')],
    ['an unsatisfied range', storedWith(['ETag: "a"'], 10, 20), answer('*/100')],
    ['more than there is', storedWith(['ETag: "a"'], 10, 20), answer('30-100/*')],
    ['an invalid range', storedWith(['ETag: "a"'], 10, 20), answer('30-100/100')],
    ['a 200', storedWith(['ETag: "a"'], 10, 20), { ...answer('30-49/100'), status: 200 }],
  ])('%s keeps them apart', (_, stored, response) => {
    expect(combined(stored, response)).toEqual({ kind: 'apart' });
  });

  test('the pieces are all octets of both, in order, each once', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.nat(99), fc.nat(99), fc.nat(99), (a, b, c, d) => {
        const [first, last] = [Math.min(a, b), Math.max(a, b)];
        const [newFirst, newLast] = [Math.min(c, d), Math.max(c, d)];
        const stored = storedWith(['ETag: "a"'], last - first + 1, first);
        const result = combined(stored, answer(`${newFirst}-${newLast}/100`));
        const isTouching = newFirst <= last + 1 && first <= newLast + 1;
        expect(result.kind).toBe(isTouching ? 'combined' : 'apart');
        if (result.kind === 'apart') return;
        expect(result.pieces.every((piece) => piece.first <= piece.last)).toBe(true);
        const places = result.pieces.flatMap((piece) => range(piece.first, piece.last));
        expect(places).toEqual(range(Math.min(first, newFirst), Math.max(last, newLast)));
        for (const { from, first: start, last: end } of result.pieces) {
          const [low, high] = from === 'stored' ? [first, last] : [newFirst, newLast];
          expect(start >= low && end <= high).toBe(true);
        }
      }),
    );
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
