// What one client gets of a stored response.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type StoredReply, storedReply } from '../../../http/caching/reply.ts';
import type { StoredResponse } from '../../../http/caching/stored.ts';
import { fieldValues } from '../../../http/fields.ts';
import { dateBefore, fieldLines, requestWith, storedWith } from '../../support/stored.ts';

const boundary = 'b0undary';

/** The reply, with its content as text. `held`: the octets that are stored. */
function replyTo(lines: readonly string[], stored: StoredResponse, held = 'x'.repeat(stored.octets), method = 'GET') {
  const reply = storedReply(requestWith(lines, method), stored, 7, boundary);
  return reply.kind === 'forward' ? reply : { ...reply, text: textOf(reply, held) };
}

function textOf({ content }: Extract<StoredReply, { kind: 'reply' }>, held: string): string | undefined {
  if (content.kind === 'none') return undefined;
  const text = content.pieces
    .map((piece) => ('text' in piece ? piece.text : held.slice(piece.first, piece.last + 1)))
    .join('');
  expect(content.octets).toBe(text.length);
  return text;
}

describe('the whole', () => {
  test('with every field as it was stored, and one Age, ours (RFC 9111 5.1)', () => {
    const lines = ['Date: x', 'A: 1', 'a: 2', 'Set-Cookie: a=b', 'Content-Range: junk', 'Expires: 0'];
    const stored = storedWith(['Age: 30', 'Age: 31', 'Content-Length: 10', ...lines]);
    expect(replyTo([], stored, '0123456789')).toEqual({
      kind: 'reply',
      status: 200,
      reason: 'OK',
      fields: fieldLines(...lines, 'Age: 7'),
      content: { kind: 'pieces', octets: 10, pieces: [{ first: 0, last: 9 }] },
      text: '0123456789',
    });
  });

  test('of no octets', () => {
    expect(replyTo([], storedWith([], 0))).toMatchObject({ content: { octets: 0, pieces: [] } });
  });

  test('for HEAD without content but with its length (RFC 9110 9.3.2)', () => {
    const reply = replyTo(['Range: bytes=0-1'], storedWith(['A: 1', 'Content-Length: 12']), '', 'HEAD');
    expect(reply).toMatchObject({
      status: 200,
      fields: fieldLines('A: 1', 'Age: 7', 'Content-Length: 10'),
      content: { kind: 'none' },
    });
  });

  test('of a 204 has neither', () => {
    for (const method of ['GET', 'HEAD']) {
      const reply = replyTo([], { ...storedWith([], 0), status: 204 }, '', method);
      expect(reply).toMatchObject({ status: 204, fields: fieldLines('Age: 7'), content: { kind: 'none' } });
    }
  });
});

describe('304 (RFC 9110 15.4.5)', () => {
  test('conditional-304-etag: with what a cache updates (RFC 9111 3.2), without what frames the content', () => {
    const guiding = ['Cache-Control: max-age=9', 'Content-Type: a/b', 'Date: x', 'ETag: "a"', 'Vary: A', 'B: 1'];
    const describing = ['Content-MD5: x', 'Content-Length: 10', 'Content-Encoding: gzip', 'Age: 1'];
    const reply = replyTo(['If-None-Match: "a"'], storedWith([...describing, ...guiding]));
    expect(reply).toMatchObject({
      status: 304,
      reason: 'Not Modified',
      fields: fieldLines(...guiding, 'Age: 7'),
      content: { kind: 'none' },
    });
  });

  test('goes before a range (RFC 9110 13.2.2)', () => {
    const asked = ['If-None-Match: "a"', 'Range: bytes=50-'];
    expect(replyTo(asked, storedWith(['ETag: "a"']))).toMatchObject({ status: 304 });
  });
});

test('what may be another content than the client goes by is not for us to judge (RFC 9111 4.3.2)', () => {
  const stored = storedWith(['ETag: "a"']);
  expect(replyTo(['If-Match: "b"', 'Range: bytes=5-'], stored)).toEqual({ kind: 'forward' });
  expect(replyTo(['If-Match: "a"', 'Range: bytes=5-'], stored)).toMatchObject({ status: 206 });
});

describe('one range (RFC 9110 15.3.7.1)', () => {
  test.each([
    ['partial-store-complete-reuse-partial', 'bytes=0-1', '01', '0-1'],
    ['partial-store-complete-reuse-partial-no-last', 'bytes=1-', '123456789A', '1-10'],
    ['partial-store-complete-reuse-partial-suffix', 'bytes=-1', 'A', '10-10'],
    ['several that are one', 'bytes=0-3,4-5', '012345', '0-5'],
  ])('%s: %s', (_, range, text, slice) => {
    const stored = storedWith(['A: 1', 'Content-Type: text/plain', 'Content-Encoding: gzip', 'Content-Length: 11'], 11);
    expect(replyTo([`Range: ${range}`], stored, '0123456789A')).toMatchObject({
      status: 206,
      reason: 'Partial Content',
      fields: fieldLines(
        'A: 1',
        'Content-Type: text/plain',
        'Content-Encoding: gzip',
        'Age: 7',
        `Content-Range: bytes ${slice}/11`,
      ),
      text,
    });
  });

  test('has no digest of another content (RFC 9530 2)', () => {
    const reply = replyTo(['Range: bytes=0-1'], storedWith(['Content-Digest: x', 'Content-MD5: x', 'Repr-Digest: x']));
    expect(reply).toMatchObject({ fields: fieldLines('Repr-Digest: x', 'Age: 7', 'Content-Range: bytes 0-1/10') });
  });

  test('of what is not a 200 is ignored (RFC 9110 14.2)', () => {
    expect(replyTo(['Range: bytes=0-1'], { ...storedWith(), status: 404 })).toMatchObject({ status: 404 });
  });

  test('is given when If-Range holds, else the whole (RFC 9110 13.1.5)', () => {
    const stored = storedWith(['ETag: "a"']);
    expect(replyTo(['Range: bytes=0-1', 'If-Range: "a"'], stored)).toMatchObject({ status: 206 });
    expect(replyTo(['Range: bytes=0-1', 'If-Range: "b"'], stored)).toMatchObject({ status: 200 });
    expect(replyTo(['Range: bytes=50-', 'If-Range: "b"'], stored)).toMatchObject({ status: 200 });
  });

  test('that nothing satisfies is 416, with the length there is (RFC 9110 15.5.17)', () => {
    const stored = storedWith(['ETag: "a"', 'Date: x', 'Cache-Control: max-age=9', 'Content-Type: a/b']);
    expect(replyTo(['Range: bytes=10-'], stored)).toMatchObject({
      status: 416,
      reason: 'Range Not Satisfiable',
      fields: fieldLines('Date: x', 'Age: 7', 'Content-Range: bytes */10'),
      text: '',
    });
  });
});

describe('a stored part (RFC 9111 3.3)', () => {
  const part: StoredResponse = {
    ...storedWith(['Content-Range: bytes 4-9/10', 'Content-Length: 5'], 5, 4),
    part: { first: 4, completeOctets: 9 },
  };

  test.each([
    ['partial-store-partial-reuse-partial', 'bytes=-5', '01234', '4-8'],
    ['partial-store-partial-reuse-partial-byterange', 'bytes=6-8', '234', '6-8'],
    ['partial-store-partial-reuse-partial-absent', 'bytes=6-', '234', '6-8'],
    ['partial-store-partial-reuse-partial-suffix', 'bytes=-1', '4', '8-8'],
  ])('%s: %s', (_, range, text, slice) => {
    expect(replyTo([`Range: ${range}`], part, '01234')).toMatchObject({
      status: 206,
      fields: fieldLines('Age: 7', `Content-Range: bytes ${slice}/9`),
      text,
    });
  });

  test.each([
    ['the whole', []],
    ['what it has not', ['Range: bytes=3-5']],
    ['what nobody has', ['Range: bytes=50-']],
    ['another content', ['Range: bytes=4-5', 'If-Range: "a"']],
    ['a confirmation', ['If-None-Match: *']],
  ])('E10: does not answer a request for %s', (_, lines) => {
    expect(replyTo(lines, part)).toEqual({ kind: 'forward' });
  });

  test('E10: does not answer HEAD', () => {
    expect(replyTo(['Range: bytes=4-5'], part, '', 'HEAD')).toEqual({ kind: 'forward' });
  });
});

describe('several ranges (RFC 9110 15.3.7.2)', () => {
  test('come as multipart/byteranges, each with its type and place', () => {
    const stored = storedWith(['Content-Type: text/plain', 'Content-Length: 10', 'A: 1']);
    const reply = replyTo(['Range: bytes=7-8,0-0,-1'], stored, '0123456789');
    expect(reply).toMatchObject({
      status: 206,
      fields: fieldLines('A: 1', 'Age: 7', 'Content-Type: multipart/byteranges; boundary=b0undary'),
      text: [
        '--b0undary\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n',
        '--b0undary\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n',
        '--b0undary--\r\n',
      ].join(''),
    });
  });

  test('of content without a type have none', () => {
    const reply = replyTo(['Range: bytes=0-0,2-2'], storedWith(), '0123456789');
    expect(reply).toMatchObject({
      text: expect.stringMatching(/^--b0undary\r\nContent-Range: bytes 0-0\/10\r\n\r\n0/),
    });
  });

  test('of encoded content are answered with the whole', () => {
    expect(replyTo(['Range: bytes=0-0,2-2'], storedWith(['Content-Encoding: gzip']))).toMatchObject({ status: 200 });
  });

  test('of a part are counted from its own first octet', () => {
    const reply = replyTo(['Range: bytes=20-20,25-26'], storedWith([], 10, 20), 'abcdefghij');
    expect(reply).toMatchObject({ text: expect.stringMatching(/20-20\/100\r\n\r\na\r\n.*25-26\/100\r\n\r\nfg\r\n/s) });
  });

  test('never make more than the whole and its partings, whatever is asked', () => {
    const held = 'x'.repeat(50);
    const spec = fc.oneof(
      fc.tuple(fc.nat(60), fc.nat(60)).map(([first, more]) => `${first}-${first + more}`),
      fc.nat(60).map((first) => `${first}-`),
      fc.nat(60).map((octets) => `-${octets}`),
    );
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), (specs) => {
        const reply = replyTo([`Range: bytes=${specs.join()}`], storedWith([], 50), held);
        if (reply.kind === 'forward') throw new Error('forward');
        expect([200, 206, 416]).toContain(reply.status);
        expect(reply.text?.replace(/[^x]/g, '').length).toBeLessThanOrEqual(50);
      }),
    );
  });
});

test('Age is a whole number whatever the reply', () => {
  const stored = storedWith(['ETag: "a"', `Date: ${dateBefore(10)}`, 'Age: 1']);
  for (const lines of [
    [],
    ['If-None-Match: "a"'],
    ['Range: bytes=0-1'],
    ['Range: bytes=0-0,2-2'],
    ['Range: bytes=99-'],
  ]) {
    const reply = replyTo(lines, stored);
    if (reply.kind === 'forward') throw new Error('forward');
    expect(fieldValues(reply.fields, 'age')).toEqual(['7']);
  }
});
